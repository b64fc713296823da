"""The readers of user data: any bytes as .npz, CSV, Parquet, a batch of CIFAR-10 or a table of images; or a line."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from fuzz.scratch import FindingError, content_or_refusal, file_of
from strata.sources.array_files import read_npz
from strata.sources.cifar_batches import read_cifar
from strata.sources.image_tables import read_image_tables, tables_of_images
from strata.sources.labelled_arrays import OwnData
from strata.sources.params import DatasetParams
from strata.sources.parquet_images import read_parquet
from strata.sources.pixel_tables import read_tables

LONGEST = 1 << 13  # bytes of an input; the valid files have 1,000 to 4,000
SIDE = 8
PARAMS = DatasetParams(name="./x", mirrors=[], image_side=None, colour="grey", test_share=0.5, shuffle_labels=False)


def one_input(data: bytes) -> None:
    """Read `data` in each of the forms."""
    path = file_of(data)
    check(content_or_refusal(lambda: read_npz(path)))
    check(content_or_refusal(lambda: read_tables([path], None, path)))
    check(content_or_refusal(lambda: read_parquet([path], "grey", SIDE, None, path)))
    check(content_or_refusal(lambda: read_cifar(folder_of_batch(data))))
    check(content_or_refusal(lambda: table_of_images(data)))


def check(data: OwnData | None) -> None:
    """Raise FindingError if the data do not have the promised form."""
    for part in data.parts.values() if data else ():
        known = part.labels if part.labels is not None else part.targets
        unlike = known is not None and len(part.images) != len(known)
        if part.images.dtype != np.uint8 or part.images.ndim not in (3, 4) or unlike:
            raise FindingError(f"images {part.images.dtype} {part.images.shape}, {part}")


def table_of_images(data: bytes) -> OwnData | None:
    """Return the images that `data`, as a table beside four of them, names with their labels; None if it names none."""
    folder = file_of(data).with_name("beside")
    folder.mkdir(exist_ok=True)
    for number in range(4):
        Image.fromarray(np.full((SIDE, SIDE), number, dtype=np.uint8)).save(folder / f"{number}.png")
    (folder / "a.csv").write_bytes(data)
    tables = tables_of_images(folder)
    return read_image_tables(folder, tables, None, PARAMS) if tables else None


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
    table = b"id,label\n0,a\n1,b\n2,a\n3,b\n"
    return [
        table,
        npz.getvalue(),
        "\n".join(rows).encode(),
        "\n".join([header, *rows]).encode(),
        parquet.getvalue(),
        batch,
    ]
