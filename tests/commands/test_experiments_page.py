"""What docs/experiments.md tells people to type once they have an experiment, as written, in a small clone."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from strata.commands import experiments
from tests.documents import blocks_of
from tests.environments.small_clone import environment, run
from tests.tiny_pipeline import ROOT

PAGE = "docs/experiments.md"
BLOCKS = [block for block in blocks_of(PAGE, (ROOT / PAGE).read_text(encoding="utf-8")) if not block.reason]
# The page's perplexity-1. Only two stages run, so that it takes seconds; DVC keeps it as it keeps others.
ONE = ["dvc", "exp", "run", "--temp", "--quiet", "-n", "perplexity-1", "-S", "embed.perplexity=5", "embed"]

NAMED = (("NAME", "Test"), ("EMAIL", "test@example.org"))


@pytest.fixture(scope="module")
def clone(small_clone, tmp_path_factory):
    """A copy of the small clone with one experiment done and one in the queue."""
    folder = tmp_path_factory.mktemp("experiments") / "clone"
    shutil.copytree(small_clone, folder)
    run(*ONE, folder=folder)
    found = run("git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps", folder=folder)
    commit, reference = found.split()
    run("git", "update-ref", reference.replace("perplexity-1", "perplexity-2"), commit, folder=folder)
    run("dvc", "exp", "run", "--queue", "-n", "later", "-S", "report.dpi=60", folder=folder)
    return folder


def typed(text: str, folder: Path) -> str:
    """Type a line into a shell, with this environment for make's .venv; return what it printed."""
    variables = environment() | {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in NAMED}
    variables |= {"MAKEFLAGS": "READY= PY=python"}
    variables.pop("MAKELEVEL", None)  # within the make that runs the tests, make would print the folders it enters
    done = subprocess.run(["sh", "-e", "-c", text], cwd=folder, env=variables, text=True, capture_output=True)
    assert done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_lines_do_what_is_written_beside_them(clone):
    looking, keeping = ([line.partition("#")[0].strip() for line in block.text.splitlines()] for block in BLOCKS)
    head = run("git", "rev-parse", "HEAD", folder=clone)

    listing, diff, plots, compare, compare_all = (typed(line, clone) for line in looking)
    lines = [line.split() for line in listing.splitlines()]
    done = next(line for line in lines if line and line[0] == "perplexity-1")
    assert done[-1] == "embed.perplexity=5"
    assert ["later", "queued", "report.dpi=60"] in lines
    assert done[1:3] == lines[1][1:3] and float(lines[1][1]) > 0.85  # the same network
    assert any(line.split()[:4] == ["params.yaml", "embed.perplexity", "auto", "5"] for line in diff.splitlines())
    assert plots.strip().endswith("dvc_plots/index.html") and (clone / "dvc_plots/index.html").exists()
    page = (clone / "reports/compare.html").read_text(encoding="utf-8")
    assert compare == compare_all == "" and "perplexity-1" in page and "perplexity-2" in page
    assert run("git", "status", "--porcelain", folder=clone) == ""

    apply, branch, remove = keeping
    typed(apply, clone)
    assert yaml.safe_load((clone / "params.yaml").read_text(encoding="utf-8"))["embed"]["perplexity"] == 5
    typed(branch, clone)
    assert "perplexity: 5" in run("git", "show", "perplexity-5:params.yaml", folder=clone)
    typed(remove, clone)
    assert "perplexity-1" not in run("dvc", "exp", "list", folder=clone)
    assert run("git", "rev-parse", "HEAD", "perplexity-5~1", folder=clone) == head * 2


def test_without_experiments_it_says_how_to_make_one(small_clone, monkeypatch, capsys):
    monkeypatch.chdir(small_clone)
    experiments.main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6 and lines[0].startswith("experiment") and lines[-1] == experiments.NONE
