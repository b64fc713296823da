"""Two made-up runs as the report would read them, and what the page must show of them, found without its code."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import color_sequences, colormaps
from matplotlib.colors import to_hex
from PIL import Image

from strata.artifacts.activations import LayerInfo
from strata.artifacts.maps import LayerMap, MapMethod
from strata.artifacts.measure_registry import Interval
from strata.artifacts.measured import CONTROLS, LayerPoints, SampleDecisions
from strata.artifacts.provenance import Provenance
from strata.artifacts.samples import Samples
from strata.artifacts.tables import PAIR_COLUMNS, Measures
from strata.dataset.description import DatasetDescription
from strata.measures.registry import MEASURES, REGISTRY
from strata.report.page.explorer import page_payload, render_explorer
from strata.report.page.figure_row import PageFigure
from strata.report.page.inputs import ReportInputs
from strata.report.page.packing import packed_positions, unpacked
from strata.report.page.payload import run_payload
from strata.report.page.sweep import sweep_payload

LAYERS = ["input", "h1", "h2", "h3", "h4", "h5", "h6"]
SHAPES = [(1, 16, 16), (3, 12, 12), (3, 6, 6), (4, 2, 2), (4, 1, 1), (8,), (10,)]
MARKUP = '<b>&"x"</b>'
CLASSES = ["zero", "one, or ace", "two", MARKUP, "four", "five", "=six", "seven", "eight", "nine"]
COLOURS = [to_hex(colour) for colour in color_sequences["petroff10"]]
SCALE = [to_hex(colour) for colour in colormaps["viridis"](np.linspace(0, 1, 64))]
GREY, RIGHT, WRONG = "#9aa0a6", "#3f90da", "#e76300"
COUNT, SHOWN, MEASURED, SIDE, K = 220, 200, 170, 16, 6
NAMES = ("base", "wide-network")
DIFFERENCES = [("train.lr", "0.01", "0.1"), ("network.<i>units</i>", "50", "–")]
NOTE, PARAMS = "A note: 1 < 2 & so on.", "seed: 0\ntitle: </script><b>bold</b>\n"
PROVENANCE = Provenance("test", "a" * 64, "b" * 64)
CAVEATS = ("Sizes & distances mean nothing.", "Look at more than <one> setting.")
METHOD = MapMethod("made_up", "Made-up", "made up with care", "Made up.", CAVEATS, {"engine": "none"})


@dataclass(frozen=True)
class Run:
    """A run's inputs, and by shown sample what is known of it: NaN, and None of whole numbers, if not measured."""

    inputs: ReportInputs
    rows: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    commit: list[int | None]
    late: np.ndarray
    places: list[np.ndarray]
    fields: dict[str, np.ndarray]
    neighbours: list[dict[int, list[int]]]

    def payload(self) -> dict:
        return run_payload(self.inputs, self.rows, {"Source": f"made up {MARKUP}", "Path": "x" * 150}, PARAMS)


