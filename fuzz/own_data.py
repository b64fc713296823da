"""The readers of user data in one file: any bytes as .npz, CSV, Parquet or a batch of CIFAR-10, in images or a line."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from fuzz.scratch import FindingError, content_or_refusal, file_of
from strata.sources.array_files import read_npz
from strata.sources.cifar_batches import read_cifar
from strata.sources.labelled_arrays import OwnData
from strata.sources.parquet_images import read_parquet
from strata.sources.pixel_tables import read_tables

LONGEST = 1 << 13  # bytes of an input; the valid files have 1,000 to 4,000
SIDE = 8


def one_input(data: bytes) -> None:
    """Read `data` in each of the forms."""
    path = file_of(data)
    check(content_or_refusal(lambda: read_npz(path)))
    check(content_or_refusal(lambda: read_tables([path], None, path)))
    check(content_or_refusal(lambda: read_parquet([path], "grey", SIDE, None, path)))
    check(content_or_refusal(lambda: read_cifar(folder_of_batch(data))))


def check(data: OwnData | None) -> None:
    """Raise FindingError if the data do not have the promised form."""
    for part in data.parts.values() if data else ():
        if part.images.dtype != np.uint8 or part.images.ndim not in (3, 4) or len(part.images) != len(part.labels):
            raise FindingError(f"images {part.images.dtype} {part.images.shape}, labels {part.labels.shape}")


def folder_of_batch(data: bytes) -> Path:
    """Return a folder with `data` as the first of CIFAR-10's batches."""
    batch = file_of(data).with_name("data_batch_1")
    batch.write_bytes(data)
    return batch.parent


def seeds() -> list[bytes]:
    """Return valid files: .npz, CSV with and without a header, Parquet, and the start of a batch."""
    images = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE), dtype=np.uint8)
    labels = np.arange(4) % 2
    npz, parquet, encoded = io.BytesIO(), io.BytesIO(), []
    np.savez(npz, images=images, labels=labels)
    for image in images:
        png = io.BytesIO()
        Image.fromarray(image).save(png, "PNG")
        encoded.append({"bytes": png.getvalue()})
    pq.write_table(pa.table({"image": encoded, "label": labels}), parquet)
    rows = [",".join(map(str, [label, *image.ravel()])) for label, image in zip(labels, images, strict=True)]
    header = ",".join(["label", *(f"pixel{number}" for number in range(SIDE * SIDE))])
    batch = b"\x80\x02}(U\x06labels](K\x01K\x00eU\x04dataU\x04abcdu."
    return [npz.getvalue(), "\n".join(rows).encode(), "\n".join([header, *rows]).encode(), parquet.getvalue(), batch]
