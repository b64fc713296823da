"""The table in docs/experiments.md of what re-runs when something changes is what DVC says."""

import json
import re
import shutil

import pytest
import yaml

from tests.environments.reruns import followers, row, touched
from tests.environments.small_clone import run
from tests.tiny_pipeline import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
SECTIONS = list(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")))
# What changes -> a file of it. Packages are dependencies as a whole.
CHANGED = {
    "networks": "networks/mlp.py",
    "stages/train.py": "stages/train.py",
    "strata/core": "strata/core/files.py",
    "strata/jobs": "strata/jobs/pool.py",
    "strata/dataset": "strata/dataset/idx.py",
    "strata/artifacts": "strata/artifacts/samples.py",
    "strata/sources": "strata/sources/mirrors.py",
    "strata/network": "strata/network/capture.py",
    "strata/training": "strata/training/sgd.py",
    "strata/maps": "strata/maps/alignment.py",
    "strata/measures": "strata/measures/probe.py",
    "strata/report": "strata/report/page/explorer.css",
    "strata/commands": "strata/commands/compare.py",
}
PAGE = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")


def other(value):
    """Return another value in the place of one in params.yaml, whatever it is."""
    if isinstance(value, dict):
        return {name: other(kept) for name, kept in value.items()} if value else {"other": 1}
    return [*value, "other"] if isinstance(value, list) else "other"


@pytest.fixture(scope="module")
def clone(small_clone, tmp_path_factory):
    """A copy of the small clone, up to date."""
    folder = tmp_path_factory.mktemp("reruns") / "clone"
    shutil.copytree(small_clone, folder)
    return folder


def status_after(clone, change) -> dict:
    """Return `dvc status` with changed parameters, and put them back."""
    path = clone / "params.yaml"
    before = path.read_text(encoding="utf-8")
    params = yaml.safe_load(before)
    try:
        path.write_text(yaml.safe_dump(change(params), sort_keys=False), encoding="utf-8")
        return json.loads(run("dvc", "status", "--json", folder=clone))
    finally:
        path.write_text(before, encoding="utf-8")


def test_the_table_is_what_dvc_says(clone):
    """One `dvc status` with everything changed at once: it says which stage saw which change."""
    before = {name: (clone / name).read_bytes() for name in CHANGED.values()}
    try:
        for name, content in before.items():
            (clone / name).write_bytes(content + b"\n")
        status = status_after(clone, lambda params: {name: other(value) for name, value in params.items()})
    finally:
        for name, content in before.items():
            (clone / name).write_bytes(content)
    expected = [row(STAGES, item, touched(status, item)) for item in [*SECTIONS, *CHANGED]]
    found = re.findall(r"^\| `.*\|$", PAGE[PAGE.index("## What re-runs") :], re.MULTILINE)
    assert found == expected, "the table should be:\n" + "\n".join(expected)
    assert f"| changed | {' | '.join(STAGES)} |" in PAGE


@pytest.mark.parametrize(
    ("section", "key", "stages"),
    [
        ("download", "attempts", {"download"}),
        ("train", "momentum", {"train", "replicate", "report"}),
        ("replicate", "networks", {"replicate", "report"}),
        ("embed", "perplexity", {"embed", "measure", "report"}),
    ],
)
def test_a_single_key_counts_as_its_section(clone, section, key, stages):
    status = status_after(clone, lambda params: {**params, section: {**params[section], key: "other"}})
    assert set(status) == stages


def test_what_follows_is_skipped_where_the_same_was_written(clone):
    path = clone / "params.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("attempts: 4", "attempts: 3"), encoding="utf-8")
    try:
        done = run("dvc", "repro", folder=clone)
        assert re.findall(r"Running stage '(\w+)'", done) == ["download"]
        assert done.count("didn't change, skipping") == len(STAGES) - 1
    finally:
        run("git", "checkout", "--quiet", "params.yaml", "dvc.lock", folder=clone)


def test_followers_are_those_downstream():
    stages = {
        "a": {"deps": [], "outs": ["x"]},
        "b": {"deps": ["x"], "metrics": [{"y": {"cache": False}}]},
        "c": {"deps": ["z"], "plots": ["w"]},
        "d": {"deps": ["y", "w"]},
    }
    assert followers(stages, {"a"}) == {"b", "d"}
    assert followers(stages, {"c"}) == {"d"}
    assert followers(stages, {"a", "b"}) == {"d"}
    assert row(stages, "k", {"a"}) == "| `k` | ● | ○ |   | ○ |"


def test_a_status_names_sections_and_paths():
    status = {
        "train": [{"changed deps": {"params.yaml": {"seed": "modified"}, "networks": "modified"}}],
        "embed": [{"changed deps": {"params.yaml": {"embed": "modified"}}}, "changed command"],
        "report": [{"changed outs": {"reports/index.html": "deleted"}}],
    }
    assert touched(status, "seed") == {"train"} and touched(status, "networks") == {"train"}
    assert touched(status, "embed") == {"embed"} and touched(status, "reports/index.html") == set()
