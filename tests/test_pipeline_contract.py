"""dvc.yaml, params.yaml, the stage scripts and the schemas say the same."""

import ast
import importlib
import shlex

import pytest
import yaml

from strata.params.section import Section
from tests.pipeline_paths import named_paths, outputs
from tests.project_imports import imported_files
from tests.tiny_pipeline import ROOT

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = PIPELINE["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
SHARED_SECTIONS = {"seed", "reproducible", "dataset", "network", "layers"}


def data_dependencies(stage: dict) -> list[str]:
    return [path for path in named_paths(stage["deps"]) if path.startswith(("data/", "reports/"))]


def test_every_stage_has_a_script_a_section_and_every_section_a_stage_or_sharers():
    scripts = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert set(STAGES) == scripts
    assert set(PARAMS) == scripts | SHARED_SECTIONS


@pytest.mark.parametrize("section", sorted(set(PARAMS) - {"seed", "reproducible", "layers"}))
def test_every_section_has_a_schema_of_its_name_with_exactly_its_keys(section):
    schema = getattr(importlib.import_module(f"strata.params.{section}"), f"{section.title()}Params")
    assert issubclass(schema, Section)
    assert list(schema.model_fields) == list(PARAMS[section])


@pytest.mark.parametrize("name", STAGES)
def test_deps_list_exactly_the_imported_files(name):
    listed = {path for path in named_paths(STAGES[name]["deps"]) if not path.startswith(("data/", "reports/"))}
    needed = {path.as_posix() for path in imported_files((ROOT / "stages" / f"{name}.py").relative_to(ROOT), ROOT)}
    assert listed == needed, "run `make deps`"


@pytest.mark.parametrize("name", STAGES)
def test_the_command_runs_the_script_and_names_every_path(name):
    words = shlex.split(STAGES[name]["cmd"])
    assert words[:3] == ["python", "-m", f"stages.{name}"]
    paths = {word for word in words[3:] if not word.startswith("--")}
    assert paths == {*data_dependencies(STAGES[name]), *outputs(STAGES[name])}
    assert "$" not in STAGES[name]["cmd"]


@pytest.mark.parametrize("name", STAGES)
def test_tracked_sections_are_those_that_the_script_loads(name):
    tree = ast.parse((ROOT / "stages" / f"{name}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    loaded = {ast.literal_eval(call.args[1]) for call in calls if call.func.id == "load_section"}
    if any(call.func.id == "sections_as_text" for call in calls):
        loaded |= set(importlib.import_module(f"stages.{name}").TOLD)
    assert set(STAGES[name]["params"]) == loaded


@pytest.mark.parametrize("name", STAGES)
def test_no_output_turns_the_run_cache_off(name):
    for entry in STAGES[name].get("outs", []):
        assert isinstance(entry, str), f"{entry}: persist or cache: false on an out turns the run cache off"
    assert "always_changed" not in STAGES[name]


def test_data_flows_one_way():
    made: set[str] = set()
    for stage in STAGES.values():
        assert set(data_dependencies(stage)) <= made
        assert not made & set(outputs(stage))
        made |= set(outputs(stage))


def test_package_files_hold_words_only():
    for path in [*ROOT.glob("strata/**/__init__.py"), *ROOT.glob("stages/__init__.py")]:
        assert path.relative_to(ROOT) not in imported_files(path.relative_to(ROOT), ROOT), path
