"""dvc.yaml, params.yaml, the stage scripts and the schemas say the same."""

import ast
import importlib
import shlex
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import modify_yaml

from strata.core.params import Section
from strata.maps.embedders import EMBEDDERS
from tests.pipeline_paths import named_paths, outputs, schema_of
from tests.tiny_pipeline import ROOT
from tools.stage_packages import code_deps, imported_files

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
    schema = schema_of(section)
    assert issubclass(schema, Section)
    left_out = set(EMBEDDERS) - set(PARAMS[section]) if section == "embed" else set()  # a method's settings may be
    assert [name for name in schema.model_fields if name not in left_out] == list(PARAMS[section])


@pytest.mark.parametrize("method", sorted(set(EMBEDDERS) & set(PARAMS["embed"])))
def test_a_method_of_section_embed_has_exactly_its_keys_with_its_defaults(method):
    schema, given = EMBEDDERS[method], PARAMS["embed"][method]
    assert list(schema.model_fields) == list(given)
    assert schema().model_dump() == given


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_imports_only_from_the_packages_that_its_deps_list(name):
    listed = {path for path in named_paths(STAGES[name]["deps"]) if not path.startswith(("data/", "reports/"))}
    assert listed == set(code_deps(Path("stages", f"{name}.py"), ROOT)), "run `make deps`"


def test_the_code_in_the_deps_takes_at_most_sixty_lines():
    assert sum(len(code_deps(Path("stages", f"{name}.py"), ROOT)) for name in STAGES) <= 60


@pytest.mark.parametrize("name", STAGES)
def test_the_command_runs_the_script_and_names_the_folders(name):
    """tests/stages/test_contract.py runs it with its deps alone, and sees what it writes."""
    words = shlex.split(STAGES[name]["cmd"])
    assert words[:3] == ["python", "-m", f"stages.{name}"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert set(options) == ({"--out"} if name == "download" else {"--data", "--out"})
    assert all(path.startswith((f"{options['--data']}/", "reports/")) for path in data_dependencies(STAGES[name]))
    assert all(path.startswith((options["--out"], "reports/")) for path in outputs(STAGES[name]))
    assert len(STAGES[name]["cmd"]) < 70 and "$" not in STAGES[name]["cmd"]


@pytest.mark.parametrize("name", STAGES)
def test_tracked_sections_are_those_that_the_script_loads(name):
    stage = importlib.import_module(f"stages.{name}")
    # All but download are thin callers of one function, which loads the sections.
    script = ast.parse(Path(stage.__file__).read_text(encoding="utf-8"))
    modules = {str(node.module) for node in ast.walk(script) if isinstance(node, ast.ImportFrom)}
    bodies = [each for each in modules if each.startswith("strata.") and each.split(".")[1] not in ("core", "jobs")]
    (body,) = [stage] if name == "download" else [importlib.import_module(each) for each in bodies]
    tree = ast.parse(Path(body.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    loaded = {ast.literal_eval(call.args[1]) for call in calls if call.func.id == "load_section"}
    if any(call.func.id == "sections_as_text" for call in calls):
        loaded |= set(body.SECTIONS)
    # After extract, the layers are those of params.yaml or the proposed ones.
    read = {call.func.id for call in calls} | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    loaded |= {"layers"} if read & {"layers_of_run", "chosen_layers"} else set()
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
    for path in ROOT.glob("strata/*/**/__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant), path


def test_the_file_of_the_stages_only_puts_off_garbage_and_refuses_another_python():
    """It is in no stage's deps, so nothing in it may change a result."""
    body = ast.parse((ROOT / "stages/__init__.py").read_text(encoding="utf-8")).body
    assert [type(node) for node in body] == [ast.Expr, ast.Import, ast.Import, ast.ImportFrom, ast.If, ast.If]
    assert ast.unparse(body[4]).splitlines()[1:] == ["    gc.disable()"]
    assert ast.unparse(body[5]).splitlines()[1].startswith("    sys.exit(")


def test_the_library_has_few_files_at_its_top():
    assert len([path for path in (ROOT / "strata").iterdir() if path.is_file()]) <= 3


# Each package may import from those before it.
FLOORS = ("core", "jobs", "dataset", "artifacts", "sources", "network", "training", "maps", "measures", "report")
FLOORS += ("commands",)


def test_every_package_has_its_floor():
    assert {path.parent.name for path in (ROOT / "strata").glob("*/__init__.py")} == set(FLOORS)


@pytest.mark.parametrize("package", FLOORS)
def test_a_package_imports_only_from_those_below_it(package):
    for path in (ROOT / "strata" / package).rglob("*.py"):
        imported = {
            node.module.split(".")[1]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("strata.")
        }
        assert imported <= set(FLOORS[: FLOORS.index(package) + 1]), path


def test_the_report_knows_no_method():
    files = imported_files(Path("stages/report.py"), ROOT)
    packages = {path.parts[1] for path in files if path.parts[0] == "strata" and len(path.parts) > 2}
    assert packages == {"core", "jobs", "dataset", "artifacts", "report"}


def test_dvc_would_write_the_file_as_it_is(tmp_path):
    """`dvc freeze` and the like rewrite dvc.yaml: they should change one line."""
    copy = tmp_path / "dvc.yaml"
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    copy.write_text(text, encoding="utf-8")
    with modify_yaml(str(copy)) as content:
        content["stages"]["train"]["frozen"] = True
    assert copy.read_text(encoding="utf-8").replace("    frozen: true\n", "") == text
