"""User images for the tests: class c has a bright bar in row c + 3, in a different colour for each class."""

import gzip
from pathlib import Path

import numpy as np
from PIL import Image

from strata.dataset.description import IMAGE_FILES, LABEL_FILES
from strata.dataset.idx import write_idx

SIDE = 16
KINDS = ("images", "labels")
NAMES = ["ant", "bee & co", "cat"]
COLOURS = np.array([[250, 40, 40], [40, 250, 40], [40, 40, 250]], dtype=np.uint8)


def bars(count: int, colour: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` noisy images, (n, 16, 16) or (n, 16, 16, 3), and labels 0, 1, 2, 0 ..."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(NAMES)
    images = rng.integers(0, 60, (count, SIDE, SIDE, 3), dtype=np.uint8)
    images[np.arange(count), labels + 3] = COLOURS[labels][:, None]
    return (images if colour else images.max(axis=3)), labels


def save_image(path: Path, pixels: np.ndarray) -> None:
    """Save an image, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def class_folders(folder: Path, count: int, colour: bool = True, seed: int = 0) -> Path:
    """Write `count` PNG files into class folders; the names' order is that of the labels."""
    for number, (image, label) in enumerate(zip(*bars(count, colour, seed), strict=True)):
        save_image(folder / NAMES[label] / f"{number:04}.png", image)
    return folder


def npz_file(path: Path, train: int, test: int, colour: bool = False) -> Path:
    """Write a split .npz file with class names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"train": bars(train, colour, 1), "test": bars(test, colour, 2)}
    arrays = {f"{part}_{kind}": each for part, pair in parts.items() for kind, each in zip(KINDS, pair, strict=True)}
    np.savez(path, class_names=np.array(NAMES), **arrays)
    return path


def idx_folder(folder: Path, train: int, test: int, packed: bool = True) -> Path:
    """Write four IDX files, as .gz unless said otherwise, without names for the classes."""
    for part, count in (("train", train), ("test", test)):
        images, labels = bars(count, colour=False, seed=count)
        for name, content in ((IMAGE_FILES[part], images), (LABEL_FILES[part], labels.astype(np.uint8))):
            write_idx(folder / name, content)
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
                (folder / name).unlink()
    return folder
