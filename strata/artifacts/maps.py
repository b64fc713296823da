"""One layer's map in one Parquet file: `sample_id` int32, `x` and `y` float32; metadata say how it was made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strata.artifacts.parquet import read_table, write_table
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError

COLUMNS = {"sample_id": pa.int32(), "x": pa.float32(), "y": pa.float32()}
SETTINGS = ("engine", "perplexity", "iterations", "learning_rate", "kl_divergence")


@dataclass(frozen=True)
class LayerMap:
    """A layer's map: ids int32 (n,), points float32 (n, 2), the settings and the KL divergence as text, and origin."""

    layer: str
    sample_ids: NDArray[np.int32]
    points: NDArray[np.float32]
    settings: Mapping[str, str]
    provenance: Provenance


def write_map(path: Path, layer_map: LayerMap) -> None:
    """Write a layer's map."""
    x, y = layer_map.points.astype(np.float32).T
    arrays = {"sample_id": layer_map.sample_ids, "x": x, "y": y}
    table = pa.table({name: pa.array(arrays[name], kind) for name, kind in COLUMNS.items()})
    write_table(path, table, {"layer": layer_map.layer, **layer_map.settings, **layer_map.provenance.metadata()})


def read_map(path: Path) -> LayerMap:
    """Return a layer's map. Raises StrataError where the file is missing, damaged, not a map, or not finite."""
    table, metadata = read_table(path, COLUMNS)
    missing = [key for key in ("layer", *SETTINGS) if key not in metadata]
    if missing:
        raise StrataError(f"{path} is not a map: its metadata lack {', '.join(missing)}")
    points = np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()])
    if not np.isfinite(points).all():
        raise StrataError(f"{path}: the map's points must be finite; run `dvc repro -f embed`")
    settings = {key: metadata[key] for key in SETTINGS}
    return LayerMap(
        metadata["layer"], table["sample_id"].to_numpy(), points, settings, Provenance.from_metadata(metadata, path)
    )
