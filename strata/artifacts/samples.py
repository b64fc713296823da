"""`samples.parquet`: what is known of each sample, beside the activations: split, label, prediction, confidence."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strata.artifacts.parquet import read_table, write_table
from strata.artifacts.provenance import Provenance

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
    """One row a sample, all (n,): ids int32, split, label and predicted class int16, and two float32 of the output.

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
    """Return the content of samples.parquet and its origin. Raises StrataError where it is missing or damaged."""
    table, metadata = read_table(path, COLUMNS)
    columns = {name: table[name].to_numpy() for name in COLUMNS}
    return Samples(**columns | {"split": columns["split"].astype(str)}), Provenance.from_metadata(metadata, path)
