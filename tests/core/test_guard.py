"""The guard of a stage: it ends what no longer hears a signal, and removes what a killed stage leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.waiting import wait_until

SECONDS = 5  # between the signal and the kill
KILLED = "error: killed, as it did not end within 5 s of the signal\n"

# A mutex that its own thread has locked already is waited for in native code, whatever signals arrive. A PyDLL keeps
# the interpreter's lock meanwhile, so that no thread of Python runs either.
LIBRARIES = ("CDLL", "PyDLL")
STUCK = """
import ctypes, sys, time
from pathlib import Path
from strata.core.files import whole_file, whole_folder
from strata.core.stage import run_stage

def main():
    library, mutex = getattr(ctypes, sys.argv[1])(None), ctypes.create_string_buffer(256)
    library.pthread_mutex_init(mutex, None)
    library.pthread_mutex_lock(mutex)
    folder = Path(sys.argv[2])
    with whole_file(folder / "file.txt") as part, whole_folder(folder / "new") as new:
        part.write_text("half")
        (new / "half").touch()
        library.pthread_mutex_lock(mutex)

run_stage(main)
"""

SLEEPING = STUCK.replace("library.pthread_mutex_lock(mutex)\n\n", "time.sleep(60)\n\n")

WITH_A_CHILD = """
import subprocess, sys
from pathlib import Path
from strata.core.stage import run_stage

def main():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(sys.argv[1]).write_text(str(child.pid))
    while True:
        try:
            child.wait()
        except SystemExit:
            pass

run_stage(main)
"""


def started(program: str, *arguments: object, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stderr=subprocess.PIPE, text=True, **options
    )


def folder_of(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def is_stuck(folder: Path) -> bool:
    return (folder / ".new.part/half").exists()


def guards_of(process: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(process).children() if "guard_process.py" in " ".join(child.cmdline())]


def test_a_stage_that_is_stuck_in_native_code_is_killed_after_five_seconds(tmp_path):
    cases = [(library, kind) for library in LIBRARIES for kind in (signal.SIGTERM, signal.SIGINT)]
    folders = [folder_of(tmp_path, f"{library} {kind.name}") for library, kind in cases]
    processes = [started(STUCK, library, folder) for (library, _), folder in zip(cases, folders, strict=True)]
    wait_until(lambda: all(map(is_stuck, folders)))
    begin = time.monotonic()
    for process, (_, kind) in zip(processes, cases, strict=True):
        process.send_signal(kind)
    for process, folder in zip(processes, folders, strict=True):
        assert process.communicate(timeout=20)[1] == KILLED
        assert SECONDS <= time.monotonic() - begin < SECONDS + 4
        assert process.returncode == -signal.SIGKILL
        assert list(folder.iterdir()) == []


def test_a_stage_that_is_stuck_in_native_code_ends_with_dvc(tmp_path):
    """DVC may be killed alone; a shell stands for it here."""
    folders = [folder_of(tmp_path, library) for library in LIBRARIES]
    command = ["sh", "-c", '"$@" & wait', "sh", sys.executable, "-c", STUCK]
    variables = {**os.environ, "DVC_STAGE": "embed"}
    shells = [
        subprocess.Popen([*command, library, str(folder)], env=variables, stderr=subprocess.PIPE, text=True)
        for library, folder in zip(LIBRARIES, folders, strict=True)
    ]
    wait_until(lambda: all(map(is_stuck, folders)))
    for shell in shells:
        shell.kill()
    for shell, folder in zip(shells, folders, strict=True):
        assert shell.communicate(timeout=20)[1] == KILLED
        assert list(folder.iterdir()) == []


def test_what_a_killed_stage_had_not_finished_is_removed(tmp_path):
    process = started(SLEEPING, "CDLL", tmp_path)
    wait_until(lambda: is_stuck(tmp_path))
    process.kill()
    process.communicate(timeout=20)
    assert list(tmp_path.iterdir()) == []


def test_a_stage_whose_guard_was_killed_goes_on_and_ends_by_itself(tmp_path):
    process = started(SLEEPING, "CDLL", tmp_path)
    wait_until(lambda: is_stuck(tmp_path))
    (guard,) = guards_of(process.pid)
    guard.kill()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []


def test_processes_that_a_stage_started_are_killed_with_it(tmp_path):
    process = started(WITH_A_CHILD, tmp_path / "child")
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    child = psutil.Process(int((tmp_path / "child").read_text()))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_the_guard_ends_with_a_stage_that_succeeds():
    program = "from strata.core.stage import run_stage\nimport sys\nrun_stage(lambda: None)\nsys.stdin.read()"
    process = started(program, stdin=subprocess.PIPE)
    wait_until(lambda: all(guard.status() == psutil.STATUS_ZOMBIE for guard in guards_of(process.pid)))
    assert process.communicate("")[1] == ""
    assert process.returncode == 0
