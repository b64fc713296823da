"""The guided exercise: the notebook is what its text form gives, and runs in a plain kernel on whatever a run left."""

import html
import json
import re
import shutil
import sys
import warnings
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from strata.artifacts.samples import read_samples
from strata.report.page.figure_list import FIGURES
from tests.documents import blocks_of, commands_of, problem_of
from tests.tiny_pipeline import ROOT, run_tiny_project
from tools.notebook import NOTEBOOK, TEXT, notebook_bytes, notebook_of

CELLS = notebook_of(TEXT.read_text(encoding="utf-8")).cells
PROSE = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
HIDDEN = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
FIRST_CLASS = '0 <i>"nought"</i>'  # a name that must be escaped


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project's folder with its code, whose pipeline has run on tiny data in all seven layers."""
    folder = tmp_path_factory.mktemp("an exercise") / "project"
    run_tiny_project(folder, [FIRST_CLASS, *"123456789"])
    for name in ("strata", "networks", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def executed(project, tmp_path_factory):
    """The notebook's cells after a run in a kernel of its own, started in docs/ as Jupyter does."""
    notebook = nbformat.read(project / "docs" / NOTEBOOK.name, as_version=4)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))  # not the user's own kernels and settings
        resources = {"metadata": {"path": str(project / "docs")}}
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    return notebook.cells


def shown(cell, kind: str) -> list[str]:
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


@pytest.fixture(scope="module")
def answers(executed):
    """The answers' texts, as read, in their order."""
    pages = [page for cell in executed if cell.cell_type == "code" for page in shown(cell, "text/html")]
    return [
        html.unescape(re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.S))
        for page in pages
        if "<details>" in page
    ]


def test_the_notebook_is_what_its_text_form_gives():
    text = TEXT.read_text(encoding="utf-8")
    assert NOTEBOOK.read_bytes() == notebook_bytes(text), "run `make notebook`"
    assert notebook_bytes(text) == notebook_bytes(text)


def test_cells_hold_no_outputs_and_have_ids_of_their_own():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_a_cells_id_changes_with_its_source_only():
    first, second = (notebook_of(text).cells for text in ("# %%\na = 1\n\n# %%\nb = 2\n", "# %%\nb = 2\n"))
    assert first[1].id == second[0].id != first[0].id


@pytest.mark.parametrize("start", [".", "docs"])
def test_it_finds_the_project_from_the_root_and_from_docs(start, tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "params.yaml").touch()
    monkeypatch.chdir(tmp_path / start)
    monkeypatch.setattr(sys, "path", list(sys.path))
    cell = next(cell.source for cell in CELLS if cell.cell_type == "code")
    names = {}
    exec(cell.partition("import numpy")[0], names)  # noqa: S102 - the notebook's own first lines
    assert names["ROOT"] == Path.cwd() == tmp_path and sys.path[0] == str(tmp_path)


def test_every_question_is_followed_by_a_hidden_answer_and_a_pointer_to_the_page():
    marks = []
    for cell in CELLS:
        if cell.cell_type == "code" and "\nanswer(" in cell.source:
            assert cell.metadata == HIDDEN
            marks.append("answer")
        elif cell.cell_type == "markdown":
            marks += re.findall(r"\*\*(Question)\.\*\*|(?<=\n)(On the page):|^(On the page):", cell.source)
    flat = [mark if isinstance(mark, str) else "".join(mark) for mark in marks]
    assert flat == ["Question", "answer", "On the page"] * 10
    assert [int(number) for number in re.findall(r"^## (\d)\. ", PROSE, re.MULTILINE)] == list(range(1, 9))


def test_pointers_lead_to_places_that_the_page_has():
    page = (ROOT / "strata/report/page/explorer.html").read_text(encoding="utf-8")
    figures = {row.name for row in FIGURES}
    places = re.findall(r"\(\.\./reports/index\.html#(\w+)\)", PROSE)
    assert len(places) > 10
    assert [place for place in places if f'id="{place}"' not in page and place not in figures] == []


