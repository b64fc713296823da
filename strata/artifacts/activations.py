"""One layer's activations in one Parquet file: written batch by batch, read whole, in batches, or by sample.

Columns: `sample_id` int32 and `activation`, a fixed-size list of float32 of length D = C x H x W, in row groups of one
batch each. Metadata: layer, shape, and the provenance.
"""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from strata.artifacts.parquet import COMPRESSION, damaged, open_parquet, text_metadata
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError
from strata.core.files import whole_file


@dataclass(frozen=True)
class LayerInfo:
    """The metadata of a file of activations: layer, shape of one activation, origin, and what is taken of the layer.

    `taken` is text such as "encoder, take cls, projected to 512"; empty where the layer is a module's whole output.
    """

    layer: str
    shape: tuple[int, ...]
    provenance: Provenance
    taken: str = ""

    @property
    def units(self) -> int:
        """The number of units D of the layer."""
        return math.prod(self.shape)

    def schema(self) -> pa.Schema:
        """The file's Arrow schema."""
        metadata = {"layer": self.layer, "shape": json.dumps(self.shape), **self.provenance.metadata()}
        metadata |= {"taken": self.taken} if self.taken else {}
        activation = pa.list_(pa.float32(), self.units)
        return pa.schema([("sample_id", pa.int32()), ("activation", activation)], metadata)


@dataclass(frozen=True)
class Activations:
    """Activations of a layer: ids, int32 (n,), and values, float32 (n, D); row i of both is the same sample."""

    info: LayerInfo
    sample_ids: NDArray[np.int32]
    values: NDArray[np.float32]


class ActivationWriter:
    """Context manager that writes a layer's file; each `write` becomes one row group. No file is left on an error."""

    def __init__(self, path: Path, info: LayerInfo) -> None:
        self._path, self._schema, self._units = path, info.schema(), info.units
        self._stack = ExitStack()

    def __enter__(self) -> "ActivationWriter":
        with ExitStack() as stack:
            part = stack.enter_context(whole_file(self._path))
            self._writer = stack.enter_context(pq.ParquetWriter(part, self._schema, compression=COMPRESSION))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, sample_ids: NDArray[np.int32], values: NDArray[np.float32]) -> None:
        """Append a batch: ids (n,) and activations (n, ...) of D values each."""
        flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel())
        columns = [pa.array(sample_ids, pa.int32()), pa.FixedSizeListArray.from_arrays(flat, self._units)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema), row_group_size=len(sample_ids))


def read_info(path: Path) -> LayerInfo:
    """Return the metadata of a file of activations. Raises StrataError if it is another kind of file, or damaged."""
    with open_parquet(path) as file:
        return _info(path, file)


def count_samples(path: Path) -> int:
    """Return the number of samples that a file of activations declares. Raises StrataError as `read_info` does."""
    with open_parquet(path) as file:
        return int(file.metadata.num_rows)


def iterate_activations(path: Path) -> Iterator[Activations]:
    """Yield a layer's activations one row group at a time, checked: ids ascending, no nulls, no NaN.

    Raises StrataError if the file is missing, damaged or has other columns.
    """
    last = -1
    with open_parquet(path) as file:
        info = _info(path, file)
        for group in range(file.num_row_groups):
            batch = _read_group(path, file, group, info)
            ids = batch.sample_ids
            if len(ids) and (ids[0] <= last or (np.diff(ids) <= 0).any()):
                raise StrataError(f"{path}: sample ids must ascend; run `dvc repro -f extract`")
            if not np.isfinite(batch.values).all():
                raise StrataError(
                    f"{path}: activations must be finite; check the training, then run `dvc repro -f extract`"
                )
            last = int(ids[-1]) if len(ids) else last
            yield batch


def read_activations(path: Path) -> Activations:
    """Return all of a layer's activations, checked as `iterate_activations` does."""
    info, batches = read_info(path), list(iterate_activations(path))
    if not batches:
        raise StrataError(f"{path} holds no samples; run `dvc repro -f extract`")
    ids = np.concatenate([batch.sample_ids for batch in batches])
    return Activations(info, ids, np.concatenate([batch.values for batch in batches]))


def read_one_activation(path: Path, sample_id: int) -> NDArray[np.float32]:
    """Return the activation of one sample in the layer's shape; only the values of its row group are read.

    Raises StrataError if the file has no such sample.
    """
    with open_parquet(path) as file:
        info = _info(path, file)
        for group in range(file.num_row_groups):
            # The footer's statistics are not used: if they are damaged, PyArrow ends the process.
            ids = _group_table(path, file, group, ["sample_id"])["sample_id"].to_numpy()
            rows = np.flatnonzero(ids == sample_id)
            if len(rows):
                return _read_group(path, file, group, info).values[rows[0]].reshape(info.shape)
    raise StrataError(f"{path} holds no sample {sample_id}; choose another report.sample_id")


def _info(path: Path, file: pq.ParquetFile) -> LayerInfo:
    metadata = text_metadata(file.schema_arrow)
    try:
        origin = Provenance.from_metadata(metadata, path)
        info = LayerInfo(metadata["layer"], _shape(metadata["shape"]), origin, metadata.get("taken", ""))
        expected = info.schema()
    except (KeyError, ValueError, OverflowError, RecursionError, pa.ArrowException):
        raise StrataError(
            f"{path} is not a file of activations: its metadata has no layer and shape; run `dvc repro -f extract`"
        ) from None
    if not file.schema_arrow.equals(expected):
        raise StrataError(f"{path}: columns must be sample_id int32 and activation float32[{info.units}]")
    return info


def _shape(text: str) -> tuple[int, ...]:
    shape = json.loads(text)
    if not isinstance(shape, list) or not all(type(side) is int and side > 0 for side in shape):
        raise ValueError(f"not a shape: {text}")
    return tuple(shape)


def _group_table(path: Path, file: pq.ParquetFile, group: int, columns: Sequence[str]) -> pa.Table:
    try:
        return file.read_row_group(group, columns=columns).combine_chunks()
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from None


def _read_group(path: Path, file: pq.ParquetFile, group: int, info: LayerInfo) -> Activations:
    table = _group_table(path, file, group, ["sample_id", "activation"])
    ids, column = (table[name].combine_chunks() for name in ("sample_id", "activation"))
    values = column.flatten()
    if ids.null_count or column.null_count or values.null_count:
        raise StrataError(f"{path}: some activations are null; run `dvc repro -f extract`")
    return Activations(info, ids.to_numpy(), values.to_numpy().reshape(len(ids), info.units))
