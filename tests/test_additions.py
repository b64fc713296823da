"""Additions as CONTRIBUTING.md shows them, made in a copy of the project: a measure, a figure, a panel, a data set.

Nothing else is edited there, and each is seen everywhere that it should be.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from strata.core.files import sha256_of
from strata.dataset.description import IDX_FILES
from tests.documents import blocks_of
from tests.tiny_pipeline import MEASURED, ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COPIED = ("strata", "stages", "networks", "tools", "tests", "docs", "dvc.yaml", "CONTRIBUTING.md", "Makefile")
RECIPES = ("A measure", "A figure", "A panel of the page", "An IDX data set")
LAYERS = ["input", "h4", "h6"]
CONTROLS = ["none", "untrained", "random projection"]
# Runs in the copy: the stages measure and report, quickly, then what the Makefile's `deps` runs.
SCRIPT = """
import json, sys
from pathlib import Path
from stages import measure, report
from strata.report import whole_report
from strata.jobs import pool
from tests.jobs.pool_jobs import PoolHere
from tools import measure_documents

def sketch(_, jobs, __):
    for name, draw, folder, *_ in jobs:
        figure = draw()
        if name == "measures":
            lines = {axis.get_title(loc="left"): axis.lines for axis in figure.axes}
            values = {title: [line.get_ydata().tolist() for line in drawn] for title, drawn in lines.items()}
            Path("drawn.json").write_text(json.dumps(values))
        figure.set_layout_engine("none")
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"{name}.png", dpi=10)

pool.Pool, whole_report.run_jobs = PoolHere, sketch
measure.main([])
report.main([])
measure_documents.main()
"""


def add(folder: Path, recipe: str) -> set[str]:
    """Follow a recipe, the blocks under a heading of CONTRIBUTING.md, in a folder; return the files it touches."""
    section = re.search(rf"^## {recipe}:.*?(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[0]
    touched = set()
    for block in blocks_of("CONTRIBUTING.md", section):
        where = [line for line in section.splitlines()[: block.line - 1] if line and not line.startswith("<!--")][-1]
        *place, name = re.findall(r"`([^`]+)`", where.partition(", ")[0])
        path = folder / name
        touched.add(name)
        if where.startswith("In a new "):
            assert not path.exists()
            path.write_text(block.text, encoding="utf-8")
        elif where.startswith("Among the imports"):
            insert(path, r"^(?=from )", block.text)
        elif where.startswith("Before"):
            insert(path, rf"(?={re.escape(place[0])})", block.text)
        else:  # at the end of a tuple, or of a mapping
            insert(path, rf"^{place[0]}\b[^\n]* = [({{]\n.*?(?=^[)}}])", block.text.rstrip().removesuffix(",") + ",\n")
    return touched


def insert(path: Path, before: str, text: str) -> None:
    """Put text into a file where a pattern first ends."""
    whole = path.read_text(encoding="utf-8")
    at = re.search(before, whole, re.MULTILINE | re.DOTALL).end()
    path.write_text(f"{whole[:at]}{text.rstrip()}\n{whole[at:]}", encoding="utf-8")


@pytest.fixture(scope="module")
def grown(tiny_run, tmp_path_factory):
    """A copy of the project with all additions, where measure and report have run, and the files each one touched."""
    folder = tmp_path_factory.mktemp("additions") / "project"
    shutil.copytree(tiny_run, folder)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    touched = {
        recipe: add(folder, recipe) for recipe in ("A measure", "A figure", "A panel of the page", "An IDX data set")
    }
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, touched


@pytest.fixture(scope="module")
def page(grown):
    return (grown[0] / "reports/index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(page):
    """The run's data on the page."""
    return json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])["runs"][0]


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_measure_and_a_figure_touch_two_files_a_panel_three_a_data_set_one(grown):
    assert {recipe: sorted(files) for recipe, files in grown[1].items()} == {
        "A measure": ["strata/measures/registry.py", "strata/measures/size.py"],
        "A figure": ["strata/report/figures/class_sizes.py", "strata/report/page/network_figures.py"],
        "A panel of the page": [
            "strata/report/page/explorer.html",
            "strata/report/page/payload.py",
            "strata/report/page/script/panels/class_sizes.js",
        ],
        "An IDX data set": ["strata/sources/catalogue.py"],
    }


