"""The params.yaml that `dvc exp run -S` produces, by DVC's own code, and the schemas' verdict on it."""

import tempfile
from pathlib import Path
from typing import Any

import yaml
from dvc.exceptions import InvalidArgumentError
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps, to_hydra_overrides
from pydantic import TypeAdapter, ValidationError

from fuzz.params import schemas
from tests.tiny_pipeline import ROOT

PARAMS = ROOT / "params.yaml"


def runs_of(settings: list[str]) -> list[list[str]]:
    """Return the settings of each run: one list, or several where a value is several, `embed.perplexity=5,100`."""
    if not any(override.is_sweep_override() for override in to_hydra_overrides(settings)):
        return [settings]
    return [run["params.yaml"] for run in get_hydra_sweeps({"params.yaml": settings})]


def overridden(settings: list[str]) -> dict[str, Any]:
    """Return params.yaml with the settings of one run. Raises InvalidArgumentError where DVC refuses them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_bytes(PARAMS.read_bytes())
        apply_overrides(path, settings)
        return yaml.safe_load(path.read_text(encoding="utf-8"))


def section_of(params: dict[str, Any], section: str) -> Any:
    """Return a section, validated. Raises ValidationError."""
    return TypeAdapter(schemas()[section]).validate_python(params[section])


def settings_problem(settings: list[str], queue: bool) -> str | None:
    """Return why DVC or the schemas refuse the settings of `dvc exp run`, None if they do not."""
    known = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    for key in (setting.partition("=")[0] for setting in settings if not setting.startswith("+")):
        place: Any = known
        for name in key.removeprefix("~").split("."):
            place = place.get(name, KeyError) if isinstance(place, dict) else KeyError
        if place is KeyError:
            return f"params.yaml has no {key}"
    runs = runs_of(settings)
    if len(runs) > 1 and not queue:
        return f"{' '.join(settings)}: several values need --queue"
    for run in runs:
        try:
            params = overridden(run)
            for section in known:
                section_of(params, section)
        except InvalidArgumentError as error:
            return f"{' '.join(run)}: {error.__cause__}"
        except ValidationError as error:
            return f"{' '.join(run)}: {error.errors()[0]['msg']}"
    return None
