"""The finder of imports that the contract test relies on, and the tool that writes them into dvc.yaml."""

from pathlib import Path

import pytest

from tests.tiny_pipeline import ROOT
from tools.stage_packages import code_deps, imported_files, with_current_deps


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one stage, which imports package `sub`, and by way of it `low` and the networks."""
    for folder in ("stages", "strata/sub", "strata/low", "strata/network", "strata/unused"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").write_text('"""Only words."""\n')
    (tmp_path / "strata/__init__.py").write_text("def __getattr__(name):\n    pass\n")
    (tmp_path / "strata/sub/a.py").write_text("def f():\n    import strata.low.b\n")
    (tmp_path / "strata/low/b.py").write_text("import numpy\nfrom strata.network import make\n")
    (tmp_path / "strata/network/make.py").write_text("import torch\n")
    (tmp_path / "strata/unused/c.py").write_text("from strata.sub.a import f\n")
    (tmp_path / "stages/one.py").write_text("from strata.sub.a import f\n")
    return tmp_path


def test_imports_are_followed_through_modules_and_functions(project):
    found = {path.as_posix() for path in imported_files(Path("stages/one.py"), project)}
    modules = {path for path in found if not path.endswith("__init__.py")}
    assert modules == {"stages/one.py", "strata/sub/a.py", "strata/low/b.py", "strata/network/make.py"}


def test_code_deps_are_the_script_its_packages_and_the_networks(project):
    expected = ["networks", "stages/one.py", "strata/low", "strata/network", "strata/sub"]
    assert code_deps(Path("stages/one.py"), project) == expected


def test_the_lists_are_written_anew_and_nothing_else_changes(project):
    pipeline = "stages:\n  one:\n    cmd: x\n    deps:\n    - data/raw\n    - strata/unused\n    outs:\n    - stages\n"
    deps = "".join(f"    - {path}\n" for path in code_deps(Path("stages/one.py"), project))
    expected = f"stages:\n  one:\n    cmd: x\n    deps:\n{deps}    - data/raw\n    outs:\n    - stages\n"
    assert with_current_deps(pipeline, project) == expected


def test_dvc_yaml_is_as_the_tool_writes_it():
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert with_current_deps(text, ROOT) == text, "run `make deps`"