def make_run(seed: int) -> Run:
    """Return a run; runs of all seeds have the same samples, but other predictions, maps and measures."""
    same, rng = np.random.default_rng(0), np.random.default_rng(100 + seed)
    ids = np.arange(COUNT, dtype=np.int32) * 3 + 5
    labels = same.permutation(np.arange(COUNT) % 10).astype(np.int16)
    images = same.integers(0, 256, (COUNT, SIDE, SIDE), dtype=np.uint8)
    rows = np.sort(same.choice(COUNT, SHOWN, replace=False))
    measured = np.sort(same.choice(COUNT, MEASURED, replace=False))
    predicted = np.where(rng.random(COUNT) < 0.15, rng.integers(0, 10, COUNT), labels).astype(np.int16)
    samples = Samples(
        ids,
        np.full(COUNT, "test"),
        labels,
        predicted,
        np.log(rng.uniform(0.01, 1, COUNT)).astype(np.float32),
        rng.uniform(0.2, 1, COUNT).astype(np.float32),
    )
    commit = rng.integers(0, 8, MEASURED).astype(np.int16)  # 7: after the last layer
    flags = rng.random((2, MEASURED)) < 0.3
    late = commit >= 5
    decisions = SampleDecisions(ids[measured], commit, rng.integers(0, 4, MEASURED).astype(np.int16), late, *flags)
    points = {layer: _points(rng, ids[measured], layer == LAYERS[-1]) for layer in LAYERS}
    votes = points[LAYERS[-2]].vote  # every second one is what the network predicts, as it mostly is
    points[LAYERS[-2]] = replace(
        points[LAYERS[-2]], vote=np.where(np.arange(MEASURED) % 2, votes, predicted[measured]).astype(np.int16)
    )
    maps = {layer: LayerMap(layer, ids, _spread_out(rng), METHOD, PROVENANCE) for layer in LAYERS}
    epochs = pd.DataFrame({"epoch": [1, 2, 3], "test_loss": rng.uniform(0.1, 1, 3).round(4)})
    inputs = ReportInputs(
        dataset=_description(),
        provenance=PROVENANCE,
        samples=samples,
        images=images,
        maps=maps,
        infos={layer: LayerInfo(layer, shape, PROVENANCE) for layer, shape in zip(LAYERS, SHAPES, strict=True)},
        shown=None,
        shown_activations={},
        batches=pd.DataFrame(
            {"epoch": [0.5, 1.0, 2.0], "train_loss": [2.0, 1.0, 0.3], "train_accuracy": [0.2, 0.5, 0.9]}
        ),
        epochs=epochs.assign(test_accuracy=rng.uniform(0.5, 1, 3).round(4)),
        measures=Measures(
            table=(table := _measure_table(rng)),
            cka=_cka(rng),
            dimension=pd.DataFrame(),
            stability=pd.DataFrame({"layer": LAYERS, "perplexity": 9.0, "points": 88, "runs": 3, "knn_overlap": 0.5}),
            pairs=_pairs(rng),
            decisions=decisions,
            points=points,
            stability_maps=[],
            rows=measured,
            registry=REGISTRY,
            networks=_networks(table),
            between=pd.DataFrame(),
        ),
    )
    place = {int(sample): at for at, sample in enumerate(ids[measured])}
    shown = [int(sample) for sample in ids[rows]]

    def by_sample(values: np.ndarray) -> np.ndarray:
        return np.array([float(values[place[sample]]) if sample in place else math.nan for sample in shown])

    names = ("false_neighbours", "missing_neighbours", "drift", "stability")
    return Run(
        inputs=inputs,
        rows=rows,
        ids=ids[rows],
        labels=labels[rows],
        predicted=predicted[rows],
        confidence=samples.confidence[rows],
        commit=[int(commit[place[sample]]) if sample in place else None for sample in shown],
        late=by_sample(late) == 1,
        places=[on_page(maps[layer].points[rows]) for layer in LAYERS],
        fields={name: np.stack([by_sample(getattr(points[layer], name)) for layer in LAYERS]) for name in names},
        neighbours=[
            {s: [int(n) for n in points[layer].neighbours[place[s]] if n in shown] if s in place else [] for s in shown}
            for layer in LAYERS
        ],
    )


def on_page(points: np.ndarray) -> np.ndarray:
    """Return points (n, 2) as the page has them: in 16 bits (tests/report/test_packing.py says how exact that is)."""
    return np.column_stack([unpacked(packed_positions(column)) for column in points.T])


