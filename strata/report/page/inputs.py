"""The artifacts that the report is drawn from, checked to belong together."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.activations import LayerInfo
from strata.artifacts.maps import LayerMap, MapMethod
from strata.artifacts.measure_registry import MeasureRegistry
from strata.artifacts.needs import Need, lacking
from strata.artifacts.provenance import Provenance
from strata.artifacts.run import RunArtifacts
from strata.artifacts.samples import Samples
from strata.artifacts.shipped import ShippedNetwork
from strata.artifacts.tables import Measures
from strata.dataset.description import DatasetDescription, InputKind
from strata.report.figures.maps import Numbers
from strata.report.figures.style import names_in_figures
from strata.report.params import check_sample

MOST_SHOWN = 48  # numbers or tokens of a sample


@dataclass(frozen=True)
class ReportInputs:
    """A run's samples with their images, uint8 (n, H, W) or (n, H, W, 3), maps and measures, and what else is shown.

    `earlier` has the maps of weights kept in training, time in epochs -> layer -> map, and `over_training` their
    measures. `shown` is the row of the sample in the close-ups, if any, and `shown_activations` are its activations.
    `network_summary` is the text of network.txt, empty if there is no such file; `network` is what the page runs.
    `proposed` says whether the layers were (`layers: auto`).
    """

    dataset: DatasetDescription
    provenance: Provenance
    samples: Samples
    images: NDArray[Any]
    maps: dict[str, LayerMap]
    infos: dict[str, LayerInfo]
    shown: int | None
    shown_activations: dict[str, NDArray[np.float32]]
    batches: pd.DataFrame
    epochs: pd.DataFrame
    measures: Measures
    earlier: dict[str, dict[str, LayerMap]] = field(default_factory=dict)
    over_training: pd.DataFrame = field(default_factory=pd.DataFrame)
    network_summary: str = ""
    network: ShippedNetwork | None = None
    proposed: bool = False

    @property
    def method(self) -> MapMethod:
        """How the maps were drawn; `details` and `settings` are the first map's."""
        return next(iter(self.maps.values())).method

    @property
    def lacks(self) -> dict[Need, str]:
        """What the run lacks, such as labels -> why."""
        return lacking(self.dataset, self.samples.predicted is not None)

    def shown_samples(self, rows: NDArray[np.intp]) -> NDArray[Any] | list[str]:
        """Return the images of some rows, or the text that stands for them: numbers, or token ids that count."""
        if self.dataset.has_images:
            return self.images[rows]
        return [text_of(self.images[row], self.dataset.inputs) for row in rows]

    @property
    def things(self) -> str:
        """The name of the samples for people: images, or samples."""
        return "images" if self.dataset.has_images else "samples"

    @property
    def registry(self) -> MeasureRegistry:
        """The measures and panels that this run has."""
        return self.measures.registry.without(self.lacks)

    @property
    def numbers(self) -> Numbers | None:
        """What colours the maps where there are no labels: the first of the targets; None without any."""
        targets = self.samples.targets
        return None if targets is None else Numbers(names_in_figures(self.dataset.target_names)[0], targets[:, 0])

    @property
    def measures_over_training(self) -> pd.DataFrame:
        """The measures at the kept times, and those of the trained network after its last epoch."""
        last = float(self.epochs["epoch"].max()) if len(self.epochs) else 0.0
        table = self.measures.table
        trained = table[table["control"] == "none"].drop(columns="control").assign(epochs=last)
        before = self.over_training[self.over_training["epochs"] < last]
        return pd.concat([before, trained[before.columns]], ignore_index=True)

    @property
    def names_in_figures(self) -> list[str]:
        """The class names as figures can show them; numbers for a network's own classes, which have no names."""
        return names_in_figures(self.classes)

    @property
    def classes(self) -> list[str]:
        """The names of the classes; numbers for those that only the network knows; empty if there are none."""
        if self.dataset.classes or self.samples.predicted is None:
            return self.dataset.classes
        return [str(number) for number in range(int(self.samples.predicted.max()) + 1)]

    @property
    def grey_map(self) -> str:
        """The matplotlib colour map of grey images."""
        return self.dataset.grey_map


def text_of(values: NDArray[Any], kind: InputKind) -> str:
    """Return a sample's numbers, or its token ids without those that a mask leaves out (2, T), as text."""
    if kind == "tokens" and values.ndim == 2:
        values = values[0, values[1] == 1]
    shown = [f"{value:.4g}" for value in values.ravel()[:MOST_SHOWN]]
    return " ".join(shown) + (f" ... ({values.size:,} in all)" if values.size > MOST_SHOWN else "")


def load_report_inputs(run: RunArtifacts, shown_id: int | None, over_training: bool = True) -> ReportInputs:
    """Return everything that the page shows of a run; weights kept during training only if `over_training`.

    Raises StrataError if an artifact is missing, damaged, or made from another model, data set or split than the
    others, if sample ids differ, or if there is no sample `shown_id`.
    """
    ids = run.samples.sample_id
    shown = None if shown_id is None else _row_of(shown_id, run)
    layers = list(run.layers)
    return ReportInputs(
        dataset=run.dataset,
        provenance=run.provenance,
        samples=run.samples,
        images=run.pictures(),
        maps={layer: run.map(layer) for layer in layers},
        infos=run.layers,
        shown=shown,
        shown_activations={} if shown is None else {layer: run.activation(layer, int(ids[shown])) for layer in layers},
        batches=run.batches,
        epochs=run.epochs,
        measures=run.measures,
        earlier={
            time: {layer: run.map(layer, time) for layer in layers} for time in (run.times if over_training else ())
        },
        over_training=run.over_training if over_training else pd.DataFrame(),
        network=run.shipped if over_training else None,
        proposed=run.proposed,
        network_summary=run.paths.summary.read_text(encoding="utf-8") if run.paths.summary.exists() else "",
    )


def _row_of(sample_id: int, run: RunArtifacts) -> int:
    check_sample(sample_id, len(run.samples.sample_id), run.provenance.split)
    return int(np.flatnonzero(run.samples.sample_id == sample_id)[0])
