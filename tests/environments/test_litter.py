"""What editors, Python and desktops leave in the folders of code does not count as code: no stage runs again for it."""

import json

from tests.environments.small_clone import run

LITTER = [
    "__pycache__/probe.cpython-311.pyc",
    ".probe.py.swp",
    ".probe.py.swo",
    "probe.py~",
    "#probe.py#",
    ".#probe.py",
    ".DS_Store",
    "._probe.py",
    "Thumbs.db",
    ".ipynb_checkpoints/probe-checkpoint.py",
    ".mypy_cache/3.11/probe.data.json",
    ".ruff_cache/0.1/1",
    ".pytest_cache/README.md",
    ".idea/workspace.xml",
    ".vscode/settings.json",
    "probe.py.orig",
    "probe.py.rej",
    "probe.py.bak",
]


def test_litter_in_the_folders_of_code_changes_no_stage(project):
    for folder in ("networks", "strata/core", "strata/measures", "strata/report/page"):
        for name in LITTER:
            path = project / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("left behind\n", encoding="utf-8")
    assert json.loads(run("dvc", "status", "--json", folder=project)) == {}


def test_a_new_file_of_code_does_change_them(project):
    path = project / "strata/measures/new.py"
    path.write_text('"""New."""\n', encoding="utf-8")
    assert set(json.loads(run("dvc", "status", "--json", folder=project))) == {"measure"}
