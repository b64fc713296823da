"""Strata as a package in an environment that people have: whole, away from the project, without DVC."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.tiny_pipeline import ROOT

# What only the extras `dvc` and `maps` bring is not to be found.
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"dvc", "dvc_data", "requests", "tenacity", "distributed", "mlxtend", "torchvision",
                                  "umap", "pacmap", "openTSNE", "stages", "networks", "tests"}:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Absent())
"""
# No `if __name__ == "__main__"`: scripts of users rarely have it.
SCRIPT = """
import torch, strata
from pathlib import Path
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
inputs = torch.randn(40, 4)
run = strata.observe(model, [(inputs, torch.arange(40) % 3)], {"hidden": "1", "output": "2"})
run.embed(perplexity=4, iterations=100, early_exaggeration_iterations=150)
run.measure(half_samples=2, stability_samples=24, stability_iterations=100, stability_exaggeration_iterations=150)
page = run.page("report.html", dpi=50)
print(Path(strata.__file__).parent, page.stat().st_size > 100_000, sorted(strata.open_run("run").layers))
try:
    strata.open_run("run", "HEAD").samples
except strata.StrataError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The Python of a new environment with the wheel of this project, which sees the packages of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    shutil.copytree(ROOT / "strata", source / "strata", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True)
    venv.create(folder / "venv")
    (wheel,) = folder.glob("strata-*.whl")
    own = folder / "venv/bin/python"
    subprocess.run([*pip, "--python", own, "install", "--no-deps", "--no-index", wheel], check=True)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    (packages / "here.pth").write_text(f"{sysconfig.get_paths()['purelib']}\nimport without\n", encoding="utf-8")
    (packages / "without.py").write_text(WITHOUT, encoding="utf-8")
    shutil.rmtree(source)
    return own


def test_a_script_observes_its_own_network(python, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run([python, "script.py"], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    package, *told = done.stdout.splitlines()[0].split(maxsplit=1)
    assert Path(package).is_relative_to(python.parent.parent)
    assert told == ["True ['hidden', 'output']"]
    assert done.stdout.splitlines()[1] == "a revision is read by DVC, and 'dvc' is missing: pip install 'strata[dvc]'"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "run", "script.py"]


def test_only_one_package_is_installed(python):
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "show", "-f", "strata"],
        text=True,
        capture_output=True,
        check=True,
    )
    files = [line.strip() for line in listing.stdout.partition("Files:\n")[2].splitlines()]
    assert {name.split("/")[0].partition("-")[0] for name in files} == {"strata"}
    assert {Path(name).suffix for name in files} >= {".py", ".html", ".css", ".js", ".yaml"}
