"""The artifacts of one run that the exports are written from, checked to belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strata.artifacts.activations import LayerInfo
from strata.artifacts.maps import LayerMap
from strata.artifacts.measured import LayerPoints, MeasuredSamples, SampleDecisions, commit_names
from strata.artifacts.provenance import Provenance
from strata.artifacts.run import RunArtifacts
from strata.artifacts.samples import Samples, rows_of
from strata.artifacts.tables import check_commit_layers, read_layer_points, read_measured_samples
from strata.dataset.description import DatasetDescription


@dataclass(frozen=True)
class Measured:
    """The layers at which the measured samples are decided, and their neighbours in each exported layer."""

    decisions: MeasuredSamples
    points: dict[str, LayerPoints]


@dataclass(frozen=True)
class ExportInputs:
    """A run's samples with their images, uint8 (n, H, W) or (n, H, W, 3), and the maps and shapes of exported layers.

    `order` has all layers of the run; a commit layer is an index into it. `measured` is None if nothing was measured.
    """

    run: RunArtifacts
    dataset: DatasetDescription
    provenance: Provenance
    samples: Samples
    images: NDArray[Any]
    maps: dict[str, LayerMap]
    infos: dict[str, LayerInfo]
    order: tuple[str, ...]
    measured: Measured | None


def load_export_inputs(run: RunArtifacts, chosen: Sequence[str]) -> ExportInputs:
    """Return what is exported for the chosen layers of a run.

    Raises StrataError if an artifact is missing, damaged, or does not match the model, data set, split or samples of
    the others.
    """
    return ExportInputs(
        run=run,
        dataset=run.dataset,
        provenance=run.provenance,
        samples=run.samples,
        images=run.images(),
        maps={layer: run.map(layer) for layer in chosen},
        infos={layer: run.layers[layer] for layer in chosen},
        order=tuple(run.chosen_layers),
        measured=_measured(run, chosen) if run.paths.measures.exists() else None,
    )


def _measured(run: RunArtifacts, chosen: Sequence[str]) -> Measured:
    ids, origin = run.samples.sample_id, run.provenance
    decisions, _ = read_measured_samples(run.paths, ids, origin)
    check_commit_layers(decisions, list(run.chosen_layers))
    points = {layer: read_layer_points(run.paths, layer, decisions, ids, origin) for layer in chosen}
    return Measured(decisions, points)


KINDS = ("late", "flip_flopper", "right_then_lost")


def sample_table(inputs: ExportInputs) -> pd.DataFrame:
    """Return one row per sample, in the order of the arrays; values that were not measured are missing.

    What the run lacks, such as labels, has no column; targets and what the network outputs for them have one each.

    `commit_layer` is a layer's name, or 'after h5' where only the output after the last layer settles it;
    `commit_depth` is its place among all layers, from 0.
    """
    samples, dataset = inputs.samples, inputs.dataset
    classes = np.array(dataset.classes, dtype=object)
    label, predicted = samples.label, samples.predicted
    columns = {
        "sample_id": samples.sample_id,
        "label": label,
        "label_name": None if label is None else classes[label],
        "predicted": predicted,
        "predicted_name": classes[predicted] if predicted is not None and len(classes) else None,
        "correct": None if label is None or predicted is None else label == predicted,
        "log_probability": samples.log_probability,
        "confidence": samples.confidence,
        "split": samples.split.astype(object),
    }
    for start, values in (("target", samples.targets), ("output", samples.output)):
        if values is not None:
            columns |= {f"{start} {name}": column for name, column in zip(dataset.target_names, values.T, strict=True)}
    table = pd.DataFrame({name: values for name, values in columns.items() if values is not None})
    if inputs.measured is None or not isinstance(inputs.measured.decisions, SampleDecisions):
        return table
    decisions = inputs.measured.decisions
    names = np.array(commit_names(inputs.order), dtype=object)
    measured = pd.DataFrame(
        {
            "commit_layer": names[decisions.commit_layer],
            "commit_depth": pd.Series(decisions.commit_layer, dtype="Int16"),
            "flips": pd.Series(decisions.flips, dtype="Int16"),
            **{kind: pd.Series(getattr(decisions, kind), dtype="boolean") for kind in KINDS},
        }
    ).set_index(rows_of(decisions.sample_id, samples.sample_id, "the measures hold samples", "extracted"))
    return table.join(measured)
