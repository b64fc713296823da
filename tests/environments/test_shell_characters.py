"""A parameter is never a command: characters that a shell acts on, in every parameter that is text, run nothing."""

import copy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fuzz.params import schemas
from stages import download
from strata.core.errors import StrataError
from strata.core.params import load_section
from strata.sources.catalogue import Published
from tests.environments.small_clone import environment, run, skip_without_git
from tests.tiny_pipeline import ROOT, run_embed, run_extract

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
EVIL = [
    "$(touch PWNED)",
    "; touch PWNED",
    "`touch PWNED`",
    "| touch PWNED #",
    "&& touch PWNED",
    "' ; touch PWNED ; '",
    '" ; touch PWNED ; "',
    "\ntouch PWNED\n",
    "${PATH} $((1)) > PWNED",
    "../PWNED",
    "--out=PWNED",
]


def texts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every text in the params; a list without items could hold one."""
    if isinstance(value, str):
        yield place
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from texts(part, (*place, key))
    elif isinstance(value, list):
        yield from [(*place, 0)] if not value else texts(value[0], (*place, 0))


PLACES = list(texts(PARAMS))
# Names of files and of layers, which may be any text, and a section that refuses none of these texts elsewhere.
FREE = [("dataset", "mirrors", 0), ("dataset", "name"), ("train", "freeze", 0), ("embed", "initialization_layer")]


def with_text(place: tuple[Any, ...], text: str) -> dict[str, Any]:
    """Return the project's params with another text in a place."""
    params = copy.deepcopy(PARAMS)
    part = params
    for key in place[:-1]:
        part = part[key]
    if isinstance(part, list):
        part[:] = [text, *part[1:]]
    else:
        part[place[-1]] = text
    return params


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder in which no PWNED may appear, nor beside it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "work"
    assert not list(tmp_path.rglob("PWNED*"))


def test_the_parameters_that_are_text_are_all_tried():
    assert {".".join(map(str, place)) for place in PLACES} >= {
        *("dataset.name", "dataset.mirrors.0", "layers.0", "train.precision", "train.device", "extract.split"),
        *("extract.device", "embed.engine", "embed.learning_rate", "embed.initialization_layer", "measure.device"),
    }


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_loading_runs_nothing_and_refuses_what_is_not_free_text(place, folder):
    for text in EVIL:
        (folder / "params.yaml").write_text(yaml.safe_dump(with_text(place, text)), encoding="utf-8")
        for name, schema in schemas().items():
            try:
                load_section(folder / "params.yaml", name, schema)
            except StrataError as error:
                assert name == place[0] and len(str(error).splitlines()) == 1
            else:
                assert name != place[0] or place in FREE


@pytest.mark.parametrize("text", [text for text in EVIL if text.isprintable()])
def test_a_mirror_is_a_folder_by_that_very_name(text, folder, write_params, monkeypatch, capsys):
    monkeypatch.setattr(download, "published", lambda _: Published((), {}))
    params = write_params(dataset={"name": "mnist", "mirrors": [text]})
    with pytest.raises(StrataError, match=r"^no source has a valid "):
        download.main(["--params", str(params), "--out", str(folder / "data" / "raw")])
    assert capsys.readouterr().err == f"download: {text}: train-images-idx3-ubyte: no such folder\n"
    assert [path.name for path in folder.rglob("*")] == ["data", "raw"]


def test_a_layers_name_is_told_not_run(extracted, folder, tiny_data, write_params):
    for text in EVIL:
        with pytest.raises(StrataError, match=r"embed.initialization_layer '(.|\n)*' is not among the layers"):
            run_embed(write_params(embed={"initialization_layer": text}), extracted)
        with pytest.raises(StrataError, match=r"layers: a layer's name has letters"):
            run_extract(write_params(layers=[text]), tiny_data, folder)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Git repository of the pipeline and its code, in which nothing has run."""
    skip_without_git()
    folder = tmp_path_factory.mktemp("pipeline")
    names = ("dvc.yaml", "params.yaml", ".gitignore", ".dvc", "stages", "strata")
    files = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *names, folder=ROOT)
    for name in filter(None, files.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    run("git", "init", "--quiet", folder=folder)
    run("git", "add", "--all", folder=folder)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    run("git", *identity, "commit", "--quiet", "--message", "before any run", folder=folder)
    return folder


def test_dvc_runs_the_stage_and_not_the_parameter(pipeline):
    before = (pipeline / "params.yaml").read_bytes()
    try:
        for text in ("$(touch PWNED)", "'; touch PWNED; '"):
            (pipeline / "params.yaml").write_text(yaml.safe_dump(with_text(("dataset", "name"), text)))
            command = [sys.executable, "-m", "dvc", "repro", "--single-item", "download"]
            done = subprocess.run(command, cwd=pipeline, capture_output=True, text=True, env=environment())
            assert done.returncode != 0
            assert "error: params.yaml: dataset.name: should be mnist-5k" in done.stderr
            assert not list(pipeline.rglob("PWNED*"))
    finally:
        (pipeline / "params.yaml").write_bytes(before)


def test_dvc_plans_an_experiment_with_such_parameters_and_runs_nothing(pipeline):
    before = (pipeline / "params.yaml").read_bytes()
    changes = [
        "dataset.name='$(touch PWNED)'",
        "dataset.mirrors=['`touch PWNED`','; touch PWNED']",
        "embed.initialization_layer='&& touch PWNED'",
    ]
    words = [word for change in changes for word in ("-S", change)]
    planned = run("dvc", "exp", "run", "--dry", *words, "--single-item", "download", folder=pipeline)
    assert "> python -m stages.download --out data/raw\n" in planned
    assert not list(pipeline.rglob("PWNED*"))
    (pipeline / "params.yaml").write_bytes(before)


def test_no_command_takes_anything_from_the_params():
    content = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert "${" not in content
    for stage in yaml.safe_load(content)["stages"].values():
        assert not set(stage["cmd"]) & set("$`;|&<>(){}*?~!\\'\"\n")
