"""The reader of activations in Parquet: any bytes give checked activations, or a one-line error."""

from functools import cache

import numpy as np
import pyarrow.parquet as pq

from fuzz.scratch import FindingError, content_or_refusal, file_of
from strata.artifacts.activations import ActivationWriter, LayerInfo, read_activations, read_info, read_one_activation
from strata.artifacts.provenance import Provenance

INFO = LayerInfo("h2", (2, 3), Provenance("test", "a" * 64, "b" * 64))
SAMPLE = 4
LONGEST = 1 << 13  # bytes of an input; the valid files have 3,000


def one_input(data: bytes) -> None:
    """Read `data` as a file of activations, and a file with `data` as its shape: metadata, one sample, all samples."""
    read(data)
    with_shape = pq.read_table(file_of(seeds()[0])).replace_schema_metadata({**INFO.schema().metadata, "shape": data})
    path = file_of(b"")
    pq.write_table(with_shape, path)
    read(path.read_bytes())


def read(data: bytes) -> None:
    path = file_of(data)
    info = content_or_refusal(lambda: read_info(path))
    one = content_or_refusal(lambda: read_one_activation(path, SAMPLE))
    every = content_or_refusal(lambda: read_activations(path))
    if info is not None and one is not None and one.shape != info.shape:
        raise FindingError(f"an activation of shape {one.shape}, not {info.shape}")
    if every is not None and (
        every.values.shape != (len(every.sample_ids), every.info.units)
        or not np.isfinite(every.values).all()
        or (np.diff(every.sample_ids.astype(np.int64)) <= 0).any()
    ):
        raise FindingError("activations that do not have the promised form")


@cache
def seeds() -> list[bytes]:
    """Return valid files, with one and with three row groups and as other writers write the same table, and a shape."""
    files = []
    values = np.arange(42, dtype=np.float32).reshape(7, 6) / 8
    for sizes in ((7,), (3, 3, 1)):
        path, start = file_of(b""), 0
        with ActivationWriter(path, INFO) as writer:
            for size in sizes:
                writer.write(np.arange(start, start + size, dtype=np.int32), values[start : start + size])
                start += size
        files.append(path.read_bytes())
    table = pq.read_table(file_of(files[0]))
    for options in (
        {"compression": "none", "use_dictionary": False},
        {"compression": "none", "data_page_version": "2.0", "write_statistics": False},
        {"compression": "snappy", "row_group_size": 2, "write_page_index": True, "write_page_checksum": True},
    ):
        path = file_of(b"")
        pq.write_table(table, path, **options)
        files.append(path.read_bytes())
    return [*files, b"[2, 3]"]
