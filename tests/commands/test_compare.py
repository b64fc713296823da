"""Compare: two revisions of a real Git and DVC repository on one page, value by value; nothing is run again."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from dvc.repo import Repo
from scipy.spatial.distance import pdist

from strata.artifacts.maps import read_map, write_map
from strata.artifacts.measured import read_decisions, read_points, write_decisions
from strata.commands import compare
from strata.core.errors import StrataError
from strata.jobs import pool
from strata.maps.alignment import aligned
from tests.jobs.pool_jobs import PoolHere
from tests.tiny_pipeline import TINY_PARAMS, run_embed, run_extract, run_measure, run_train, write_tiny_data

LAYERS = ["input", "h5", "h6"]
MEASURE = {"half_samples": 2, "stability_samples": 24, "stability_perplexities": [4]}
FOLDERS = [f"data/{name}" for name in ("raw", "model", "replicates", "activations", "embeddings", "measures")]
PERPLEXITIES = {"HEAD~1": 5, "HEAD": 8}


def run(*command: str, folder: Path) -> str:
    """Run a command; return what it printed."""
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def commit(folder: Path, message: str) -> None:
    """Put the data into DVC's cache and all else into Git."""
    with warnings.catch_warnings(), Repo(str(folder)) as dvc:
        warnings.simplefilter("ignore", DeprecationWarning)  # of pygtrie, in what DVC calls
        dvc.add([str(folder / name) for name in FOLDERS])
    run("git", "add", "--all", folder=folder)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    run("git", *identity, "commit", "--quiet", "--message", message, folder=folder)


def write_params(folder: Path, **changes) -> Path:
    """Write params.yaml into the folder: TINY_PARAMS of three layers, with changes."""
    params = {**TINY_PARAMS, "layers": LAYERS, "measure": {**TINY_PARAMS["measure"], **MEASURE}}
    for section, values in changes.items():
        params[section] = {**params[section], **values}
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return path


def embed_and_measure(params: Path, folder: Path) -> None:
    """Run both stages on `folder`/data; all reports under there end in `folder`/reports."""
    data = folder / "data"
    run_embed(params, data)
    run_measure(params, data)
    shutil.copytree(data / "reports", folder / "reports", dirs_exist_ok=True)
    (folder / "reports/environment.json").write_text('{"python": "3.11"}', encoding="utf-8")
    shutil.rmtree(data / "reports")


@pytest.fixture(scope="module", autouse=True)
def own_index(tmp_path_factory):
    """Keep DVC's indexes of repositories in a folder of these tests: an older one would hide what is lost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("index")))
        yield


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A repository of two commits, whose runs differ in embed.perplexity; beside it, each one's maps and measures."""
    folder = tmp_path_factory.mktemp("compare") / "repository"
    data = folder / "data"
    write_tiny_data(data / "raw")
    run("git", "init", "--quiet", folder=folder)
    Repo.init(str(folder)).close()
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n    check_update = false\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "Pool", PoolHere)
        for place, (revision, perplexity) in enumerate(PERPLEXITIES.items()):
            params = write_params(folder, embed={"perplexity": perplexity})
            if place == 0:
                run_train(params, data / "raw", data)
                run_extract(params, data / "raw", data)
            embed_and_measure(params, folder)
            commit(folder, f"perplexity {perplexity}")
            for name in ("embeddings", "measures"):
                shutil.copytree(data / name, folder.parent / revision / name)
    return folder


@pytest.fixture
def here(repository, monkeypatch) -> Path:
    """The repository, as the working folder."""
    monkeypatch.chdir(repository)
    return repository


@pytest.fixture
def copy(repository, tmp_path, monkeypatch) -> Path:
    """A copy of the repository to change, as the working folder."""
    folder = tmp_path / "copy"
    shutil.copytree(repository, folder)
    monkeypatch.chdir(folder)
    return folder


def compared(first: str, second: str, out: Path) -> str:
    """Return the page that compares two revisions."""
    compare.main([first, second, "--out", str(out)])
    return out.read_text(encoding="utf-8")


def payload_of(page: str) -> dict:
    """Return the data of the page."""
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)[1])


STEP = 0.005  # the step of a position, which the page has in 16 bits: no map here is wider than 330


