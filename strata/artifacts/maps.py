"""One layer's map in one Parquet file: `sample_id` int32, `x` and `y` float32; the metadata say how it was drawn."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from strata.artifacts.parquet import read_table, write_table
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError

COLUMNS = {"sample_id": pa.int32(), "x": pa.float32(), "y": pa.float32()}
METADATA = ("layer", "method", "title", "caption", "details", "caveats", "settings")


@dataclass(frozen=True)
class MapMethod:
    """How a map was drawn: the method's name in `embed.method`, and texts to show, so that readers need no other code.

    `title` names the method. `caption` applies to all maps of a run, `details` to this one. `caveats` say what its maps
    do not show. `settings` are its parameters and the numbers that it reports, as text. `start` is a sentence on what
    the maps start from and what that costs; it is empty in files from before it was recorded.
    """

    name: str
    title: str
    caption: str
    details: str
    caveats: tuple[str, ...]
    settings: Mapping[str, str]
    start: str = ""

    def metadata(self) -> dict[str, str]:
        """Return the fields as Parquet metadata: caveats and settings as JSON."""
        return {
            "method": self.name,
            "title": self.title,
            "caption": self.caption,
            "details": self.details,
            "caveats": json.dumps(self.caveats, ensure_ascii=False),
            "settings": json.dumps(dict(self.settings), ensure_ascii=False),
            "start": self.start,
        }


@dataclass(frozen=True)
class LayerMap:
    """A layer's map: ids int32 (n,), points float32 (n, 2), how it was drawn, and origin."""

    layer: str
    sample_ids: NDArray[np.int32]
    points: NDArray[np.float32]
    method: MapMethod
    provenance: Provenance

    @property
    def settings(self) -> Mapping[str, str]:
        """The method's settings and the numbers that it reports, as text."""
        return self.method.settings


def write_map(path: Path, layer_map: LayerMap) -> None:
    """Write a layer's map."""
    x, y = layer_map.points.astype(np.float32).T
    arrays = {"sample_id": layer_map.sample_ids, "x": x, "y": y}
    table = pa.table({name: pa.array(arrays[name], kind) for name, kind in COLUMNS.items()})
    metadata = {"layer": layer_map.layer, **layer_map.method.metadata(), **layer_map.provenance.metadata()}
    write_table(path, table, metadata)


def read_map(path: Path) -> LayerMap:
    """Return a layer's map. Raises StrataError if the file is missing, damaged, not a map, or not finite."""
    table, metadata = read_table(path, COLUMNS)
    missing = [key for key in METADATA if key not in metadata]
    if missing:
        raise StrataError(f"{path} is not a map: its metadata lacks {', '.join(missing)}; run `dvc repro -f embed`")
    points = np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()])
    if not np.isfinite(points).all():
        raise StrataError(f"{path}: the map's points must be finite; run `dvc repro -f embed`")
    method = MapMethod(
        metadata["method"],
        metadata["title"],
        metadata["caption"],
        metadata["details"],
        _parsed(path, metadata, "caveats", tuple[str, ...]),
        _parsed(path, metadata, "settings", dict[str, str]),
        metadata.get("start", ""),
    )
    provenance = Provenance.from_metadata(metadata, path)
    return LayerMap(metadata["layer"], table["sample_id"].to_numpy(), points, method, provenance)


def _parsed(path: Path, metadata: Mapping[str, str], key: str, kind: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_json(metadata[key])
    except ValidationError:
        raise StrataError(f"{path} is damaged: its {key} cannot be read; run `dvc repro -f embed`") from None
