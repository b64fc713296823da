"""How a stage ends: one line for what a person can mend, a traceback for what is a mistake of the program."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from strata.entry import run_stage, stage_parser
from strata.errors import StrataError


def ending_with(error):
    """Return a stage's main that raises."""

    def main():
        raise error

    return main


def exit_code(error):
    with pytest.raises(SystemExit) as caught:
        run_stage(ending_with(error))
    return caught.value.code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StrataError("params.yaml: seed: missing"), "error: params.yaml: seed: missing"),
        (OSError(errno.ENOSPC, "No space", "data/h1.parquet"), "error: data/h1.parquet: the disk is full"),
        (OSError(errno.ENOSPC, "No space"), "error: writing: the disk is full"),
        (OSError(errno.EDQUOT, "Quota", "data"), "error: data: the disk quota is used up"),
        (OSError(errno.EROFS, "Read-only", "data"), "error: data: the file system is read-only"),
        (PermissionError(errno.EACCES, "Denied", "data"), "error: data: permission denied"),
        (
            FileNotFoundError(errno.ENOENT, "None", "data/x"),
            "error: data/x: no such file or folder; run `dvc repro` to make it",
        ),
        (KeyboardInterrupt(), 130),
        (MemoryError(), "error: out of memory; free some, or lower the stage's batch_size in params.yaml"),
    ],
)
def test_what_a_person_can_mend_ends_in_one_line(error, code):
    assert exit_code(error) == code


@pytest.mark.parametrize("error", [ValueError("a bug"), IsADirectoryError(errno.EISDIR, "Is a directory", "data")])
def test_other_errors_keep_their_traceback(error):
    with pytest.raises(type(error)) as caught:
        run_stage(ending_with(error))
    assert caught.value is error


def test_a_stage_that_succeeds_returns():
    assert run_stage(lambda: None) is None


def test_a_process_ends_with_status_1_and_one_line_on_standard_error():
    code = "from strata.entry import *\ndef main(): raise StrataError('no layer h7')\nrun_stage(main)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: no layer h7\n")


def test_the_parser_takes_params_and_shows_the_docstring(capsys):
    parser = stage_parser("Embed: maps.\n\n    python -m stages.embed")
    assert parser.parse_args([]).params == Path("params.yaml")
    assert parser.parse_args(["--params", "other.yaml"]).params == Path("other.yaml")
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    assert "Embed: maps.\n\n    python -m stages.embed\n" in capsys.readouterr().out
