"""`dataset.json`: what a folder of four IDX files holds, with the checksums that later stages hold it to."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from strata.atomic import write_json
from strata.checksum import sha256_of
from strata.datasets.catalogue import IDX_FILES, IMAGE_FILES, LABEL_FILES, CatalogueEntry
from strata.datasets.idx import read_images, read_labels
from strata.errors import StrataError
from strata.params.section import Section

NAME = "dataset.json"
BLOCK = 1000  # images counted at a time


class DatasetDescription(Section):
    """The content of dataset.json; mean and standard deviation are of pixels in [0, 1], over all channels.

    Only where it applies: `shuffled_labels_seed`, from which the training labels were shuffled, and `source_sha256`,
    the checksum of the files of one's own that were read.
    """

    name: str
    source: str
    classes: Annotated[list[str], Field(min_length=2)]
    counts: dict[str, int]
    image_shape: Annotated[list[int], Field(min_length=3, max_length=3)]
    mean: float
    std: Annotated[float, Field(gt=0)]
    sha256: dict[str, str]
    citation: str
    licence: str
    shuffled_labels_seed: int | None = None
    source_sha256: str | None = None


def describe(
    folder: Path, entry: CatalogueEntry, shuffled_labels_seed: int | None = None, source_sha256: str | None = None
) -> DatasetDescription:
    """Return the description of a folder's four IDX files, after checking that they fit together.

    Raises StrataError where the numbers of images and labels differ or a label names no class.
    """
    counts, sizes = {}, set()
    for split, images_file in IMAGE_FILES.items():
        images = read_images(folder / images_file)
        labels = read_labels(folder / LABEL_FILES[split])
        if len(images) != len(labels):
            raise StrataError(f"{entry.name}: {len(images)} {split} images but {len(labels)} {split} labels")
        if not len(labels) or labels.min() < 0 or labels.max() >= len(entry.classes):
            raise StrataError(f"{entry.name}: the {split} labels must be 0 to {len(entry.classes) - 1}, and some")
        counts[split] = len(images)
        sizes.add(images.shape[1:])
    if len(sizes) > 1:
        raise StrataError(f"{entry.name}: training and test images differ in size")
    height, width, *channels = sizes.pop()
    mean, std = entry.normalization or _normalization(folder)
    return DatasetDescription(
        name=entry.name,
        source=entry.source,
        classes=list(entry.classes),
        counts=counts,
        image_shape=[*(channels or [1]), height, width],
        mean=mean,
        std=std,
        sha256={name: sha256_of(folder / name) for name in IDX_FILES},
        citation=entry.citation,
        licence=entry.licence,
        shuffled_labels_seed=shuffled_labels_seed,
        source_sha256=source_sha256,
    )


def write_description(folder: Path, description: DatasetDescription) -> None:
    """Write dataset.json into `folder`."""
    write_json(folder / NAME, description.model_dump(exclude_none=True))


def read_description(folder: Path) -> DatasetDescription:
    """Return the checked content of a folder's dataset.json. Raises StrataError where it is missing or damaged."""
    path = folder / NAME
    try:
        return DatasetDescription.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro download`") from None
    except (ValueError, ValidationError, RecursionError) as error:
        raise StrataError(f"{path} is damaged ({' '.join(str(error).split())}); run `dvc repro download`") from None


def _normalization(folder: Path) -> tuple[float, float]:
    """Return mean and standard deviation of the training pixels in [0, 1], from exact sums, to four digits."""
    images = read_images(folder / IMAGE_FILES["train"])
    parts = (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
    counts = sum((np.bincount(part.ravel(), minlength=256) for part in parts), start=np.zeros(256, dtype=np.int64))
    levels = np.arange(256) / 255
    mean = float((counts * levels).sum() / counts.sum())
    std = float(np.sqrt((counts * (levels - mean) ** 2).sum() / counts.sum()))
    return round(mean, 4), round(std, 4)
