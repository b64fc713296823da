"""The times in training whose weights were kept: their names, in epochs, and where their artifacts lie."""

import math
from pathlib import Path

from strata.errors import StrataError

CHECKPOINTS = "checkpoints"


def kept_weights(folder: Path) -> dict[str, Path]:
    """Return time in epochs -> file of weights, in order, of the train stage's folder of checkpoints."""
    return _in_order({path.stem if path.suffix == ".pt" else path.name: path for path in _visible(folder)}, folder)


def kept_folders(folder: Path) -> dict[str, Path]:
    """Return time in epochs -> its folder below a stage's folder, in order; empty where no weights were kept."""
    inside = folder / CHECKPOINTS
    return _in_order({path.name: path for path in _visible(inside)}, inside) if inside.exists() else {}


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _in_order(found: dict[str, Path], folder: Path) -> dict[str, Path]:
    for name in found:
        try:
            known = 0 <= float(name) < math.inf
        except ValueError:
            known = False
        if not known:
            raise StrataError(f"{folder}: '{name}' is no time in epochs; run `dvc repro -f train`")
    return dict(sorted(found.items(), key=lambda entry: float(entry[0])))