def test_the_projects_commands_in_it_exist():
    blocks = [block for block in blocks_of(NOTEBOOK.name, PROSE) if block.language == "sh"]
    spans = re.findall(r"`((?:dvc|make) [^`\n]+)`", re.sub(r"^```.*?^```", "", PROSE, flags=re.S | re.M))
    commands = [words for text in [*(block.text for block in blocks), *spans] for words in commands_of(text)]
    known = [words for words in commands if words[0] in ("make", "dvc")]
    assert len(known) == 8
    assert [problem for words in known if (problem := problem_of(words))] == []


def test_it_runs_top_to_bottom_without_a_word_on_stderr(executed):
    code = [cell for cell in executed if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5


def test_answers_are_computed_from_the_run(answers, project):
    assert len(answers) == 10
    network, summary, weights, output, zeros, pair, dimension, stability, momentum, freezing = answers
    training = json.loads((project / "reports/training.json").read_text())
    samples, _ = read_samples(project / "data/activations/samples.parquet")
    measures = pd.read_csv(project / "reports/measures.csv", keep_default_na=False)
    trained = measures[measures["control"] == "none"].pivot_table(index="layer", columns="measure", values="value")
    hidden = trained.drop("input")
    pairs = pd.read_csv(project / "reports/class_pairs.csv")
    pairs = pairs[pairs["control"] == "none"]
    apart = pairs[(pairs["class"] == 4) & (pairs["other_class"] == 9)].set_index("layer")["separability"]
    steps = apart.reindex(["input", "h1", "h2", "h3", "h4", "h5", "h6"]).diff()

    assert "h1, the output of 'relu1'" in network and "next to the input itself" in network
    assert "'conv2' has 304 of 512 parameters, 59%" in summary and "(conv1, conv2) have 382, 75%" in summary
    assert "h1 is the widest, with 432 numbers for an image of 256. The last layer, h6, has 10." in summary
    assert f"with the loaded weights it is {training['test_accuracy']:.1%}." in weights
    wrong = int((samples.label != samples.predicted).sum())
    assert "exponentials add up to 1.000" in output and f"Sure does not mean right: for {wrong} image" in output
    assert f"{hidden['zero_share'].idxmax()} has the largest share of zeros: {hidden['zero_share'].max():.0%}" in zeros
    assert f"input has {apart['input']:.1%}, h6 {apart['h6']:.1%}" in pair and " 4 and 9 " in pair
    assert f"{100 * steps.max():+.1f} percentage points" in pair and f" to {steps.idxmax()}." in pair
    largest = hidden["intrinsic_dimension"].idxmax()
    value = f"{hidden['intrinsic_dimension'][largest]:.1f}"
    assert f"Of the hidden layers, it is {largest}: {value} (95% interval" in dimension
    assert "drew 30 points again from 2 random starts" in stability
    assert "momentum of 0.9 and a learning rate of 0.05" in momentum and "10 times as long" in momentum
    assert f"classified {training['test_accuracy']:.1%} of the test images correctly after 2 epochs" in momentum
    untrained = measures[(measures["control"] == "untrained") & (measures["layer"] == "h4")].set_index("measure")
    before, after = untrained["value"]["probe_accuracy"], trained["probe_accuracy"]["h4"]
    assert f"{before:.1%} of the images in the untrained network, and {after:.1%} in the trained one:" in freezing
    assert f": {100 * (after - before):+.1f} percentage points." in freezing
    assert f"{1 - before:.1%} of the images are read wrongly before training, {1 - after:.1%} after." in freezing
    assert "130 of 512, 25%: the convolutions" in freezing and np.isfinite(trained["probe_accuracy"]).all()


def test_names_of_classes_are_escaped_and_missing_experiments_said(executed):
    pages = "".join(page for cell in executed if cell.cell_type == "code" for page in shown(cell, "text/html"))
    assert "&lt;i&gt;" in pages and "<i>" not in pages
    said = "".join(output.get("text", "") for cell in executed for output in cell.get("outputs", []))
    for parameter in ("train.momentum", "train.freeze"):
        assert f"No experiment with another {parameter} yet: run the command above" in said
