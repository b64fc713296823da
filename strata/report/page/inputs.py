"""What the report is drawn from: the artifacts of the stages before, checked to belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.activations import read_one_activation
from strata.artifacts.maps import LayerMap, MapMethod, read_map
from strata.artifacts.provenance import check_same_samples
from strata.artifacts.run import MeasureInputs, RunArtifacts, kept_folders, load_measures, load_run_artifacts, read_csv
from strata.core.errors import StrataError

LONGEST_NAME = 24

TRAINING_COLUMNS = ("epochs", "layer", "measure", "value", "low", "high")


@dataclass(frozen=True)
class ReportInputs(RunArtifacts):
    """A run's artifacts, and what the report shows besides.

    `earlier` are the maps of weights kept in training, time in epochs -> layer -> map, `over_training` their measures.
    `shown` is the row of the sample that the close-ups show, if any, `shown_activations` are its activations.
    """

    shown: int | None
    shown_activations: dict[str, NDArray[np.float32]]
    batches: pd.DataFrame
    epochs: pd.DataFrame
    measures: MeasureInputs
    earlier: dict[str, dict[str, LayerMap]] = field(default_factory=dict)
    over_training: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def method(self) -> MapMethod:
        """How the maps were drawn; `details` and `settings` are the first map's."""
        return next(iter(self.maps.values())).method

    @property
    def measures_over_training(self) -> pd.DataFrame:
        """The measures at the kept times, and those of the trained network after its last epoch."""
        last = float(self.epochs["epoch"].iloc[-1])
        table = self.measures.table
        trained = table[table["control"] == "none"].drop(columns="control").assign(epochs=last)
        before = self.over_training[self.over_training["epochs"] < last]
        return pd.concat([before, trained[before.columns]], ignore_index=True)

    @property
    def names_in_figures(self) -> list[str]:
        """The classes' names as figures can show them: long ones cut, and no dollar taken for mathematics."""
        names = self.dataset.classes
        short = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in names]
        return [name.replace("$", r"\$") for name in short]

    @property
    def grey_map(self) -> str:
        """How figures show grey images: known data sets are ink on paper, one's own are as they are."""
        return "gray_r" if self.dataset.source_sha256 is None else "gray"


def load_report_inputs(
    layers: Sequence[str],
    shown_id: int | None,
    *,
    data: Path,
    model: Path,
    activations: Path,
    embeddings: Path,
    curve: Path,
    epochs: Path,
    measured: Mapping[str, Path],
    over_training: Path | None,
) -> ReportInputs:
    """Return everything that the report needs; `measured` are the paths that `load_measures` takes. Without a table
    `over_training`, the weights kept in training are left out.

    Raises StrataError where an artifact is missing, damaged, or made from another model, data set or split than the
    others, where sample ids differ, or where there is no sample `shown_id`.
    """
    run = load_run_artifacts(layers, data=data, model=model, activations=activations, embeddings=embeddings)
    ids = run.samples.sample_id
    found = np.flatnonzero(ids == shown_id)
    if shown_id is not None and not len(found):
        raise StrataError(
            f"report.sample_id {shown_id} is not among the {len(ids)} samples of extract.split {run.provenance.split}"
        )
    shown_activations = {
        layer: read_one_activation(activations / f"{layer}.parquet", shown_id)
        for layer in layers
        if shown_id is not None
    }
    earlier = {}
    for time, folder in kept_folders(embeddings).items() if over_training else ():
        earlier[time] = {layer: read_map(folder / f"{layer}.parquet") for layer in layers}
        for layer, found_map in earlier[time].items():
            check_same_samples(ids, activations / "samples.parquet", found_map.sample_ids, folder / f"{layer}.parquet")
    return ReportInputs(
        **vars(run),
        shown=int(found[0]) if len(found) else None,
        shown_activations=shown_activations,
        batches=read_csv(curve, ("epoch", "train_loss", "train_accuracy")),
        epochs=read_csv(epochs, ("epoch", "test_loss", "test_accuracy")),
        measures=load_measures(layers, ids, run.provenance, **measured),
        earlier=earlier,
        over_training=read_csv(over_training, TRAINING_COLUMNS) if over_training else pd.DataFrame(),
    )