def test_the_measure_is_in_the_tables_with_its_interval_for_every_layer_and_control(grown):
    folder, _ = grown
    rows = [row for row in table(folder / "reports/measures.csv") if row["measure"] == "activation_norm"]
    assert [(row["control"], row["layer"]) for row in rows] == [(x, layer) for x in CONTROLS for layer in LAYERS]
    ids = pq.read_table(folder / "data/measures/samples.parquet")["sample_id"].to_numpy()
    assert len(ids) == MEASURED
    for row, layer in zip(rows, LAYERS, strict=False):
        values = np.array(pq.read_table(folder / f"data/activations/{layer}.parquet")["activation"].to_pylist())
        norms = np.linalg.norm(values[ids], axis=1)
        half = 1.959964 * norms.std(ddof=1) / len(ids) ** 0.5
        expected = [norms.mean(), norms.mean() - half, norms.mean() + half]
        assert [float(row[name]) for name in ("value", "low", "high")] == pytest.approx(expected, rel=1e-5)
    by_layer = table(folder / "reports/measures_by_layer.csv")
    assert [row["activation_norm"] for row in by_layer] == [row["value"] for row in rows[: len(LAYERS)]]


def test_the_measure_has_a_panel_in_the_figure_and_on_the_page(grown, run):
    folder, _ = grown
    rows = [row for row in table(folder / "reports/measures.csv") if row["measure"] == "activation_norm"]
    drawn = json.loads((folder / "drawn.json").read_text())["Size of activations"]
    values = [float(row["value"]) for row in rows]
    assert drawn == [values[start : start + len(LAYERS)] for start in range(0, len(rows), len(LAYERS))]
    meaning = "How far from the origin of the layer's space a point lies."
    entry = {"key": "activation_norm", "title": "mean norm of the activations", "legend": None, "meaning": meaning}
    panel = {"title": "Size of activations", "axis": "Euclidean norm", "end": None, "lines": "controls"}
    assert run["panels"][-1] == panel | {"measures": [entry]}
    assert run["measures"]["measure"].count("activation_norm") == len(rows)


def test_the_measure_is_a_plot_of_dvc_and_in_the_documents(grown):
    folder, _ = grown
    plots = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    (plot,) = [plot["Size of activations"] for plot in plots if "Size of activations" in plot]
    assert plot["y"] == {"reports/measures_by_layer.csv": "activation_norm"}
    assert "| mean norm of the activations `activation_norm` | How far" in (folder / "docs/measures.md").read_text()


def test_the_figure_is_drawn_and_on_the_page(grown, page):
    assert (grown[0] / "reports/figures/class_sizes.png").exists()
    assert '<h3 id="class_sizes">Samples of each class</h3>' in page
    assert "<figcaption>All 40 samples, by their labels.</figcaption>" in page


def test_the_panels_data_and_script_are_in_the_page(page, run):
    assert run["class_sizes"] == [4] * 10
    assert "addPanel(classSizes);" in page


def test_the_panel_and_the_measures_chart_are_drawn(grown, browser):
    problems: list[str] = []
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto((grown[0] / "reports/index.html").as_uri())
        page.wait_for_function("window.strata && window.strata.chartsReady")
        assert page.inner_text("#sizes").startswith("zero: 4, one or ace: 4")
        chart = page.locator("#measure-charts .chart").last
        assert chart.locator("h3").inner_text() == "Size of activations"
        assert chart.locator(".area").get_attribute("aria-label").startswith("mean norm of the activations, trained")
        assert chart.locator(".hint").inner_text().startswith("How far from the origin")
    assert problems == []


def test_the_data_set_is_taken_from_a_mirror_by_its_name_and_checksums(grown):
    folder, _ = grown
    mirror, catalogue = folder / "data/raw", folder / "strata/sources/catalogue.py"
    text = catalogue.read_text(encoding="utf-8")
    for name in IDX_FILES:
        text = text.replace(f'"{name}": "SHA-256 of the decompressed file"', f'"{name}": "{sha256_of(mirror / name)}"')
    address = 'addresses=("https://example.org/letters/",),'
    assert address in text
    catalogue.write_text(text.replace(address, ""), encoding="utf-8")  # no test asks the network
    values = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    values["dataset"] |= {"name": "letters", "mirrors": [str(mirror)]}
    params = folder / "letters.yaml"
    params.write_text(yaml.safe_dump(values), encoding="utf-8")
    stage = [sys.executable, "-m", "stages.download", "--params", str(params), "--out", "letters"]
    done = subprocess.run(stage, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    description = json.loads((folder / "letters/dataset.json").read_text(encoding="utf-8"))
    assert (description["name"], description["classes"]) == ("letters", list("abcdefghij"))
    assert description["counts"] == {"train": 60, "test": 40}

    (mirror / "t10k-labels-idx1-ubyte").write_bytes((mirror / "train-labels-idx1-ubyte").read_bytes())
    values["dataset"]["mirrors"] = [str(mirror)]
    done = subprocess.run(stage, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 1 and "wrong checksum" in done.stderr
