"""How a stage ends: one line for what a person can mend, a traceback for what is a mistake of the program."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from strata.core.errors import StrataError
from strata.core.stage import run_stage, stage_parser
from tests.tiny_pipeline import ROOT
from tests.waiting import wait_until


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
    code = "from strata.core.stage import *\ndef main(): raise StrataError('no layer h7')\nrun_stage(main)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: no layer h7\n")


HALF_WRITING = """
import sys, time
from pathlib import Path
from strata.core.files import whole_file
from strata.core.stage import run_stage

def main():
    with whole_file(Path(sys.argv[1])) as part:
        part.write_text("half")
        time.sleep(60)

run_stage(main)
"""


@pytest.mark.parametrize(("kind", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_stage_without_a_word_and_removes_what_is_half_written(tmp_path, kind, status):
    part = tmp_path / ".file.txt.part"
    command = [sys.executable, "-c", HALF_WRITING, str(tmp_path / "file.txt")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(part.exists)
    process.send_signal(kind)
    assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == status
    assert list(tmp_path.iterdir()) == []


def test_a_stage_that_dvc_runs_ends_with_it(tmp_path):
    """DVC may be killed alone; a shell stands for it here, and is killed, too."""
    part = tmp_path / ".file.txt.part"
    command = ["sh", "-c", '"$@" & wait', "sh", sys.executable, "-c", HALF_WRITING, str(tmp_path / "file.txt")]
    shell = subprocess.Popen(command, env={**os.environ, "DVC_STAGE": "embed"})
    wait_until(part.exists)
    shell.kill()
    shell.wait()
    wait_until(lambda: not part.exists())
    assert list(tmp_path.iterdir()) == []


def test_garbage_is_looked_for_once_a_stage_begins(tmp_path):
    """`python -m stages.NAME` puts it off while the stage is imported; an import of `stages` does not."""
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/__init__.py").write_bytes((ROOT / "stages/__init__.py").read_bytes())
    lines = "import gc", "print(gc.isenabled())", "from strata.core.stage import run_stage"
    script = "\n".join([*lines, "run_stage(lambda: print(gc.isenabled()))"])
    (tmp_path / "stages/look.py").write_text(script)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def printed(*words):
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert printed("-m", "stages.look") == ["False", "True"]
    assert printed("-c", "import stages.look") == ["True", "True"]


def test_the_handler_of_sigterm_is_restored():
    before = signal.getsignal(signal.SIGTERM)
    run_stage(lambda: None)
    exit_code(StrataError("x"))
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_lack_of_memory_that_pytorch_tells_is_one_line():
    found = exit_code(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."))
    assert found == "error: out of memory; free some, or lower the stage's batch_size in params.yaml"


def test_the_parser_takes_params_and_shows_the_docstring(capsys):
    parser = stage_parser("Embed: maps.\n\n    python -m stages.embed")
    assert parser.parse_args([]).params == Path("params.yaml")
    assert parser.parse_args(["--params", "other.yaml"]).params == Path("other.yaml")
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    assert "Embed: maps.\n\n    python -m stages.embed\n" in capsys.readouterr().out


# Imports a stage, and says what the variable was when PyTorch's own libraries were about to be loaded.
WATCHED = """
import builtins, os, sys
real = builtins.__import__
def watched(name, *arguments, **options):
    if name == "torch" and "torch" not in sys.modules:
        print(os.environ.get("OMP_WAIT_POLICY"))
    return real(name, *arguments, **options)
builtins.__import__ = watched
import stages.{name}
"""


@pytest.mark.parametrize("name", ["train", "extract"])
def test_threads_that_wait_sleep_as_the_library_reads_it_when_it_is_loaded(name):
    variables = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-c", WATCHED.format(name=name)]
    done = subprocess.run(command, cwd=ROOT, env=variables, text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["PASSIVE"]
