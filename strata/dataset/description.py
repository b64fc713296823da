"""`dataset.json`: the description of a folder of IDX files, with the checksums that its images must match."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from strata.core.errors import StrataError
from strata.core.files import sha256_of, write_json
from strata.core.params import Section, first_mistake
from strata.dataset.idx import read_any, read_images, read_labels, read_targets

IMAGE_FILES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
LABEL_FILES = {"train": "train-labels-idx1-ubyte", "test": "t10k-labels-idx1-ubyte"}
# File name -> number of dimensions, in the order in which they are written.
IDX_FILES = {IMAGE_FILES["train"]: 3, LABEL_FILES["train"]: 1, IMAGE_FILES["test"]: 3, LABEL_FILES["test"]: 1}
# What the network may be trained to output, where that is not a class: numbers, float32 (n, k).
TARGET_FILES = {"train": "train-targets-idx2-float", "test": "t10k-targets-idx2-float"}
# Inputs that are no images: numbers float32 (n, ...), or token ids int32 (n, T), perhaps with a mask of 0 and 1 (n, T).
INPUT_FILES = {"train": "train-inputs-idx", "test": "t10k-inputs-idx"}
MASK_FILES = {"train": "train-mask-idx2-ubyte", "test": "t10k-mask-idx2-ubyte"}
PICTURES = "t10k-pictures-idx"  # what shows the test samples on the page, where the inputs are numbers
InputKind = Literal["images", "numbers", "tokens"]
# What is known of each sample: one class, nothing, k numbers, or which of k labels apply, each 0 or 1.
Targets = Literal["classes", "none", "values", "multi-label"]


@dataclass(frozen=True)
class CatalogueEntry:
    """A data set: `sha256` maps a decompressed file's name to its checksum, if one is known.

    `normalization` is the mean and standard deviation of pixels in [0, 1] if the field has standard values; otherwise
    both are computed from the training images. `target_names` name numbers or several labels. `addresses` are folders
    where the four files are published; `torchvision` names the class of torchvision.datasets that lists more of them,
    and the MD5 of the compressed files.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    citation: str
    licence: str
    sha256: Mapping[str, str]
    normalization: tuple[float, float] | None = None
    addresses: tuple[str, ...] = ()
    torchvision: str | None = None
    targets: Targets = "classes"
    target_names: tuple[str, ...] = ()
    inputs: InputKind = "images"
    masked: bool = False
    pictures: bool = False


NAME = "dataset.json"
Deviation = Annotated[float, Field(gt=0)]
PerChannel = Annotated[list[float], Field(min_length=3, max_length=3)]
Normalization = float | Sequence[float]  # of all channels, or of each
BLOCK = 1000  # images processed at a time


GIVEN = "given to strata.observe"  # the source of samples that no file or folder was read for


