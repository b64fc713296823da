"""Fixtures that many tests share: tiny data, parameters for it, and a folder where the stages before have run."""

import os

# Threads that wait for work sleep, here and in commands; else they spin, which takes most of the time on tiny data.
# Libraries read this when they are loaded; it changes no result.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from strata.core.errors import StrataError
from strata.core.strict_yaml import as_text
from strata.jobs.pool import PROCESSES
from tests.environments.small_clone import commit_all, copy_working_tree, run, skip_without_git
from tests.tiny_pipeline import (
    ODD_CLASSES,
    ROOT,
    TINY_PARAMS,
    run_extract,
    run_tiny_project,
    run_train,
    write_tiny_data,
)
from tools.chromium import launched

# The shell that tests are run from does not decide how they end: not by its settings of Strata, nor by another `python`
# on its path, nor as it keeps Ctrl-C from what it runs in the background, which every process started here inherits.
for setting in [name for name in os.environ if name.startswith("STRATA_")]:
    del os.environ[setting]
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A plan before each run would take 8 s of a processor; tests/core/test_plan_first.py asks for it.
os.environ["STRATA_PLAN"] = "off"

WriteParams = Callable[..., Path]
LONGEST_ERROR = 200  # characters, besides the folders in it


@pytest.fixture(scope="session", autouse=True)
def one_process() -> Iterator[None]:
    """Let stages start one process for their jobs, here and in commands: each more takes seconds for its imports.

    Tests of what several processes do ask for them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PROCESSES, "1")
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of all tests of a process: Playwright refuses to start a second time while the first runs."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(launched())
        except FileNotFoundError as none:
            pytest.skip(str(none))
        yield browser


@pytest.fixture(scope="session")
def errors_made() -> Iterator[list[str]]:
    """The texts of all errors for users that are made, as long as nobody clears the list."""
    texts: list[str] = []
    made = StrataError.__init__

    def note(error: StrataError, *arguments: object) -> None:
        made(error, *arguments)
        texts.append(str(error))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StrataError, "__init__", note)
        yield texts


@pytest.fixture(autouse=True)
def errors_are_one_short_line(errors_made: list[str]) -> Iterator[None]:
    """Every error for users that a test meets is one line that can be read at a glance."""
    errors_made.clear()
    yield
    folders = re.compile(rf"({re.escape(tempfile.gettempdir())}|{re.escape(str(ROOT))})(/[^/:;,']*)*/")
    for text in errors_made:
        assert "\n" not in text, text
        assert len(short := folders.sub("", text)) <= LONGEST_ERROR, f"{len(short)} characters: {short}"


@pytest.fixture
def write_params(tmp_path: Path) -> WriteParams:
    """A function that writes TINY_PARAMS with changes, `write_params(train={"epochs": 1})`, and returns the path."""

    def write(**changes: Any) -> Path:
        params = {
            name: {**section, **changes.get(name, {})} if isinstance(section, dict) else changes.get(name, section)
            for name, section in TINY_PARAMS.items()
        }
        path = tmp_path / "params.yaml"
        path.write_text(as_text(params), encoding="utf-8")
        return path

    return write


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    """A folder as the download stage leaves it, with 60 training and 40 test images of 16 x 16."""
    return write_tiny_data(tmp_path / "raw")


@pytest.fixture
def extracted(tmp_path: Path, tiny_data: Path, write_params: WriteParams) -> Path:
    """A folder with model/, reports/ and activations/ of the tiny data set under TINY_PARAMS."""
    params = write_params()
    run_train(params, tiny_data, tmp_path)
    run_extract(params, tiny_data, tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with params.yaml and data/ of the layers input, h4 and h6. Tests do not change it."""
    folder = tmp_path_factory.mktemp("tiny run")
    run_tiny_project(folder, ODD_CLASSES, layers=["input", "h4", "h6"])
    return folder


@pytest.fixture(scope="session")
def small_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Git repository in a folder with a space and an accent, where a small pipeline has run; tests leave it so."""
    skip_without_git()
    folder = tmp_path_factory.mktemp("a clöne")
    copy_working_tree(folder)
    run("dvc", "repro", "--quiet", folder=folder)
    commit_all(folder, "small run")
    return folder