def values(text: dict) -> np.ndarray:
    """Return an array of the payload, without the code under test."""
    content, kind = base64.b64decode(text["base64"]), np.dtype(text["type"]).newbyteorder("<")
    found = np.frombuffer(zlib.decompress(content) if text.get("deflated") else content, kind).reshape(text["shape"])
    return text["low"] + text["step"] * found if "step" in text else found


def points(layer: dict) -> np.ndarray:
    """Return a map of the payload."""
    return np.column_stack([values(layer["x"]), values(layer["y"])])


def differences(page: str) -> list[list[str]]:
    """Return the rows of the table of parameters that differ."""
    table = re.search(r'id="differences">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table[1].split("</tr>")[:-1]] if table else []


def compare_error(first: str, second: str, out: Path) -> str:
    """Return the text of the StrataError that comparing ends in, which leaves no page."""
    with pytest.raises(StrataError) as caught:
        compare.main([first, second, "--out", str(out)])
    assert not out.exists()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def tracked(folder: Path, revision: str, name: str) -> Path:
    """Return the cache's file that lists a folder of data in a revision."""
    content = yaml.safe_load(run("git", "show", f"{revision}:data/{name}.dvc", folder=folder))
    return cached(folder, content["outs"][0]["md5"])


def cached(folder: Path, md5: str) -> Path:
    return folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


@pytest.fixture(scope="module")
def page(repository, tmp_path_factory) -> str:
    """The page of HEAD~1 and HEAD."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        return compared("HEAD~1", "HEAD", tmp_path_factory.mktemp("page") / "new/page.html")


def test_further_runs_are_there_with_their_measures_and_an_identical_one_is_said_to_be(here, tmp_path, page):
    compare.main(["HEAD~1", "HEAD", "HEAD", "--out", str(tmp_path / "page.html")])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    payload = payload_of(text)
    assert [(run["name"], run["same_as"]) for run in payload["sweep"]["runs"]] == [
        ("HEAD~1", None),
        ("HEAD", None),
        ("HEAD", "B"),
    ]
    assert payload["runs"] == payload_of(page)["runs"]  # the maps are those of the first two
    recall = next(chart for chart in payload["sweep"]["charts"] if chart["key"] == "map_recall")
    table = pd.read_csv(here / "reports/measures.csv")
    rows = table[(table["measure"] == "map_recall") & (table["control"] == "none")].set_index("layer")
    for line in recall["lines"][1:]:
        for name in ("value", "low", "high"):
            assert line[name] == rows[name].reindex(LAYERS).tolist()
    assert recall["same"] == [0, 1, 1]
    assert differences(text) == [["embed.perplexity", "5", "8", "8"]]
    assert "<title>Strata: 3 runs, layer by layer</title>" in text


def test_more_runs_than_can_be_told_apart_are_refused(tmp_path):
    with pytest.raises(StrataError, match="9 runs are too many to tell apart in one chart; name at most 8"):
        compare.main(["HEAD"] * 9 + ["--out", str(tmp_path / "page.html")])


def test_the_first_runs_maps_are_those_of_its_files(repository, page):
    first = payload_of(page)["runs"][0]
    rows = values(first["ids"])
    assert len(rows) == TINY_PARAMS["report"]["page_samples"] == 30
    assert list(first["layers"]) == LAYERS
    for layer in LAYERS:
        expected = read_map(repository.parent / "HEAD~1/embeddings" / f"{layer}.parquet").points[rows]
        np.testing.assert_allclose(points(first["layers"][layer]), expected, rtol=0, atol=STEP)


def test_the_second_runs_maps_are_turned_to_the_firsts_and_keep_their_distances(repository, page):
    second = payload_of(page)["runs"][1]
    rows = values(second["ids"])
    turned = 0
    for layer in LAYERS:
        reference, own = (
            read_map(repository.parent / revision / "embeddings" / f"{layer}.parquet").points.astype(np.float64)
            for revision in ("HEAD~1", "HEAD")
        )
        found = points(second["layers"][layer]).astype(np.float64)
        np.testing.assert_allclose(pdist(found), pdist(own[rows]), rtol=0, atol=3 * STEP)
        np.testing.assert_allclose(found, aligned(own, reference)[rows], rtol=0, atol=STEP)
        turned += not np.allclose(found, own[rows], atol=1e-2)
    assert turned  # else the test shows nothing


@pytest.mark.parametrize(("place", "revision"), [(0, "HEAD~1"), (1, "HEAD")])
def test_each_runs_measures_are_its_own(repository, page, place, revision):
    found = payload_of(page)["runs"][place]
    rows = values(found["ids"]).tolist()
    for layer in LAYERS:
        expected, _ = read_points(repository.parent / revision / "measures/points" / f"{layer}.parquet")
        for name in ("vote", "trustworthiness", "false_neighbours", "drift", "stability"):
            shown = getattr(expected, name)[np.searchsorted(expected.sample_id, rows)]
            np.testing.assert_array_equal(values(found["layers"][layer][name]), shown, err_msg=f"{layer}: {name}")
    assert found["layers"]["h5"]["settings"]["perplexity"] == str(PERPLEXITIES[revision])


def test_both_runs_show_the_same_samples_and_labels(page):
    payload = payload_of(page)
    first, second = (values(run["ids"]) for run in payload["runs"])
    np.testing.assert_array_equal(first, second)
    assert (np.diff(first) > 0).all()
    np.testing.assert_array_equal(values(payload["labels"]), first % 10)


def test_only_the_parameter_that_differs_is_listed(page):
    assert differences(page) == [["embed.perplexity", "5", "8"]]


def test_the_page_names_both_runs_and_how_to_make_them_again(page):
    payload = payload_of(page)
    assert [run["name"] for run in payload["runs"]] == ["HEAD~1", "HEAD"]
    assert "<title>Strata: HEAD~1 and HEAD, layer by layer</title>" in page
    commands = [run["facts"]["To repeat the run"] for run in payload["runs"]]
    assert commands == [f"dvc exp apply {name}, or git checkout {name}; then make repro" for name in ("HEAD~1", "HEAD")]
    assert [yaml.safe_load(run["params"])["embed"]["perplexity"] for run in payload["runs"]] == [5, 8]


def test_the_same_page_twice_is_the_same_to_the_byte_and_names_no_folder(here, page, tmp_path):
    again = tmp_path / "page.html"
    compared("HEAD~1", "HEAD", again)
    assert again.read_bytes() == page.encode()
    assert "strata-compare-" not in page and str(here) not in page


def test_nothing_in_the_repository_changes(here, page):
    assert page
    assert run("git", "status", "--porcelain", folder=here) == ""
    with Repo(str(here)) as dvc:
        assert dvc.status() == {}


def test_the_workspace_is_what_lies_in_the_folders_now(copy, tmp_path):
    write_params(copy, embed={"perplexity": 8}, report={"late_deciders": 3})
    path = copy / "data/embeddings/h5.parquet"
    before = read_map(path)
    path.unlink()  # it may be a link into the cache
    write_map(path, replace(before, points=before.points * 2))
    found = compared("HEAD", "workspace", tmp_path / "page.html")
    assert differences(found) == [["report.late_deciders", "6", "3"]]
    first, second = payload_of(found)["runs"]
    for layer, scale in (("input", 1), ("h5", 2)):
        distances = [pdist(points(run["layers"][layer]).astype(np.float64)) for run in (first, second)]
        np.testing.assert_allclose(distances[1], distances[0] * scale, rtol=0, atol=6 * STEP)
    assert second["facts"]["To repeat the run"] == "make repro"
    hashes = [run["facts"]["Map of h5, SHA-256"] for run in (first, second)]
    assert hashes[0] != hashes[1] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_damaged_file_is_named_by_its_revision(copy, tmp_path):
    path = copy / "data/embeddings/h5.parquet"
    path.unlink()
    path.write_bytes(b"PAR1 no more")
    told = compare_error("HEAD", "workspace", tmp_path / "page.html")
    assert told.startswith("workspace:data/embeddings/h5.parquet ") and "strata-compare-" not in told


def test_a_tag_and_an_experiment_are_revisions_too(copy, tmp_path):
    run("git", "tag", "base", "HEAD~1", folder=copy)
    head, first = (run("git", "rev-parse", name, folder=copy).strip() for name in ("HEAD", "HEAD~1"))
    run("git", "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/tried-this", first, folder=copy)
    found = compared("base", "tried-this", tmp_path / "page.html")
    assert differences(found) == []
    assert "A: base" in found and "B: tried-this" in found


def test_layers_are_explained_where_the_run_says_what_they_are(copy, tmp_path):
    (copy / "reports/network.txt").unlink()
    commit(copy, "without")
    found = [
        {layer: each["about"] for layer, each in run["layers"].items()}
        for run in payload_of(compared("HEAD~1", "HEAD", tmp_path / "page.html"))["runs"]
    ]
    explained = {"input": "the images as the network sees them, 16 × 16", "h5": "third ReLU, 8 units"}
    assert found == [
        {**explained, "h6": "log-softmax, 10 units"},
        {"input": "16 × 16", "h5": "8 units", "h6": "10 units"},
    ]


def test_layers_of_one_run_only_are_left_out(copy, repository, tmp_path):
    params = write_params(copy, embed={"perplexity": 8})
    params.write_text(params.read_text(encoding="utf-8").replace("- h5\n", ""), encoding="utf-8")
    path = copy / "data/measures/samples.parquet"
    decisions, origin = read_decisions(path)
    path.unlink()  # it may be a link into the cache
    places = np.array([0, 1, 1, 2], dtype=np.int16)  # among input and h6, of input, h5, h6 and after them
    write_decisions(path, replace(decisions, commit_layer=places[decisions.commit_layer]), origin)
    first, second = payload_of(compared("workspace", "HEAD~1", tmp_path / "page.html"))["runs"]
    assert list(first["layers"]) == list(second["layers"]) == ["input", "h6"]
    before, _ = read_decisions(repository.parent / "HEAD~1/measures/samples.parquet")
    for run_shown, expected in ((first, places[decisions.commit_layer]), (second, places[before.commit_layer])):
        np.testing.assert_array_equal(values(run_shown["commit"]), expected[values(run_shown["ids"])])


@pytest.mark.parametrize("revision", ["no-such-run", "HEAD~9", "two words"])
@pytest.mark.usefixtures("here")
def test_an_unknown_revision_is_named(tmp_path, revision):
    for pair in ((revision, "HEAD"), ("HEAD", revision)):
        message = compare_error(*pair, tmp_path / "page.html")
        assert message.startswith(f"'{revision}' is neither an experiment nor a Git revision; `dvc exp list` lists")


@pytest.mark.parametrize(
    ("name", "file", "path"),
    [
        ("raw", "dataset.json", "data/raw"),
        ("model", "mnist_cnn.pt", "data/model/mnist_cnn.pt"),
        ("embeddings", "h5.parquet", "data/embeddings/h5.parquet"),
        ("measures", "points/h6.parquet", "data/measures"),
    ],
)
def test_a_file_that_is_not_in_the_cache_is_named(copy, tmp_path, name, file, path):
    listed = json.loads(tracked(copy, "HEAD~1", name).read_text(encoding="utf-8"))
    cached(copy, next(entry["md5"] for entry in listed if entry["relpath"] == file)).unlink()
    message = compare_error("HEAD~1", "HEAD", tmp_path / "page.html")
    assert message.startswith(f"{path} of 'HEAD~1' is neither in Git nor in DVC's cache: run that experiment again, or")


def test_a_folder_that_is_not_in_the_cache_is_named(copy, tmp_path):
    tracked(copy, "HEAD~1", "embeddings").unlink()
    message = compare_error("HEAD~1", "HEAD", tmp_path / "page.html")
    assert message.startswith("data/embeddings/input.parquet of 'HEAD~1' is neither in Git nor in DVC's cache")


def test_a_clone_without_a_cache_is_told_so(copy, tmp_path):
    shutil.rmtree(copy / ".dvc/cache")
    message = compare_error("HEAD~1", "HEAD", tmp_path / "page.html")
    assert message.startswith("data/raw of 'HEAD~1' is neither in Git nor in DVC's cache")


def test_a_table_that_was_not_committed_is_named(copy, tmp_path):
    (copy / "reports/cka.csv").unlink()
    message = compare_error("HEAD", "workspace", tmp_path / "page.html")
    assert message.startswith("reports/cka.csv of 'workspace' is neither in Git nor in DVC's cache")