class DatasetDescription(Section):
    """The content of dataset.json; mean and standard deviation are of pixels in [0, 1], over all channels.

    Or one of both for each channel. Other fields are optional: `shuffled_labels_seed` is the seed with which the
    training labels were shuffled, `source_sha256` the checksum of the user's files that were read, and
    `own_normalization` says that params.yaml chose the mean and the deviation. There are `classes` where the `targets`
    are classes, and `target_names` where they are numbers or several labels. `inputs` may be numbers of shape
    `image_shape`, or ids of tokens below `vocabulary`, perhaps with a mask; `pictures` may show the test samples.
    """

    name: str
    source: str
    classes: list[str]
    counts: dict[str, int]
    image_shape: Annotated[list[int], Field(min_length=1)]
    mean: float | Annotated[list[float], Field(min_length=1)]
    std: Deviation | Annotated[list[Deviation], Field(min_length=1)]
    sha256: dict[str, str]
    citation: str
    licence: str
    shuffled_labels_seed: int | None = None
    source_sha256: str | None = None
    own_normalization: bool | None = None
    targets: Targets = "classes"
    target_names: Annotated[list[str], Field(default_factory=list)]
    inputs: InputKind = "images"
    masked: bool = False
    pictures: bool = False
    vocabulary: int | None = None

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.inputs == "images" and len(self.image_shape) != 3:
            raise ValueError("image_shape: an image has channels, height and width")
        values = self.image_shape[0 if self.inputs == "images" else -1]
        if any(isinstance(each, list) and len(each) != values for each in (self.mean, self.std)):
            raise ValueError(f"mean, std: one number, or one for each of {values}")
        if (self.vocabulary is not None) != (self.inputs == "tokens"):
            raise ValueError("vocabulary goes with tokens")
        return self

    @model_validator(mode="after")
    def _targets_have_names(self) -> Self:
        if (len(self.classes) >= 2) != (self.targets == "classes") or (len(self.classes) == 1):
            raise ValueError("two classes or more go with the targets `classes`, and none with others")
        if bool(self.target_names) != (self.targets in ("values", "multi-label")):
            raise ValueError("target_names go with the targets `values` and `multi-label`")
        return self

    @property
    def wanted(self) -> int | None:
        """How many numbers per sample a network trained on this data outputs; None without targets."""
        return len(self.classes) or len(self.target_names) or None

    @property
    def sample_bytes(self) -> int:
        """The bytes of one sample's inputs, as the stages hold them: pixels as bytes, other numbers in four."""
        return math.prod(self.image_shape) * (1 if self.inputs == "images" else 4)

    @property
    def has_images(self) -> bool:
        """Whether images show the test samples: the inputs, or pictures of them."""
        return self.inputs == "images" or self.pictures

    @property
    def grey_map(self) -> str:
        """The matplotlib colour map of grey images: known data sets look like ink on paper, user data as given."""
        return "gray_r" if self.source_sha256 is None else "gray"


def describe(
    folder: Path,
    entry: CatalogueEntry,
    shuffled_labels_seed: int | None = None,
    source_sha256: str | None = None,
    normalization: tuple[Normalization, Normalization] | None = None,
    training: bool = True,
) -> DatasetDescription:
    """Return the description of a folder's IDX files, after checking that they fit together.

    `normalization` is the mean and deviation to use in place of those of the field or of the training images. Without
    `training` there are only files of test samples. Raises StrataError if the numbers of images and labels differ, a
    label is not a class, or a grey image is to be normalized by channel.
    """
    counts, sizes, highest = {}, set(), 0
    for split in IMAGE_FILES:
        if split == "train" and not training:
            counts[split] = 0
            continue
        images = read_inputs(folder, split, entry.inputs, entry.masked)
        highest = max(highest, int(images.max())) if entry.inputs == "tokens" and len(images) else highest
        if entry.targets == "classes":
            _check_labels(entry, split, len(images), read_labels(folder / LABEL_FILES[split]))
        elif not len(images):
            raise StrataError(f"{entry.name}: there are no {split} images")
        elif entry.targets != "none":
            targets = read_targets(folder / TARGET_FILES[split])
            if targets.shape != (len(images), len(entry.target_names)):
                raise StrataError(f"{entry.name}: the {split} targets do not fit the images: {targets.shape}")
        counts[split] = len(images)
        sizes.add(images.shape[1:])
    if len(sizes) > 1:
        raise StrataError(f"{entry.name}: training and test images differ in size")
    size = sizes.pop()
    shape = _image_shape(size) if entry.inputs == "images" else list(size[-1:] if entry.inputs == "tokens" else size)
    mean, std = _mean_and_deviation(folder, entry, shape, normalization)
    return DatasetDescription(
        name=entry.name,
        source=entry.source,
        classes=list(entry.classes),
        counts=counts,
        image_shape=shape,
        mean=mean,
        std=std,
        sha256={name: sha256_of(folder / name) for part in counts if counts[part] for name in files_of(part, entry)},
        citation=entry.citation,
        licence=entry.licence,
        shuffled_labels_seed=shuffled_labels_seed,
        source_sha256=source_sha256,
        own_normalization=None if normalization is None else True,
        targets=entry.targets,
        target_names=list(entry.target_names),
        inputs=entry.inputs,
        masked=entry.masked,
        pictures=entry.pictures,
        vocabulary=highest + 1 if entry.inputs == "tokens" else None,
    )


