"""The report stage on tiny data."""

import base64
import json
import re
import shutil

import numpy as np
import pytest

from stages import report
from strata.core.errors import StrataError
from strata.jobs import pool
from strata.report import whole_report
from strata.report.page.figure_list import FIGURES
from strata.report.page.packing import unpacked
from tests.jobs.pool_jobs import PoolHere
from tests.tiny_pipeline import run_embed, run_measure

LAYERS = ["input", "h1", "h6"]
STEMS = ["maps", "map_input", "map_h1", "map_h6", "learning_curve", "confusion", "misclassified", "sample_output"]
STEMS += ["features_h1", "measures", "cka", "intrinsic_dimension", "perplexity_grid", "late_deciders"]
ON_PAGE = ["intrinsic_dimension", "perplexity_grid", "late_deciders", "confusion", "misclassified", "sample_output"]
ON_PAGE += ["features_h1"]


def run_report(params, data, out) -> None:
    """Run the report stage on `data` and on what lies under `out`, writing figures and page to `out`/reports."""
    folders = ("--data", str(out), "--raw", str(data), "--out", str(out / "reports"))
    report.main(["--params", str(params), *folders])


def draw_for_the_page(work, jobs, _):
    """Run the jobs here, without seconds for the start of processes, and only those of figures on the page."""
    return [work(job) for job in jobs if job[0] in (*ON_PAGE, "networks")]  # the last if there are several networks


def payload_of(page):
    """Return the data of the page."""
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)[1])


def test_all_figures_in_both_forms_and_the_page(extracted, tiny_data, write_params, monkeypatch):
    params = write_params(layers=LAYERS)
    with monkeypatch.context() as here:
        here.setattr(pool, "Pool", PoolHere)
        run_embed(params, extracted)
        run_measure(params, extracted)
    run_report(params, tiny_data, extracted)
    figures = extracted / "reports/figures"
    names = {path.name for path in figures.iterdir()}
    assert names == {f"{stem}.{suffix}" for stem in STEMS for suffix in ("png", "svg")}
    page_file = extracted / "reports/index.html"
    page = page_file.read_text(encoding="utf-8")

    # The page holds the figures that it does not show in a form to explore, and all images once.
    pictures = re.findall(r'<img src="data:image/png;base64,([^"]*)"', page)
    assert page.count("<img ") == len(pictures) == len(ON_PAGE)
    assert [base64.b64decode(text) for text in pictures] == [(figures / f"{stem}.png").read_bytes() for stem in ON_PAGE]
    explored = {row.name for row in FIGURES if row.explored} - {"measures_over_training", "map_{layer}"}
    assert set(STEMS) - set(ON_PAGE) == explored | {"map_input", "map_h1", "map_h6"}
    payload = payload_of(page)
    assert payload["sprite"]["sheets"][0].startswith("data:image/png;base64,")
    assert [run["name"] for run in payload["runs"]] == ["this run"]
    assert list(payload["runs"][0]["layers"]) == ["input", "h1", "h6"]

    # 30 of the 40 samples.
    ids = unpacked(payload["runs"][0]["ids"])
    assert len(ids) == 30 and (np.diff(ids) > 0).all()
    np.testing.assert_array_equal(unpacked(payload["labels"]), ids % 10)
    assert (
        "<td>40 images of split test, 30 of them on this page: measured ones first, then others at random</td>" in page
    )

    accuracy = json.loads((extracted / "reports/training.json").read_text())["test_accuracy"]
    assert f"<td>{accuracy:.2%}</td>" in page
    told = (extracted / "reports/network.txt").read_text(encoding="utf-8")
    assert payload["runs"][0]["params"].startswith(f"# network\n{told}\nseed: 0\n")
    assert str(extracted) not in page

    # Again in another folder, with the page's figures drawn again: the same bytes.
    monkeypatch.setattr(whole_report, "run_jobs", draw_for_the_page)
    shutil.rmtree(figures)
    page_file.unlink()
    run_report(params, tiny_data, extracted)
    assert page_file.read_bytes() == page.encode()
    assert len(list(figures.iterdir())) == 2 * len(ON_PAGE)

    # As many samples as there are: all are shown. Another seed: other samples. The figures stay as they are.
    monkeypatch.setattr(whole_report, "run_jobs", lambda *_: [])
    run_report(write_params(layers=LAYERS, report={"page_samples": 40}), tiny_data, extracted)
    whole = page_file.read_text(encoding="utf-8")
    assert unpacked(payload_of(whole)["runs"][0]["ids"]).tolist() == list(range(40))
    assert "<td>40 images of split test</td>" in whole
    run_report(write_params(layers=LAYERS, seed=1), tiny_data, extracted)
    drawn = unpacked(payload_of(page_file.read_text(encoding="utf-8"))["runs"][0]["ids"])
    assert len(drawn) == 30 and drawn.tolist() != ids.tolist()

    # A sample that is not there, and artifacts that do not belong together.
    with pytest.raises(StrataError, match=r"report\.sample_id 40 is not among the 40 samples of extract\.split test"):
        run_report(write_params(layers=LAYERS, report={"sample_id": 40}), tiny_data, extracted)
    shutil.copy(extracted / "embeddings/h6.parquet", extracted / "embeddings/input.parquet")
    (extracted / "model/mnist_cnn.pt").write_bytes(b"another model")
    with pytest.raises(StrataError, match="do not belong together: their model_sha256 differ"):
        run_report(params, tiny_data, extracted)
