"""What README, CONTRIBUTING and docs/ tell people to type is run here, or says why not; what it names exists."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from strata.artifacts.activations import read_activations
from strata.artifacts.samples import read_samples
from tests.documents import DOCUMENTS, LANGUAGES, LISTING, Block, blocks_of, commands_of, problem_of
from tests.tiny_pipeline import ROOT

TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
ELSEWHERE = {"docs/experiments.md"}  # run by tests/commands/test_experiments_page.py, in a repository with experiments
BLOCKS = [block for name, text in TEXTS.items() for block in blocks_of(name, text)]
RUN = {
    name: [block for block in BLOCKS if block.document == name and block.language in LANGUAGES and not block.reason]
    for name in DOCUMENTS
    if name not in ELSEWHERE
}
COMMANDS = ("make", "dvc", "python")


@pytest.fixture(scope="module")
def project(tiny_run, tmp_path_factory):
    """A project's folder whose pipeline has run on tiny data."""
    folder = tmp_path_factory.mktemp("documents") / "project"
    shutil.copytree(tiny_run, folder)
    for name in ("strata", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def run_block(block: Block, folder) -> dict:
    """Run a block in a folder; return the names that its Python has given."""
    names: dict = {"__name__": "__main__"}
    if block.language == "python":
        exec(compile(block.text, str(block), "exec"), names)  # noqa: S102 - that is what the test is for
        return names
    # READY is the set-up of .venv and PY its Python, here this environment's.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-e", "-c", block.text],
        cwd=folder,
        env=environment | {"MAKEFLAGS": "READY= PY=python"},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"
    return names


@pytest.fixture(scope="module")
def results(project):
    """By document, the names that its blocks have given, run in order in the project's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return {name: [run_block(block, project) for block in blocks] for name, blocks in RUN.items()}


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_of_a_known_language(block):
    assert block.language in {*LANGUAGES, LISTING}
    if block.language == LISTING:
        assert not [line for line in block.text.splitlines() if line.startswith(("$ ", *(f"{c} " for c in COMMANDS)))]


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "sh"], ids=str)
def test_the_projects_commands_exist_and_take_what_is_written(block):
    commands = commands_of(block.text)
    assert commands
    known = [words for words in commands if words[0] in COMMANDS or not block.reason]
    assert [problem for words in known if (problem := problem_of(words))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_in_the_text_exist(name):
    text = re.sub(r"^```.*?^```", "", TEXTS[name], flags=re.DOTALL | re.MULTILINE)
    spans = [span for span in re.findall(r"`([^`\n]+)`", text) if re.match(r"(make|dvc|python -m) \S", span)]
    assert [problem for span in spans for words in commands_of(span) if (problem := problem_of(words))] == []


def test_all_others_run(results):
    assert {name for name, names in results.items() if names} == {
        "README.md",
        "docs/interoperability.md",
        "docs/your_own_network.md",
    }


def test_the_readme_reads_a_layer_six_ways(results, project):
    expected = read_activations(project / "data/activations/h4.parquet").values
    assert expected.shape == (40, 4) and expected.any()
    first_screen, with_strata, pandas, polars, tensor, duckdb, _ = results["README.md"]
    np.testing.assert_array_equal(with_strata["h4"].values, expected)
    for values in (first_screen["h4"], pandas["h4"], polars["h4"], tensor["h4"].numpy()):
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, expected)
    labels = read_samples(project / "data/activations/samples.parquet")[0].label
    means = [expected[labels == label].sum(axis=1).mean() for label in range(10)]
    assert duckdb["activity"]["label"].tolist() == list(range(10))
    np.testing.assert_allclose(duckdb["activity"]["activity"], means, rtol=1e-5)


def test_the_exports_arrays_are_read_as_the_document_does(results, project):
    _, names = results["docs/interoperability.md"]
    np.testing.assert_array_equal(names["h4"], read_activations(project / "data/activations/h4.parquet").values)
    assert names["h4_map"].shape == (40, 2) and names["images"].shape == (40, 16, 16)
    assert names["samples"]["sample_id"].tolist() == list(range(40))
    assert names["h4"].reshape(-1, *names["about"]["layers"]["h4"]).shape == (40, 4, 1, 1)


def test_the_documents_network_is_one(results):
    network = results["docs/your_own_network.md"][0]["Small"](image_shape=(1, 4, 4), classes=3)
    assert network(torch.zeros(2, 1, 4, 4)).shape == (2, 3)


def test_blocks_are_found_with_their_marks():
    text = 'a\n<!-- not run: slow -->\n```sh\nmake x\n```\n\n```python\nx = "```"\n```\n````\n```sh\n````\n'
    found = [(block.line, block.language, block.text, block.reason) for block in blocks_of("a.md", text)]
    assert found == [(3, "sh", "make x", "slow"), (7, "python", 'x = "```"', None), (10, "", "```sh", None)]


@pytest.mark.parametrize("mark", ["<!-- not run: -->", "<!-- not run -->", "<!-- a remark -->", ""])
def test_a_mark_without_a_reason_is_none(mark):
    assert blocks_of("a.md", f"{mark}\n```sh\nmake x\n```\n")[0].reason is None


def test_commands_are_split_as_a_shell_does():
    text = (
        "A=1 make repro  # words\ndvc exp run -S 'a.b=[1, 2]'; dvc dag && make x B=<it's one>\nmake a \\\n  b\n# none"
    )
    assert commands_of(text) == [
        ["make", "repro"],
        ["dvc", "exp", "run", "-S", "a.b=[1, 2]"],
        ["dvc", "dag"],
        ["make", "x", "B=placeholder"],
        ["make", "a", "b"],
    ]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("make reproduce", "the Makefile has no target reproduce"),
        ("make export LAYER=h4", "the Makefile knows no LAYER"),
        ("dvc exp rum", "dvc knows no exp rum"),
        (
            "dvc exp run -S dataset.name=kmnist -S dataset.image_side=32",
            "dataset.name=kmnist dataset.image_side=32: Value error, image_side",
        ),
        ("dvc exp run --quickly", "dvc knows no exp run --quickly"),
        ("dvc exp run -S train.epoch=1", "params.yaml has no train.epoch"),
        ("dvc exp run -S train.epochs=0.5", "train.epochs=0.5: Input should be a valid integer"),
        ("dvc exp run --queue -S embed.perplexity=5,many", "embed.perplexity=many: Input should be a valid number"),
        ("dvc exp run -S embed.perplexity=5,100", "embed.perplexity=5,100: several values need --queue"),
        ("dvc exp run -S network.argument.hidden=[9]", "params.yaml has no network.argument.hidden"),
        ("dvc exp run -S ~network.outputs", "~network.outputs: Field required"),
        ("dvc exp run -S network.arguments={hidden:[9]}", "network.arguments={hidden:[9]}: Could not override"),
        ("dvc exp run -S layers=[h1,h1]", "layers=[h1,h1]: Value error, each layer may be named once"),
        ("python -m strata.exporter", "no module strata.exporter"),
        ("rm -rf data", "no rule for 'rm'"),
    ],
)
def test_what_the_project_does_not_know_is_named(command, problem):
    assert problem_of(commands_of(command)[0]).startswith(problem)
