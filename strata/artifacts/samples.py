"""`samples.parquet`: the split of each sample, what is known of it and what the network says, next to the activations.

All joins by sample id, anywhere in Strata, use `places_of` and `rows_of`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strata.artifacts.parquet import open_parquet, read_table, write_table
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
LISTS = ("targets", "output")  # fixed-size lists of float32


@dataclass(frozen=True)
class Samples:
    """One row per sample, all (n,): ids int32 and split, and whatever there is of the following.

    `label` int16 is a class; `targets` float32 (n, k) are numbers, or which of k labels apply. `predicted` int16 is the
    class that the network predicts, `confidence` float32 its probability, and `log_probability` float32 the label's, in
    nats. `output` float32 (n, k) is what the network outputs for targets.
    """

    sample_id: NDArray[np.int32]
    split: NDArray[np.str_]
    label: NDArray[np.int16] | None = None
    predicted: NDArray[np.int16] | None = None
    log_probability: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None
    targets: NDArray[np.float32] | None = None
    output: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.sample_id)

    @property
    def labels(self) -> NDArray[np.int16]:
        """The labels (n,); ValueError where there are none: what uses them says so in its needs."""
        return _there(self.label, "labels")

    @property
    def predictions(self) -> NDArray[np.int16]:
        """The predicted classes (n,); ValueError where there are none."""
        return _there(self.predicted, "predictions")

    @property
    def confidences(self) -> NDArray[np.float32]:
        """The probabilities (n,) of the predicted classes; ValueError where there are none."""
        return _there(self.confidence, "predictions")


def _there(values: Any, what: str) -> NDArray[Any]:
    if values is None:
        raise ValueError(f"these samples have no {what}")
    found: NDArray[Any] = values
    return found


def described_samples(
    splits: NDArray[np.str_],
    labels: NDArray[np.integer] | None = None,
    log_probabilities: NDArray[np.float32] | None = None,
    targets: NDArray[np.float32] | None = None,
    output: NDArray[np.float32] | None = None,
) -> Samples:
    """Return the samples 0, 1, ... of splits (n,) with what is known: labels (n,), log-probabilities (n, classes), ...

    Raises ValueError if the numbers of samples differ, or a label is not among the classes.
    """
    count = len(splits)
    for values in (labels, log_probabilities, targets, output):
        if values is not None and len(values) != count:
            raise ValueError(f"{count} samples, but {len(values)} of what is known of them")
    predicted = confidence = own = None
    if log_probabilities is not None:
        predicted = log_probabilities.argmax(axis=1).astype(np.int16)
        confidence = np.exp(log_probabilities.max(axis=1))
        if labels is not None:
            if count and not 0 <= labels.min() <= labels.max() < log_probabilities.shape[1]:
                raise ValueError(f"labels must be 0 to {log_probabilities.shape[1] - 1}")
            own = log_probabilities[np.arange(count), labels]
    return Samples(
        sample_id=np.arange(count, dtype=np.int32),
        split=splits,
        label=None if labels is None else labels.astype(np.int16),
        predicted=predicted,
        log_probability=own,
        confidence=confidence,
        targets=targets,
        output=output,
    )


def write_samples(path: Path, samples: Samples, provenance: Provenance) -> None:
    """Write samples.parquet, with the columns that the samples have."""
    arrays = {
        name: pa.array(values, kind) for name, kind in COLUMNS.items() if (values := getattr(samples, name)) is not None
    }
    for name in LISTS:
        if (values := getattr(samples, name)) is not None:
            flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel())
            arrays[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    write_table(path, pa.table(arrays), provenance.metadata())


def read_samples(path: Path) -> tuple[Samples, Provenance]:
    """Return the content of samples.parquet and its origin. Raises StrataError if it is missing or damaged."""
    with open_parquet(path) as file:
        schema = file.schema_arrow
    wanted = _columns_of({name for name in COLUMNS if name in schema.names})
    kinds = {name: kind for name, kind in COLUMNS.items() if name in wanted}
    lists = {name: _list_type(path, schema.field(name).type) for name in LISTS if name in schema.names}
    table, metadata = read_table(path, {**kinds, **lists})
    columns = {name: table[name].to_numpy() for name in kinds}
    columns["split"] = columns["split"].astype(str)
    for name, kind in lists.items():
        values = table[name].combine_chunks().flatten()
        if values.null_count:
            raise StrataError(f"{path}: nulls among the {name}; run `dvc repro -f extract`")
        columns[name] = values.to_numpy().reshape(-1, kind.list_size)
    return Samples(**columns), Provenance.from_metadata(metadata, path)


def _columns_of(found: set[str]) -> set[str]:
    """Return the columns that go together with those found: always, with labels, with predictions, with both."""
    labels = bool(found & {"label", "log_probability"})
    predictions = bool(found & {"predicted", "confidence", "log_probability"})
    return {
        *("sample_id", "split"),
        *(("label",) if labels else ()),
        *(("predicted", "confidence") if predictions else ()),
        *(("log_probability",) if labels and predictions else ()),
    }


def _list_type(path: Path, kind: pa.DataType) -> pa.FixedSizeListType:
    if not pa.types.is_fixed_size_list(kind) or kind.value_type != pa.float32():
        raise StrataError(f"{path}: targets and output must be fixed-size lists of float32; run `dvc repro -f extract`")
    return kind


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
