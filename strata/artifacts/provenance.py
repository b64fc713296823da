"""The origin of an artifact, kept in its Parquet metadata and compared before artifacts are joined."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.dataset.description import NAME as DESCRIPTION


@dataclass(frozen=True)
class Provenance:
    """The split whose images were used, and the SHA-256 of the checkpoint and of dataset.json.

    dataset.json has the SHA-256 of all images and labels, so its own SHA-256 identifies all the data.
    """

    split: str
    model_sha256: str
    data_sha256: str

    @classmethod
    def of(cls, split: str, model: Path, data: Path) -> "Provenance":
        """Return the provenance of what a checkpoint computes from a split of a data folder.

        Raises StrataError if there is no checkpoint.
        """
        if not model.is_file():
            raise StrataError(f"{model} is missing; run `dvc repro -f train`")
        return cls(split, sha256_of(model), sha256_of(data / DESCRIPTION))

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], path: Path) -> "Provenance":
        """Return the provenance in a file's metadata. Raises StrataError if it is incomplete."""
        try:
            return cls(metadata["split"], metadata["model_sha256"], metadata["data_sha256"])
        except KeyError as error:
            raise StrataError(
                f"{path} has no {error.args[0]} in its metadata: it was not written by Strata; run `dvc repro`"
            ) from None

    def metadata(self) -> dict[str, str]:
        """Return the fields as Parquet metadata."""
        return asdict(self)


def check_same_origin(first: Provenance, first_path: Path, second: Provenance, second_path: Path) -> None:
    """Raise StrataError unless two artifacts come from the same split, model and data."""
    for field, value in asdict(first).items():
        other = getattr(second, field)
        if value != other:
            raise StrataError(
                f"{first_path} and {second_path} do not belong together: their {field} differ"
                f" ({value[:12]} and {other[:12]}); run `dvc repro`"
            )


def check_same_samples(
    first: NDArray[np.int32], first_path: Path, second: NDArray[np.int32], second_path: Path
) -> None:
    """Raise StrataError unless two artifacts have the same sample ids in the same order."""
    if not np.array_equal(first, second):
        raise StrataError(
            f"{first_path} and {second_path} do not hold the same samples ({len(first)} and {len(second)});"
            " run `dvc repro`"
        )
