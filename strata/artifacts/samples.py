"""`samples.parquet`: the split, label, prediction and confidence of each sample, next to the activations.

All joins by sample id, anywhere in Strata, use `places_of` and `rows_of`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strata.artifacts.parquet import read_table, write_table
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError

COLUMNS = {
    "sample_id": pa.int32(),
    "split": pa.string(),
    "label": pa.int16(),
    "predicted": pa.int16(),
    "log_probability": pa.float32(),
    "confidence": pa.float32(),
}


@dataclass(frozen=True)
class Samples:
    """One row per sample, all (n,): ids int32, split, label and predicted class int16, and two float32 of the output.

    `log_probability` is the label's, in nats; `confidence` is the predicted class's probability.
    """

    sample_id: NDArray[np.int32]
    split: NDArray[np.str_]
    label: NDArray[np.int16]
    predicted: NDArray[np.int16]
    log_probability: NDArray[np.float32]
    confidence: NDArray[np.float32]


def write_samples(path: Path, samples: Samples, provenance: Provenance) -> None:
    """Write samples.parquet."""
    arrays = {name: pa.array(getattr(samples, name), kind) for name, kind in COLUMNS.items()}
    write_table(path, pa.table(arrays), provenance.metadata())


def read_samples(path: Path) -> tuple[Samples, Provenance]:
    """Return the content of samples.parquet and its origin. Raises StrataError if it is missing or damaged."""
    table, metadata = read_table(path, COLUMNS)
    columns = {name: table[name].to_numpy() for name in COLUMNS}
    return Samples(**columns | {"split": columns["split"].astype(str)}), Provenance.from_metadata(metadata, path)


def places_of(wanted: NDArray[np.int32], ids: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the index of each wanted id, any shape, in ascending ids (n,), or -1 if it is not there."""
    if not len(ids):
        return np.full(wanted.shape, -1, dtype=np.intp)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[places] == wanted, places, -1)


def rows_of(wanted: NDArray[np.int32], ids: NDArray[np.int32], subject: str, action: str) -> NDArray[np.intp]:
    """Return the row of each wanted id, any shape, in ascending ids (n,).

    Raises StrataError if one is missing: "`subject` that were not `action`". The subject is, for example, "h1.parquet
    holds samples", the action "measured".
    """
    rows = places_of(wanted, ids)
    if (rows < 0).any():
        raise StrataError(f"{subject} that were not {action}; run `dvc repro`")
    return rows