def _networks(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of three networks: the first's values, and those a little less and more."""
    trained = table[table["control"] == "none"].drop(columns="control")
    others = {1: 1.0, 2: 0.9, 3: 1.05}
    return pd.concat([trained.assign(network=number, value=trained["value"] * by) for number, by in others.items()])


def write_page(path: Path, runs: dict[str, Run]) -> Path:
    """Write the page of one run, with a figure and a note, or of several, with what differs; maps of two at most."""
    first, compared = next(iter(runs.values())), len(runs) > 1
    images = first.inputs.images[first.rows]
    of_maps = {name: run.payload() for name, run in list(runs.items())[:2]}
    payload = page_payload(first.inputs.dataset.classes, first.labels, images, of_maps)
    if len(runs) > 2:
        payload["sweep"] = sweep_payload(list(runs), [run.inputs for run in runs.values()])
    Image.fromarray(images[0]).save(path.parent / "picture.png")
    figures = [] if compared else [PageFigure("picture", f"A picture {MARKUP}", "It shows noise.", "Pictures")]
    differences = [(*each, *["0.2"] * (len(runs) - 2)) for each in DIFFERENCES] if compared else []
    page = render_explorer(f"Strata: {MARKUP}", payload, figures, path.parent, [NOTE], differences)
    path.write_text(page, encoding="utf-8")
    return path


def _spread_out(rng: np.random.Generator) -> np.ndarray:
    """Return points (n, 2) on the places of a grid, each moved by less than a quarter of its step."""
    chosen = rng.permutation(15 * 15)[:COUNT]
    grid = np.column_stack([chosen % 15, chosen // 15]) + rng.uniform(-0.2, 0.2, (COUNT, 2))
    return (grid * rng.uniform(3, 8) + rng.normal(0, 20, 2)).astype(np.float32)


def _points(rng: np.random.Generator, ids: np.ndarray, last: bool) -> LayerPoints:
    shares = [(rng.integers(0, K + 1, len(ids)) / K).astype(np.float32) for _ in range(7)]
    drift = np.full(len(ids), np.nan, dtype=np.float32) if last else shares[6]
    stability = np.where(rng.random(len(ids)) < 0.4, rng.random(len(ids)), np.nan).astype(np.float32)
    near = np.stack([rng.choice(np.delete(ids, row), K, replace=False) for row in range(len(ids))])
    return LayerPoints(ids, rng.integers(0, 10, len(ids)).astype(np.int16), *shares[:6], drift, stability, near)


def _measure_table(rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (
            layer,
            measure.key,
            value,
            *((np.nan, np.nan) if measure.interval == Interval.NONE else (value - 0.05, value + 0.05)),
            control,
        )
        for control in CONTROLS
        for measure in MEASURES
        for layer, value in zip(LAYERS, rng.uniform(0.1, 0.9, len(LAYERS)).round(4), strict=True)
        if not (measure.key == "overlap_with_next" and layer == LAYERS[-1])
    ]
    return pd.DataFrame(rows, columns=["layer", "measure", "value", "low", "high", "control"])


def _cka(rng: np.random.Generator) -> pd.DataFrame:
    pairs = [(first, second) for first in LAYERS for second in LAYERS]
    rows = [(*pair, rng.random(), np.nan, np.nan, control) for control in CONTROLS for pair in pairs]
    table = pd.DataFrame(rows, columns=["layer", "other_layer", "value", "low", "high", "control"])
    table.loc[1, "value"] = np.nan
    return table


def _pairs(rng: np.random.Generator) -> pd.DataFrame:
    pairs = [(i, j) for i in range(10) for j in range(i, 10)]
    found = []
    for control in ("none", "untrained"):
        values = rng.random((len(LAYERS), len(pairs))).round(3)
        rises = np.diff(values, axis=0, prepend=np.nan)
        found += [
            (layer, *pair, value, value - 0.03, value + 0.03, rise, rise - 0.05, rise + 0.05, control)
            for layer, row, changes in zip(LAYERS, values, rises, strict=True)
            for pair, value, rise in zip(pairs, row, changes, strict=True)
        ]
    table = pd.DataFrame(found, columns=list(PAIR_COLUMNS))
    table.loc[2, "separability"] = np.nan
    return table


def _description() -> DatasetDescription:
    told = {"name": "noise", "source": "nowhere", "citation": "none", "licence": "CC0", "classes": CLASSES}
    shape = {"counts": {"train": 1000, "test": COUNT}, "image_shape": [1, SIDE, SIDE], "mean": 0.5, "std": 0.3}
    return DatasetDescription(**told, **shape, sha256={})
