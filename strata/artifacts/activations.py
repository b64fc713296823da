"""One layer's activations in one Parquet file: written batch by batch, read whole, in batches, or by sample.

Columns: `sample_id` int32 and `activation`, a fixed-size list of D = C x H x W float32 or float16, in row groups of a
batch each. Metadata: layer, shape, and the provenance. What is read is float32, whatever the file holds.
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
from strata.core.errors import StrataError, in_short
from strata.core.files import whole_file
from strata.core.params import Dtype

LARGEST = float(np.finfo(np.float16).max)
REPEATS = 0.1  # a dictionary pays where at most this share of the values are distinct, as of images with 256 greys


@dataclass(frozen=True)
class LayerInfo:
    """The metadata of a file of activations: layer, shape of one activation, origin, and what is taken of the layer.

    `taken` is text such as "encoder, take cls, projected to 512"; empty where the layer is a module's whole output.
    `dtype` is that of the values in the file.
    """

    layer: str
    shape: tuple[int, ...]
    provenance: Provenance
    taken: str = ""
    dtype: Dtype = "float32"

    @property
    def units(self) -> int:
        """The number of units D of the layer."""
        return math.prod(self.shape)

    def schema(self) -> pa.Schema:
        """The file's Arrow schema."""
        metadata = {"layer": self.layer, "shape": json.dumps(self.shape), **self.provenance.metadata()}
        metadata |= {"taken": self.taken} if self.taken else {}
        activation = pa.list_(pa.float16() if self.dtype == "float16" else pa.float32(), self.units)
        return pa.schema([("sample_id", pa.int32()), ("activation", activation)], metadata)


@dataclass(frozen=True)
class Activations:
    """Activations of a layer: ids, int32 (n,), and values, float32 (n, D); row i of both is the same sample."""

    info: LayerInfo
    sample_ids: NDArray[np.int32]
    values: NDArray[np.float32]


def as_stored(values: NDArray[np.float32], dtype: Dtype, layer: str) -> NDArray[np.float32] | NDArray[np.float16]:
    """Return values (n, ...) of a layer as a file of `dtype` holds them. Raises StrataError beyond float16."""
    if dtype == "float32":
        return np.asarray(values, dtype=np.float32)
    largest = float(np.abs(values).max(initial=0))
    if LARGEST < largest < np.inf:
        raise StrataError(
            f"layer {in_short(layer, 60)!r}: an activation of {largest:.3g} is beyond float16, which ends at"
            f" {LARGEST:.0f}; set extract.dtype to float32"
        )
    return values.astype(np.float16)


def repeats_itself(values: NDArray[np.float32]) -> bool:
    """Return whether few of the values (n, ...) are distinct, by the first ten samples: then a dictionary pays."""
    few = values[:10]
    return len(np.unique(few)) <= REPEATS * few.size


class ActivationWriter:
    """Context manager that writes a layer's file; each `write` becomes one row group. No file is left on an error.

    `repeats` says that few values are distinct; of others a dictionary would make the file larger and slower to write.
    """

    def __init__(self, path: Path, info: LayerInfo, repeats: bool = False) -> None:
        self._path, self._info, self._schema, self._repeats = path, info, info.schema(), repeats
        self._stack = ExitStack()

    def __enter__(self) -> "ActivationWriter":
        with ExitStack() as stack:
            part = stack.enter_context(whole_file(self._path))
            kind = {"compression": COMPRESSION, "use_dictionary": self._repeats}
            self._writer = stack.enter_context(pq.ParquetWriter(part, self._schema, **kind))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, sample_ids: NDArray[np.int32], values: NDArray[np.float32]) -> None:
        """Append a batch: ids (n,) and activations (n, ...) of D values each. Raises as `as_stored` does."""
        flat = pa.array(np.ascontiguousarray(as_stored(values, self._info.dtype, self._info.layer)).ravel())
        columns = [pa.array(sample_ids, pa.int32()), pa.FixedSizeListArray.from_arrays(flat, self._info.units)]
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
        taken, dtype = metadata.get("taken", ""), _dtype(file.schema_arrow)
        info = LayerInfo(metadata["layer"], _shape(metadata["shape"]), origin, taken, dtype)
        expected = info.schema()
    except (KeyError, ValueError, OverflowError, RecursionError, pa.ArrowException):
        raise StrataError(
            f"{path} is not a file of activations: its metadata has no layer and shape; run `dvc repro -f extract`"
        ) from None
    if not file.schema_arrow.equals(expected):
        raise StrataError(f"{path}: columns must be sample_id int32 and activation {info.dtype}[{info.units}]")
    return info


def _dtype(schema: pa.Schema) -> Dtype:
    place = schema.get_field_index("activation")
    kind = schema.field(place).type if place >= 0 else None
    is_half = isinstance(kind, pa.FixedSizeListType) and kind.value_type == pa.float16()
    return "float16" if is_half else "float32"


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
    flat = values.to_numpy().astype(np.float32, copy=False)
    return Activations(info, ids.to_numpy(), flat.reshape(len(ids), info.units))
