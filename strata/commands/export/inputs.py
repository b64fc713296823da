"""What an export is written from: the artifacts of one run, checked to belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from strata.artifacts.measured import NEVER, LayerPoints, SampleDecisions, read_decisions, read_points
from strata.artifacts.provenance import Provenance, check_same_origin, check_same_samples
from strata.artifacts.run import RunArtifacts, load_run_artifacts
from strata.artifacts.samples import Samples
from strata.core.errors import StrataError


@dataclass(frozen=True)
class Measured:
    """Where the measured samples are decided, and their neighbours in each exported layer."""

    decisions: SampleDecisions
    points: dict[str, LayerPoints]


@dataclass(frozen=True)
class ExportInputs(RunArtifacts):
    """The artifacts of a run's exported layers, and the files of their activations.

    `order` are all layers of the run, which a commit layer counts; `measured` is None where nothing was measured.
    """

    order: tuple[str, ...]
    files: dict[str, Path]
    measured: Measured | None


def load_export_inputs(data: Path, order: Sequence[str], chosen: Sequence[str]) -> ExportInputs:
    """Return what is exported of the chosen layers of the run under `data`.

    Raises StrataError where an artifact is missing, damaged, or of another model, data set, split or samples than the
    others.
    """
    activations = data / "activations"
    run = load_run_artifacts(
        chosen,
        data=data / "raw",
        model=data / "model/mnist_cnn.pt",
        activations=activations,
        embeddings=data / "embeddings",
    )
    return ExportInputs(
        **vars(run),
        order=tuple(order),
        files={layer: activations / f"{layer}.parquet" for layer in chosen},
        measured=_measured(data / "measures", run.provenance, run.samples, order, chosen),
    )


def _measured(
    folder: Path, origin: Provenance, samples: Samples, order: Sequence[str], chosen: Sequence[str]
) -> Measured | None:
    if not folder.exists():
        return None
    path = folder / "samples.parquet"
    decisions, decided_from = read_decisions(path)
    check_same_origin(origin, folder.parent / "activations", decided_from, path)
    if not np.isin(decisions.sample_id, samples.sample_id).all():
        raise StrataError(f"{path} holds samples that were not extracted; run `dvc repro`")
    if len(decisions.commit_layer) and decisions.commit_layer.max() >= len(order):
        raise StrataError("the measures were taken with other layers than params.yaml names; run `dvc repro`")
    points = {}
    for layer in chosen:
        points_path = folder / "points" / f"{layer}.parquet"
        points[layer], found = read_points(points_path)
        check_same_origin(origin, folder.parent / "activations", found, points_path)
        check_same_samples(decisions.sample_id, path, points[layer].sample_id, points_path)
        if not np.isin(points[layer].neighbours, samples.sample_id).all():
            raise StrataError(f"{points_path} names neighbours that were not extracted; run `dvc repro`")
    return Measured(decisions, points)


KINDS = ("late", "flip_flopper", "right_then_lost")


def sample_table(inputs: ExportInputs) -> pd.DataFrame:
    """Return one row a sample, in the order of the arrays; what was not measured of a sample is missing there.

    `commit_layer` is a layer's name or 'never', `commit_depth` its place among all layers, missing for 'never'.
    """
    samples, classes = inputs.samples, np.array(inputs.dataset.classes, dtype=object)
    table = pd.DataFrame(
        {
            "sample_id": samples.sample_id,
            "label": samples.label,
            "label_name": classes[samples.label],
            "predicted": samples.predicted,
            "predicted_name": classes[samples.predicted],
            "correct": samples.label == samples.predicted,
            "log_probability": samples.log_probability,
            "confidence": samples.confidence,
            "split": samples.split.astype(object),
        }
    )
    if inputs.measured is None:
        return table
    decisions = inputs.measured.decisions
    names = np.array([*inputs.order, "never"], dtype=object)  # NEVER, -1, is the last
    depth = pd.Series(decisions.commit_layer, dtype="Int16")
    measured = pd.DataFrame(
        {
            "commit_layer": names[decisions.commit_layer],
            "commit_depth": depth.mask(depth == NEVER),
            "flips": pd.Series(decisions.flips, dtype="Int16"),
            **{kind: pd.Series(getattr(decisions, kind), dtype="boolean") for kind in KINDS},
        }
    ).set_index(pd.Index(decisions.sample_id, name="sample_id"))
    return table.join(measured, on="sample_id")
