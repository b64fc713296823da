"""What was measured for single samples, as Parquet: one table of samples, one table per layer, and small maps.

`samples.parquet` has the measured samples and, in a run with labels and predictions, the layer at which each is
decided, by the votes of its neighbours; `samples_by_probe.parquet` the same by those of linear probes, if the samples
are test images. `points/<layer>.parquet` has each point's neighbours in the layer, and how far to trust its position on
the map. `stability_maps.parquet` has maps from random starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strata.artifacts.parquet import open_parquet, read_table, write_table
from strata.artifacts.provenance import Provenance
from strata.core.errors import StrataError

TRAINED, UNTRAINED, PROJECTION, SHUFFLED = "none", "untrained", "random projection", "shuffled labels"
# What is measured, as the tables name it in column `control` -> its name for people: the network, then its controls.
CONTROLS = {
    TRAINED: "trained network",
    UNTRAINED: "untrained twin",
    PROJECTION: "random projection of the input",
    SHUFFLED: "shuffled labels",
}

SAMPLE_COLUMNS = {
    "sample_id": pa.int32(),
    "commit_layer": pa.int16(),
    "flips": pa.int16(),
    "late": pa.bool_(),
    "flip_flopper": pa.bool_(),
    "right_then_lost": pa.bool_(),
}
POINT_COLUMNS = {
    "sample_id": pa.int32(),
    "vote": pa.int16(),
    "hit": pa.float32(),
    "recall": pa.float32(),
    "trustworthiness": pa.float32(),
    "continuity": pa.float32(),
    "false_neighbours": pa.float32(),
    "missing_neighbours": pa.float32(),
    "drift": pa.float32(),
    "stability": pa.float32(),
}
OF_LABELS = ("vote", "hit")
MAP_COLUMNS = {
    "layer": pa.string(),
    "perplexity": pa.float64(),
    "sample_id": pa.int32(),
    "x": pa.float32(),
    "y": pa.float32(),
}


# What it is to commit, wherever it is shown.
COMMIT_DEFINITION = (
    "A sample commits at the first layer from which on the most frequent label among its nearest neighbours is the"
    " class that the network predicts; the output votes by that prediction itself, so every sample commits there at the"
    " latest."
)


def commit_names(layers: Sequence[str]) -> list[str]:
    """Return where samples can commit, by index, for people: at a layer, or after the last one.

    Only samples of runs whose last layer is not the network's output commit after it.
    """
    return [*layers, f"after {layers[-1]}"]


@dataclass(frozen=True)
class MeasuredSamples:
    """The measured samples: ids int32 (n,)."""

    sample_id: NDArray[np.int32]


@dataclass(frozen=True)
class SampleDecisions(MeasuredSamples):
    """One row per measured sample, all (n,): ids int32, commit layer's index int16, changes of the vote, three kinds.

    The index is the number of layers where a sample commits after the last of them (`commit_names`).
    """

    commit_layer: NDArray[np.int16]
    flips: NDArray[np.int16]
    late: NDArray[np.bool_]
    flip_flopper: NDArray[np.bool_]
    right_then_lost: NDArray[np.bool_]


@dataclass(frozen=True)
class LayerPoints:
    """One row per measured sample, all (n,), of one layer; `vote` is a class, the output's the prediction.

    Without labels there are neither votes nor hits. `neighbours` int32 (n, k) are sample ids, the nearest first, of all
    mapped samples; all other fields come from the measured samples among themselves.
    `drift` is towards the next layer, NaN in the last; `stability` is NaN outside the stability sample.
    """

    sample_id: NDArray[np.int32]
    vote: NDArray[np.int16] | None
    hit: NDArray[np.float32] | None
    recall: NDArray[np.float32]
    trustworthiness: NDArray[np.float32]
    continuity: NDArray[np.float32]
    false_neighbours: NDArray[np.float32]
    missing_neighbours: NDArray[np.float32]
    drift: NDArray[np.float32]
    stability: NDArray[np.float32]
    neighbours: NDArray[np.int32]

    @property
    def votes(self) -> NDArray[np.int16]:
        """The votes (n,); ValueError without labels."""
        if self.vote is None:
            raise ValueError("these points have no votes: there are no labels")
        return self.vote


@dataclass(frozen=True)
class StabilityMap:
    """A map of the stability sample: layer, perplexity or None, ids int32 (m,) and points float32 (m, 2)."""

    layer: str
    perplexity: float | None
    sample_id: NDArray[np.int32]
    points: NDArray[np.float32]


def write_decisions(path: Path, decisions: MeasuredSamples, provenance: Provenance) -> None:
    """Write samples.parquet, with the columns that there are."""
    names = [field.name for field in fields(decisions)]
    arrays = {name: pa.array(getattr(decisions, name), SAMPLE_COLUMNS[name]) for name in names}
    write_table(path, pa.table(arrays), provenance.metadata())


def read_decisions(path: Path) -> tuple[MeasuredSamples, Provenance]:
    """Return the content of samples.parquet, SampleDecisions if there are any, and its origin.

    Raises StrataError if it is missing or damaged.
    """
    with open_parquet(path) as file:
        found = file.schema_arrow.names
    kind = MeasuredSamples if found == ["sample_id"] else SampleDecisions
    names = [field.name for field in fields(kind)]
    table, metadata = read_table(path, {name: SAMPLE_COLUMNS[name] for name in names})
    return kind(**{name: table[name].to_numpy() for name in names}), Provenance.from_metadata(metadata, path)


def write_points(path: Path, points: LayerPoints, provenance: Provenance) -> None:
    """Write a layer's points."""
    arrays = {
        name: pa.array(getattr(points, name).astype(kind.to_pandas_dtype()), kind, from_pandas=False)
        for name, kind in POINT_COLUMNS.items()
        if getattr(points, name) is not None
    }
    flat = pa.array(np.ascontiguousarray(points.neighbours, dtype=np.int32).ravel())
    arrays["neighbours"] = pa.FixedSizeListArray.from_arrays(flat, points.neighbours.shape[1])
    write_table(path, pa.table(arrays), provenance.metadata())


