"""All sections of params.yaml, read as the stages read them: a mistake in any is found before the first runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from strata.core.layers import Layers
from strata.core.params import Reproducible, load_section
from strata.core.portable import check_portable
from strata.dataset.description import PARTS
from strata.maps.embedder import Embedder
from strata.measures.inputs import Settings
from strata.measures.run_tables import load_settings
from strata.network.params import ExtractParams
from strata.report.params import ReportParams
from strata.training.params import ReplicateParams, TrainParams


@dataclass(frozen=True)
class PlanSettings:
    """The sections, those of measure (layers, network and embed among them), the maps' embedder and points.

    There are no layers yet where they are `auto`.
    """

    train: TrainParams
    replicate: ReplicateParams
    extract: ExtractParams
    measured: Settings
    report: ReportParams
    embedder: Embedder
    mapped: int


def load_plan_settings(path: Path, counts: Mapping[str, int]) -> PlanSettings:
    """Return the settings, for so many images of each part. Raises StrataError where they do not fit."""
    mode = load_section(path, "reproducible", Reproducible)
    train, extract = load_section(path, "train", TrainParams), load_section(path, "extract", ExtractParams)
    check_portable(mode, train.device, train.precision)
    check_portable(mode, extract.device)
    mapped = sum(counts[part] for part in PARTS[extract.split])
    measured = load_settings(path, mapped, load_section(path, "layers", Layers))
    return PlanSettings(
        train=train,
        replicate=load_section(path, "replicate", ReplicateParams),
        extract=extract,
        measured=measured,
        report=load_section(path, "report", ReportParams),
        embedder=measured.embed.embedder(mode),
        mapped=mapped,
    )
