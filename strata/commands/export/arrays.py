"""The export for NumPy, PyTorch and FiftyOne: one .npy per layer and per map, the images, and a CSV of the samples.

arrays/<layer>.npy float32 (n, D); arrays/maps/<layer>.npy float32 (n, 2); arrays/samples.npy, the images, uint8
(n, H, W) or (n, H, W, 3); arrays/samples.csv; arrays/about.json: data set, classes, licence, each layer's shape.
Row i is the same sample in all of them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.commands.export.inputs import ExportInputs, sample_table
from strata.core.files import whole_file, write_csv, write_json


def write_arrays(folder: Path, inputs: ExportInputs) -> None:
    """Write everything except the layers, which `write_layer` writes."""
    for layer, layer_map in inputs.maps.items():
        _write_array(folder / "maps" / f"{layer}.npy", layer_map.points)
    _write_array(folder / "samples.npy", inputs.images)
    about = {
        "dataset": inputs.dataset.name,
        "source": inputs.dataset.source,
        "citation": inputs.dataset.citation,
        "licence": inputs.dataset.licence,
        "classes": inputs.dataset.classes,
        **inputs.provenance.metadata(),
        "layers": {layer: list(info.shape) for layer, info in inputs.infos.items()},
    }
    write_json(folder / "about.json", about)
    write_csv(folder / "samples.csv", sample_table(inputs))


def write_layer(path: Path, layer: str, inputs: ExportInputs) -> None:
    """Write a layer's activations as .npy, with one batch of its Parquet file in memory at a time.

    Raises StrataError if they are damaged or have other samples.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(inputs.images), inputs.infos[layer].units)}
    with whole_file(path) as part, part.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for batch in inputs.run.activation_batches(layer):
            file.write(batch.values.astype("<f4", copy=False).tobytes())


def _write_array(path: Path, values: NDArray[Any]) -> None:
    with whole_file(path) as part, part.open("wb") as file:
        np.save(file, np.ascontiguousarray(values), allow_pickle=False)