def read_points(path: Path) -> tuple[LayerPoints, Provenance]:
    """Return a layer's points and their origin. Raises StrataError if the file is missing or damaged."""
    with open_parquet(path) as file:
        schema = file.schema_arrow
    votes = any(name in schema.names for name in OF_LABELS)
    of_points = {name: kind for name, kind in POINT_COLUMNS.items() if votes or name not in OF_LABELS}
    kind = schema.field("neighbours").type if "neighbours" in schema.names else None
    if kind is None or not pa.types.is_fixed_size_list(kind) or kind.value_type != pa.int32():
        raise StrataError(f"{path}: column 'neighbours' must be a fixed-size list of int32; run `dvc repro -f measure`")
    table, metadata = read_table(path, of_points | {"neighbours": kind})
    columns: dict[str, Any] = {name: table[name].to_numpy() for name in of_points}
    columns |= {name: None for name in OF_LABELS if not votes}
    flat = table["neighbours"].combine_chunks().flatten()
    if flat.null_count:
        raise StrataError(f"{path}: nulls among the neighbours; run `dvc repro -f measure`")
    neighbours = flat.to_numpy().reshape(-1, kind.list_size)
    return LayerPoints(**columns, neighbours=neighbours), Provenance.from_metadata(metadata, path)


def write_stability_maps(path: Path, maps: list[StabilityMap], provenance: Provenance) -> None:
    """Write stability_maps.parquet, with one row per map and point."""
    points = np.concatenate([found.points for found in maps]).astype(np.float32)
    arrays: Mapping[str, object] = {
        "layer": [found.layer for found in maps for _ in found.sample_id],
        "perplexity": [
            np.nan if found.perplexity is None else found.perplexity for found in maps for _ in found.sample_id
        ],
        "sample_id": np.concatenate([found.sample_id for found in maps]),
        "x": points[:, 0],
        "y": points[:, 1],
    }
    table = pa.table({name: pa.array(arrays[name], kind) for name, kind in MAP_COLUMNS.items()})
    write_table(path, table, provenance.metadata())


def read_stability_maps(path: Path) -> tuple[list[StabilityMap], Provenance]:
    """Return the stability sample's maps, in the order written, and their origin. Raises StrataError as above."""
    table, metadata = read_table(path, MAP_COLUMNS)
    frame = table.to_pandas()
    maps = [
        StabilityMap(
            layer,
            None if np.isnan(perplexity) else perplexity,
            rows["sample_id"].to_numpy(np.int32),
            rows[["x", "y"]].to_numpy(np.float32),
        )
        for (layer, perplexity), rows in frame.groupby(["layer", "perplexity"], sort=False, dropna=False)
    ]
    return maps, Provenance.from_metadata(metadata, path)
