"""All stages on a user's own data, in one folder, with quick settings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stages import download, report
from strata.artifacts.run import RunArtifacts
from strata.core.paths import Paths
from strata.jobs import pool
from tests.jobs.pool_jobs import PoolHere
from tests.tiny_pipeline import TINY_PARAMS, run_embed, run_extract, run_measure, run_replicate, run_train

QUICK: dict[str, Any] = {
    "replicate": {"networks": 1},
    "embed": {"perplexity": 4, "iterations": 100, "early_exaggeration_iterations": 150},
    "measure": {
        "samples": 40,
        "neighbours": 4,
        "half_samples": 2,
        "stability_samples": 24,
        "stability_perplexities": [3],
        "stability_iterations": 100,
        "stability_exaggeration_iterations": 150,
    },
    "report": {"page_samples": 40},
}


def write_params(folder: Path, data: Path, **changes: Any) -> Path:
    """Write params.yaml for data at a path, with sections changed."""
    values = {name: ({**section} if isinstance(section, dict) else section) for name, section in TINY_PARAMS.items()}
    values["dataset"]["name"] = str(data)
    for table in (QUICK, changes):
        for name, change in table.items():
            if isinstance(change, dict) and isinstance(values[name], dict) and name != "layers":
                values[name] = {**values[name], **change}
            else:
                values[name] = change
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


def run_stages(folder: Path, data: Path, **changes: Any) -> RunArtifacts:
    """Run all stages in `folder` and return the run."""
    params, out = write_params(folder, data, **changes), folder / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "Pool", PoolHere)
        download.main(["--params", str(params), "--out", str(out / "raw")])
        run_train(params, out / "raw", out)
        run_replicate(params, out / "raw", out)
        run_extract(params, out / "raw", out)
        run_embed(params, out)
        run_measure(params, out)
        (out / "reports").rename(folder / "reports")
        report.main(["--params", str(params), "--data", str(out), "--out", str(folder / "reports")])
    return RunArtifacts(Paths.of(out, folder / "reports"), params)


def noisy_bars(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 (n, 16, 16), and the row of the bright bar in each, from 3 to 12."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (count, 16, 16), dtype=np.uint8)
    rows = 3 + np.arange(count) % 10
    images[np.arange(count), rows] = 200
    return images, rows
