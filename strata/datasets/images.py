"""The images and labels of a downloaded data set, checked against dataset.json."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.checksum import sha256_of
from strata.datasets.catalogue import IMAGE_FILES, LABEL_FILES
from strata.datasets.description import read_description
from strata.datasets.idx import read_images, read_labels
from strata.errors import StrataError

PARTS = {"train": ("train",), "test": ("test",), "both": ("train", "test")}


@dataclass(frozen=True)
class LabelledImages:
    """Images, uint8 (n, H, W) or (n, H, W, 3), with labels (n,), and the split, 'train' or 'test', each came from.

    A sample's id is its row: its index in its split, or, where both splits were asked for, in train followed by test.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.integer]
    splits: NDArray[np.str_]


def load_images(folder: Path, split: str) -> LabelledImages:
    """Return the images of split 'train', 'test' or 'both'.

    Raises StrataError where a file is not the one that dataset.json describes.
    """
    description = read_description(folder)
    images, labels, splits = [], [], []
    for part in PARTS[split]:
        for name in (IMAGE_FILES[part], LABEL_FILES[part]):
            if sha256_of(folder / name) != description.sha256.get(name):
                raise StrataError(
                    f"{folder / name} is not the file that dataset.json describes; run `dvc repro -f download`"
                )
        images.append(read_images(folder / IMAGE_FILES[part]))
        labels.append(read_labels(folder / LABEL_FILES[part]))
        splits.append(np.full(len(labels[-1]), part))
    return LabelledImages(np.concatenate(images), np.concatenate(labels), np.concatenate(splits))
