"""Sections `dataset` and `download` of params.yaml."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from strata.core.files import path_of
from strata.core.params import Section
from strata.dataset.description import Deviation, InputKind, Normalization, PerChannel, Targets
from strata.sources.catalogue import CATALOGUE

KNOWN = tuple(CATALOGUE)
FILES = (".npz", ".npy", ".csv", ".parquet")
Colour = Literal["grey", "rgb"]


def _mirror(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    if separator and scheme not in ("http", "https"):
        raise ValueError("a mirror is an http:// or https:// address, or a folder")
    if not text.strip() or not text.isprintable():
        raise ValueError("a mirror is an http:// or https:// address, or a folder")
    return text


def _is_path(text: str) -> bool:
    return text.isprintable() and ("/" in text or text.startswith(".") or text.endswith(FILES))


def _name(text: str) -> str:
    if text not in KNOWN and not _is_path(text):
        path = f"./{text}" if text.isprintable() and 0 < len(text) <= 20 else "./folder"
        raise ValueError(
            f"should be {', '.join(KNOWN)}, or a path: with a slash ({path}),"
            " or to an .npz, .npy, .csv or .parquet file"
        )
    return text


class DatasetParams(Section):
    """Which images to use, by catalogue name or as a path to user data; mirrors; how to read and split user data.

    `mean` and `std` replace the data set's own normalization, for weights that were trained with another. `targets`
    says what the labels of user data are, where that is not plain, or that they are left out; `inputs` that the data
    are numbers or tokens, and no images. With `standardize`, numbers get a mean of 0 and a deviation of 1 by feature.
    """

    name: Annotated[str, AfterValidator(_name)]
    mirrors: list[Annotated[str, AfterValidator(_mirror)]]
    image_side: Annotated[int, Field(ge=8, le=1024)] | None
    colour: Colour
    test_share: Annotated[float, Field(gt=0, lt=1)]
    shuffle_labels: bool
    mean: float | PerChannel | None = None
    std: Deviation | Annotated[list[Deviation], Field(min_length=3, max_length=3)] | None = None
    targets: Targets | None = None
    inputs: InputKind | None = None
    standardize: bool = False

    @model_validator(mode="after")
    def _mean_and_std_go_together(self) -> "DatasetParams":
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std go together: set both, or neither")
        return self

    @property
    def normalization(self) -> tuple[Normalization, Normalization] | None:
        """The mean and deviation of pixels in [0, 1] to normalize with; None for the data set's own."""
        return None if self.mean is None or self.std is None else (self.mean, self.std)

    @model_validator(mode="after")
    def _only_own_images_are_resized(self) -> "DatasetParams":
        if self.image_side is not None and self.own_path is None:
            raise ValueError(f"image_side resizes your own class folders, not {self.name}: set it to null")
        return self

    @model_validator(mode="after")
    def _only_own_targets_are_chosen(self) -> "DatasetParams":
        if self.own_path is None and not (self.targets is None and self.inputs is None):
            raise ValueError(f"targets and inputs are for your own data, not {self.name}: leave them out")
        if self.standardize and (self.inputs != "numbers" or self.mean is not None):
            raise ValueError("standardize is for inputs: numbers, without a mean and std of your own")
        return self

    @property
    def wanted_targets(self) -> Targets | None:
        """What the labels are read as; None for what they can only be, and for those that are left out afterwards."""
        return None if self.targets == "none" else self.targets

    @property
    def own_path(self) -> Path | None:
        """The path of the user's data; None for a data set of the catalogue."""
        return None if self.name in KNOWN else path_of(self.name)


class DownloadParams(Section):
    """Patience with a source: seconds without a byte, attempts at one file, seconds before the second attempt."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)]
    attempts: Annotated[int, Field(ge=1, le=20)]
    backoff_seconds: Annotated[float, Field(ge=0, le=60)]
