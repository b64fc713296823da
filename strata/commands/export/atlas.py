"""The export for Embedding Atlas: one Parquet table with every layer's map, the images and the nearest neighbours.

embedding-atlas exports/atlas/samples.parquet --x x_h4 --y y_h4 --neighbors neighbours_h4 --image image \
  --pagerank confidence
https://apple.github.io/embedding-atlas/tool.html
"""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from strata.artifacts.measured import LayerPoints
from strata.artifacts.parquet import write_table
from strata.artifacts.samples import places_of
from strata.commands.export.inputs import KINDS, ExportInputs, sample_table

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # the format of images in Hugging Face's data sets
NEIGHBOURS = pa.struct([("ids", pa.list_(pa.int32())), ("distances", pa.list_(pa.float32()))])
# Column -> its column in the table of samples, and its type. Classes are given by name, so that they get categorical
# colours.
COLUMNS = {
    "sample_id": ("sample_id", pa.int32()),
    "split": ("split", pa.string()),
    "label": ("label_name", pa.string()),
    "predicted": ("predicted_name", pa.string()),
    "correct": ("correct", pa.bool_()),
    "log_probability": ("log_probability", pa.float32()),
    "confidence": ("confidence", pa.float32()),
    "commit_layer": ("commit_layer", pa.string()),
    "commit_depth": ("commit_depth", pa.int16()),
    "flips": ("flips", pa.int16()),
    **{kind: (kind, pa.bool_()) for kind in KINDS},
}
NUMBERS_AT_A_TIME = 1 << 24


def write_atlas(path: Path, inputs: ExportInputs, arrays: dict[str, Path]) -> None:
    """Write the table; `arrays` are the layers' .npy files, from which distances to neighbours are computed."""
    samples = sample_table(inputs)
    columns = {
        name: pa.array(samples[source], kind, from_pandas=True)
        for name, (source, kind) in COLUMNS.items()
        if source in samples
    }
    for layer, file in arrays.items():
        x, y = inputs.maps[layer].points.astype(np.float32).T
        columns |= {f"x_{layer}": pa.array(x), f"y_{layer}": pa.array(y)}
        if inputs.measured is not None:
            points = inputs.measured.points[layer]
            columns[f"neighbours_{layer}"] = neighbours_of(points, inputs.samples.sample_id, file)
    if inputs.dataset.inputs == "images":
        pictures = zip(inputs.samples.sample_id, inputs.images, strict=True)
        columns["image"] = pa.array([{"bytes": png(image), "path": f"{name}.png"} for name, image in pictures], IMAGE)
    write_table(path, pa.table(columns), inputs.provenance.metadata())


def neighbours_of(points: LayerPoints, ids: NDArray[np.int32], array: Path) -> pa.Array:
    """Return one struct per sample of ids (n,): its nearest in the layer, as rows of the table, and their distances.

    It is null if the sample was not measured.
    """
    values = np.load(array, mmap_mode="r")
    own, near = places_of(points.sample_id, ids), places_of(points.neighbours, ids)
    step = max(1, NUMBERS_AT_A_TIME // (near.shape[1] * values.shape[1]))
    rows: list[dict[str, NDArray[np.generic]] | None] = [None] * len(ids)
    for start in range(0, len(own), step):
        block = slice(start, start + step)
        difference = values[near[block]].astype(np.float64) - values[own[block], None]
        distances = np.sqrt(np.einsum("ijk,ijk->ij", difference, difference)).astype(np.float32)
        for row, neighbours, to_neighbours in zip(own[block], near[block], distances, strict=True):
            rows[row] = {"ids": neighbours.astype(np.int32), "distances": to_neighbours}
    return pa.array(rows, NEIGHBOURS)


def png(image: NDArray[np.uint8]) -> bytes:
    """Return an image, grey (H, W) or colour (H, W, 3), as a PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()