def _image_shape(size: tuple[int, ...]) -> list[int]:
    height, width, *channels = size
    return [*(channels or [1]), height, width]


def _mean_and_deviation(
    folder: Path, entry: CatalogueEntry, shape: list[int], chosen: tuple[Normalization, Normalization] | None
) -> tuple[float | list[float], float | list[float]]:
    """Return the mean and the deviation to normalize with: those chosen, or else, for images, their own."""
    if entry.inputs != "images":
        mean, std = (_plain(numbers) for numbers in chosen or (0.0, 1.0))
        wrong = [each for each in (mean, std) if isinstance(each, list) and len(each) != shape[-1]]
        if wrong or (chosen and entry.inputs == "tokens"):
            what = "token ids are not normalized" if entry.inputs == "tokens" else f"write one number, or {shape[-1]}"
            raise StrataError(f"dataset.mean, dataset.std: {what}")
        return mean, std
    own = entry.normalization or _normalization(folder)
    if own[1] == 0:
        raise StrataError(f"{entry.name}: {_blank(own[0])}")
    mean, std = (_plain(numbers) for numbers in chosen or own)
    if (isinstance(mean, list) or isinstance(std, list)) and shape[0] == 1:
        raise StrataError("dataset.mean, dataset.std: the images are grey, with one channel: write one number each")
    return mean, std


def by_feature(folder: Path) -> tuple[list[float], list[float]]:
    """Return mean and deviation of each feature, the last axis, of the training numbers; 1 for a constant feature."""
    numbers = read_inputs(folder, "train", "numbers", masked=False).astype(np.float64)
    rows = numbers.reshape(-1, numbers.shape[-1])
    deviations = rows.std(axis=0)
    return rows.mean(axis=0).tolist(), np.where(deviations > 0, deviations, 1.0).tolist()


def files_of(part: str, data: CatalogueEntry | DatasetDescription) -> list[str]:
    """Return the names of the files of `train` or `test`: its inputs, their mask, and what is known of them."""
    names = [(IMAGE_FILES if data.inputs == "images" else INPUT_FILES)[part]]
    names += [MASK_FILES[part]] if data.masked else []
    names += [PICTURES] if data.pictures and part == "test" else []
    if data.targets != "none":
        names.append((LABEL_FILES if data.targets == "classes" else TARGET_FILES)[part])
    return names


def read_inputs(folder: Path, part: str, kind: InputKind, masked: bool) -> NDArray[Any]:
    """Return the images of a part, uint8; or numbers float32 (n, ...), or token ids int32 (n, T).

    With a mask, ids and mask are int32 (n, 2, T). Raises StrataError if a file is damaged, or they do not fit together.
    """
    if kind == "images":
        return read_images(folder / IMAGE_FILES[part])
    path = folder / INPUT_FILES[part]
    inputs = read_any(path)
    if inputs.dtype != (np.int32 if kind == "tokens" else np.float32) or (kind == "tokens" and inputs.ndim != 2):
        raise StrataError(f"{path} does not hold {kind}; run `dvc repro -f download`")
    if kind == "numbers" and not np.isfinite(inputs).all():
        raise StrataError(f"{path}: a number is not finite")
    if not masked:
        return inputs
    mask = read_any(folder / MASK_FILES[part])
    if mask.shape != inputs.shape or not np.isin(mask, (0, 1)).all() or not mask.any(axis=1).all():
        raise StrataError(f"{folder / MASK_FILES[part]}: must have a 0 or 1 for each token, and a 1 for each sample")
    return np.stack([inputs, mask.astype(np.int32)], axis=1)


def read_pictures(folder: Path) -> NDArray[np.uint8]:
    """Return the pictures of the test samples, uint8 (n, h, w) or (n, h, w, 3). Raises StrataError if damaged."""
    pictures = read_any(folder / PICTURES)
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4):
        raise StrataError(f"{folder / PICTURES} does not hold pictures; run `dvc repro -f download`")
    return pictures


