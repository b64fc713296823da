"""The export for TensorBoard's embedding projector: `tensorboard --logdir exports/tensorboard`.

projector_config.pbtxt lists the tensors: layers/<layer>.bytes has activations as raw float32, and maps/<layer>.tsv has
the map as text, with a third column of zeros. metadata.tsv has one row per sample, and sprite.png the images, by row.
https://github.com/tensorflow/tensorboard/blob/master/docs/tensorboard_projector_plugin.ipynb
"""

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strata.commands.export.inputs import ExportInputs, sample_table
from strata.core.files import whole_file, write_text
from strata.report.figures.image_grid import sheet_of, shrunk

CONFIG = "projector_config.pbtxt"
SPRITE_SIDE = 8192  # pixels; the limit of browsers' textures
ROWS_AT_A_TIME = 500
HEAD_BYTES = 1 << 20


def write_projector(folder: Path, inputs: ExportInputs, arrays: dict[str, Path]) -> None:
    """Write the log folder; `arrays` are the layers' .npy files. The file that lists all others is written last."""
    (folder / CONFIG).unlink(missing_ok=True)
    size = write_sprite(folder / "sprite.png", inputs.images) if inputs.dataset.inputs == "images" else None
    write_metadata(folder / "metadata.tsv", inputs)
    tensors = []
    for layer, path in arrays.items():
        values = np.load(path, mmap_mode="r")
        # TensorBoard 2.21 shows no tensor with two columns: its third component is NaN.
        points = np.pad(inputs.maps[layer].points, ((0, 0), (0, 1)))
        file = write_tensor(folder / "layers" / layer, values)
        write_tsv(folder / "maps" / f"{layer}.tsv", points)
        tensors += [(layer, f"layers/{file}", values.shape), (f"{layer} map", f"maps/{layer}.tsv", points.shape)]
    write_text(folder / CONFIG, "".join(_entry(*tensor, size) for tensor in tensors))


def _entry(name: str, path: str, shape: tuple[int, ...], size: tuple[int, int] | None) -> str:
    """Return a tensor's entry in the configuration, with the images' width and height; names need no escapes."""
    sprite = ""
    if size is not None:
        sprite = (
            "  sprite {\n"
            '    image_path: "sprite.png"\n'
            f"    single_image_dim: {size[0]}\n"
            f"    single_image_dim: {size[1]}\n"
            "  }\n"
        )
    return (
        "embeddings {\n"
        f'  tensor_name: "{name}"\n'
        f'  tensor_path: "{path}"\n'
        f"  tensor_shape: {shape[0]}\n"
        f"  tensor_shape: {shape[1]}\n"
        '  metadata_path: "metadata.tsv"\n'
        f"{sprite}"
        "}\n"
    )


def write_tensor(stem: Path, values: NDArray[np.float32]) -> str:
    """Write values (n, D) to `stem` with a suffix, and return the file's name: .bytes, or .tsv if bytes look like text.

    TensorBoard reads every tensor as text, and as bytes only when a line is not UTF-8.
    """
    head = values[: 1 + HEAD_BYTES // (4 * values.shape[1])].astype("<f4").tobytes()
    suffix, other = (".tsv", ".bytes") if looks_like_text(head) else (".bytes", ".tsv")
    path = stem.parent / f"{stem.name}{suffix}"
    if suffix == ".tsv":
        write_tsv(path, values)
    else:
        with whole_file(path) as part, part.open("wb") as file:
            for start in range(0, len(values), ROWS_AT_A_TIME):
                file.write(values[start : start + ROWS_AT_A_TIME].astype("<f4").tobytes())
    (stem.parent / f"{stem.name}{other}").unlink(missing_ok=True)
    return path.name


def looks_like_text(head: bytes) -> bool:
    """Return whether the first line of a file, given its beginning, is UTF-8."""
    line, _, _ = head.partition(b"\n")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(head)  # a character is cut off, not wrong
    return True


def write_tsv(path: Path, values: NDArray[np.float32]) -> None:
    """Write values (n, D) as text that reads back to the same float32."""
    with whole_file(path) as part, part.open("w", encoding="ascii", newline="\n") as file:
        np.savetxt(file, values, fmt="%.9g", delimiter="\t", newline="\n")


def write_metadata(path: Path, inputs: ExportInputs) -> None:
    """Write column names, then one line per sample; tabs and line breaks become blanks, as there is no escape."""
    table = sample_table(inputs)
    rows: Iterable[tuple[Any, ...]] = table.astype(object).where(table.notna(), "").itertuples(index=False, name=None)
    lines = ["\t".join(table.columns), *("\t".join(cell(value) for value in row) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def cell(value: Any) -> str:
    """Return a value as text on one line without tabs; numbers with six significant digits."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()


def write_sprite(path: Path, images: NDArray[np.uint8]) -> tuple[int, int]:
    """Write images (n, H, W) or (n, H, W, 3) by row in a square, perhaps shrunk; return one's width and height."""
    count, height, width = images.shape[:3]
    columns = math.ceil(math.sqrt(count))
    small = shrunk(images, SPRITE_SIDE / (columns * max(height, width)))
    with whole_file(path) as part:
        Image.fromarray(sheet_of(small, columns)).save(part, format="PNG", optimize=True)
    return small.shape[2], small.shape[1]
