"""An embedder is one file and one row: CONTRIBUTING.md's recipe, followed in a copy of the project, draws every map."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from strata.artifacts.activations import read_activations
from strata.artifacts.maps import read_map
from tests.documents import blocks_of
from tests.tiny_pipeline import ROOT

CODE = ("strata", "stages", "networks", "tests")
LAYERS = ["input", "h4", "h6"]
# One process, so that what takes long is imported once.
EMBED = """
from pathlib import Path
from strata.jobs import pool
from tests.jobs.pool_jobs import PoolHere
from stages import embed
pool.Pool = PoolHere
embed.main([])
"""
THE_REST = """
from stages import measure, report
from tests.stages.test_report import draw_for_the_page
report.run_jobs = draw_for_the_page
measure.main([])
report.main([])
"""


def recipe() -> tuple[str, str, str]:
    """Return the recipe's file, and its row's import and entry."""
    blocks = blocks_of("CONTRIBUTING.md", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    file, row = [block.text for block in blocks if block.language == "python" and "omponents" in block.text]
    imported, entry = row.split("\n\n")
    return file, imported, entry


@pytest.fixture(scope="module")
def project(tiny_run, tmp_path_factory):
    """A copy of the project with the recipe's two files, where embed, measure and report have run with the method."""
    folder = tmp_path_factory.mktemp("new embedder") / "project"
    shutil.copytree(tiny_run, folder)
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    file, imported, entry = recipe()
    (folder / "strata/maps/components.py").write_text(file + "\n", encoding="utf-8")
    registry = folder / "strata/maps/embedders.py"
    text = registry.read_text(encoding="utf-8").replace(
        "from strata.maps.embedder import", f"{imported}\nfrom strata.maps.embedder import"
    )
    registry.write_text(text.replace('    "tsne": Tsne,\n', f'    "tsne": Tsne,\n{entry}\n'), encoding="utf-8")
    set_embed(folder, method="components")
    run(folder, EMBED + THE_REST)
    return folder


def set_embed(folder, **changes):
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    params["embed"] |= changes
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def run(folder, code):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_but_the_two_files_was_edited(project):
    changed = {
        path.relative_to(project).as_posix()
        for name in CODE
        for path in (project / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
        if not (there := ROOT / path.relative_to(project)).exists() or path.read_bytes() != there.read_bytes()
    }
    assert changed == {"strata/maps/components.py", "strata/maps/embedders.py"}


def test_every_map_is_the_new_methods(project):
    for layer in LAYERS:
        found = read_map(project / f"data/embeddings/{layer}.parquet")
        assert (found.method.name, found.method.title) == ("components", "PCA")
        assert found.settings == {"whiten": "False", "initialization_layer": "input"}
        values = read_activations(project / f"data/activations/{layer}.parquet").values.astype(float)
        singular = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)[:2]
        np.testing.assert_allclose(np.linalg.svd(found.points, compute_uv=False), singular, rtol=1e-3)
    metrics = json.loads((project / "reports/embedding.json").read_text(encoding="utf-8"))
    assert metrics == {"samples": 40}


def test_the_page_tells_of_the_new_method_and_of_no_other(project):
    page = (project / "reports/index.html").read_text(encoding="utf-8")
    assert "How to read PCA maps" in page and "t-SNE maps" not in page
    assert "Points that differ in other directions only lie on one another." in page
    assert "depends on the perplexity" not in page
    assert "There is no KL divergence of the maps: only t-SNE has one, and these maps are by PCA." in page
    assert "PCA has no perplexity" in page
    assert "<td>PCA</td>" in page


def test_its_settings_are_checked_as_all_are(project, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    set_embed(folder, components={"whiten": True})
    run(folder, EMBED)
    found = read_map(folder / "data/embeddings/h4.parquet")
    assert found.settings == {"whiten": "True", "initialization_layer": "input"}
    np.testing.assert_allclose(found.points.std(axis=0), 1, rtol=1e-3)
    set_embed(folder, components={"whitened": True})
    stage = [sys.executable, "-m", "stages.embed", "--out", "x"]
    done = subprocess.run(stage, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 1
    assert done.stderr.strip() == ("error: params.yaml: embed.components.whitened: unknown key; did you mean 'whiten'?")