def _check_labels(entry: CatalogueEntry, split: str, images: int, labels: NDArray[np.integer]) -> None:
    if images != len(labels):
        raise StrataError(f"{entry.name}: {images} {split} images but {len(labels)} {split} labels")
    if not len(labels) or labels.min() < 0 or labels.max() >= len(entry.classes):
        raise StrataError(f"{entry.name}: the {split} labels must be 0 to {len(entry.classes) - 1}, and not empty")


def _plain(numbers: Normalization) -> float | list[float]:
    return list(numbers) if isinstance(numbers, Sequence) else numbers


def _blank(mean: float) -> str:
    what = f"the training images are blank: no pixel, or hardly any, differs from {mean * 255:.0f}"
    if mean == 1:
        ink = "mogrify -background black -alpha remove */*.*"
        return f"the training images are blank: all white, as transparent parts become; if the ink is white: {ink}"
    if mean <= 1 / 255:
        return f"{what}; if they range from 0 to 1, save (images * 255).round().astype('uint8')"
    return f"{what}; check how they were saved"


def write_description(folder: Path, description: DatasetDescription) -> None:
    """Write dataset.json into `folder`."""
    write_json(folder / NAME, description.model_dump(exclude_defaults=True))


def read_description(folder: Path) -> DatasetDescription:
    """Return the checked content of a folder's dataset.json. Raises StrataError if it is missing or damaged."""
    path = folder / NAME
    try:
        return DatasetDescription.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro download`") from None
    except (ValueError, ValidationError, RecursionError) as error:
        raise StrataError(f"{path} is damaged ({first_mistake(error)}); run `dvc repro download`") from None


def _normalization(folder: Path) -> tuple[float, float]:
    """Return mean and standard deviation of the training pixels in [0, 1], from exact sums, to four digits."""
    images = read_images(folder / IMAGE_FILES["train"])
    parts = (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
    counts = sum((np.bincount(part.ravel(), minlength=256) for part in parts), start=np.zeros(256, dtype=np.int64))
    levels = np.arange(256) / 255
    mean = float((counts * levels).sum() / counts.sum())
    std = float(np.sqrt((counts * (levels - mean) ** 2).sum() / counts.sum()))
    return round(mean, 4), round(std, 4)


PARTS = {"train": ("train",), "test": ("test",), "both": ("train", "test")}


@dataclass(frozen=True)
class LabelledImages:
    """Images, uint8 (n, H, W) or (n, H, W, 3), the split of each, 'train' or 'test', and what is known of them.

    In place of images, numbers float32 (n, ...), or token ids as `read_inputs` returns them. What is known is their
    `labels` (n,), or `targets` float32 (n, k), or neither. A sample's id is its row: its index in the split, or, if
    both splits were asked for, in train followed by test.
    """

    images: NDArray[Any]
    labels: NDArray[np.integer] | None
    splits: NDArray[np.str_]
    targets: NDArray[np.float32] | None = None

    @property
    def known_labels(self) -> NDArray[np.integer]:
        """The labels (n,); ValueError where there are none."""
        if self.labels is None:
            raise ValueError("these images have no labels")
        return self.labels


def load_images(folder: Path, split: str) -> LabelledImages:
    """Return the images of split 'train', 'test' or 'both'.

    Raises StrataError if a file is not the one that dataset.json describes.
    """
    description = read_description(folder)
    images, splits = [], []
    known: list[NDArray[Any]] = []
    for part in PARTS[split]:
        names = files_of(part, description)
        for name in names:
            if sha256_of(folder / name) != description.sha256.get(name):
                raise StrataError(
                    f"{folder / name} is not the file that dataset.json describes; run `dvc repro -f download`"
                )
        images.append(read_inputs(folder, part, description.inputs, description.masked))
        splits.append(np.full(len(images[-1]), part))
        if description.targets == "classes":
            known.append(read_labels(folder / LABEL_FILES[part]))
        elif description.targets != "none":
            known.append(read_targets(folder / TARGET_FILES[part]))
    found = np.concatenate(known) if known else None
    are_classes = description.targets == "classes"
    return LabelledImages(
        np.concatenate(images), found if are_classes else None, np.concatenate(splits), None if are_classes else found
    )
