"""The doctor: what a full disk or a power cut left is mended, and the rest is one line with what to type."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from dvc.rwlock import SCHEMA
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from strata.commands import doctor, dvc_state, repair
from strata.commands.dvc_state import dvc_at_work, is_lock, mend
from strata.commands.place import path_faults
from tests.environments.small_clone import run
from tests.environments.stand_ins import attempt
from tests.environments.stand_ins import doctor as run_doctor
from tests.tiny_pipeline import ROOT

RWLOCK = ".dvc/tmp/rwlock"
INFO = {"pid": 1, "cmd": "dvc repro"}
CUT = ["", "\0" * 20, "{", '{"read": {"/x": [{"pid": 1', "[]", "null", '{"read": 3}', '{"write": {"/x": 1}}']
WHOLE = [{}, {"write": {}}, {"read": {"/x": [INFO]}, "write": {"/x": INFO}}]


@pytest.fixture
def plain(tmp_path, monkeypatch) -> Path:
    """A folder with a Git repository and DVC's folder, where this test runs; no DVC process is looked for elsewhere."""
    run("git", "init", "--quiet", folder=tmp_path)
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(folder: Path) -> list[str]:
    found, _ = doctor.look(folder)
    assert all(len(f"error: {fault}") <= 200 for fault in found), found
    return found


def test_a_project_without_faults_takes_less_than_half_a_second(project):
    """With all that a run leaves; of several tries the fastest, as other work may disturb one."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        done = run_doctor(project)
        seconds.append(time.perf_counter() - start)
        assert (done.returncode, done.stdout, done.stderr) == (0, "doctor: nothing to mend\n", "")
    assert min(seconds) < 0.5
    (project / "strata/commands/probe.py").write_text(
        "import sys\nfrom strata.commands import doctor\ndoctor.main([])\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'dvc', 'torch', 'pandas', 'numpy', 'pydantic'}))",
        encoding="utf-8",
    )
    assert run("python", "-m", "strata.commands.probe", folder=project) == "doctor: nothing to mend\n[]\n"


# --- DVC's own files ---


@pytest.mark.parametrize("text", CUT)
def test_a_list_of_readers_and_writers_that_is_cut_short_is_removed(plain, text, capsys):
    with pytest.raises((ValueError, Invalid)):
        SCHEMA(json.loads(text))  # DVC's own check
    (plain / RWLOCK).write_text(text, encoding="utf-8")
    doctor.main([])
    assert not (plain / RWLOCK).exists()
    line = f"mended: removed {RWLOCK}, cut short by a full disk or a power cut; DVC makes such files again"
    assert line in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("content", WHOLE)
def test_one_that_dvc_can_read_is_left_alone(plain, content):
    SCHEMA(content)
    text = json.dumps(content)
    (plain / RWLOCK).write_text(text, encoding="utf-8")
    assert mend(plain / ".dvc") == [] and (plain / RWLOCK).read_text(encoding="utf-8") == text


def test_dvc_works_again_after_its_files_were_cut_short(project):
    """Empty lock, btime and rwlock.lock do not disturb DVC; rwlock does, and so does its database of hashes."""
    for name in ("lock", "btime", "rwlock.lock"):
        (project / ".dvc/tmp" / name).write_text("", encoding="utf-8")
    assert "up to date" in run("dvc", "status", folder=project)
    (project / RWLOCK).write_text('{"wri', encoding="utf-8")
    done = attempt("dvc", "repro", "download", folder=project)
    assert "Unable to read RWLock-file" in done.stderr
    assert run_doctor(project, "--repro").returncode == 0
    assert "didn't change, skipping" in run("dvc", "repro", "download", folder=project)


def test_a_damaged_database_of_hashes_is_left_and_made_again(project):
    code = "from dvc.repo import Repo; print(Repo().site_cache_dir)"
    (database,) = Path(run("python", "-c", code, folder=project).strip()).glob("hashes/*/cache.db")
    for path in database.parent.glob("cache.db-*"):
        path.unlink()
    database.write_bytes(database.read_bytes()[:20000])
    assert "database disk image is malformed" in attempt("dvc", "status", folder=project).stderr
    done = run_doctor(project, "--repro")
    assert done.returncode == 0
    assert done.stderr == "mended: DVC's records of hashes were damaged; it reads the files again\n"
    assert "up to date" in run("dvc", "status", folder=project)


def test_other_faults_of_the_database_are_not_taken_for_damage(plain, monkeypatch):
    def full() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(repair, "repair_here", full)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        doctor.look_at_cache(plain)


def test_the_queue_works_again_after_its_files_were_cut_short(project):
    queue = ("dvc", "exp", "run", "--queue", "-S", "train.epochs=3", "train")
    run(*queue, folder=project)
    broker = project / ".dvc/tmp/exps/celery/broker"
    (message,) = broker.glob("in/*.msg")
    for path in (message, broker / "control/celery.exchange"):
        path.write_bytes(path.read_bytes()[:10])
    assert "ERROR" in attempt(*queue, folder=project).stderr
    done = run_doctor(project)
    assert done.stderr == (
        "mended: removed .dvc/tmp/exps/celery/broker/control/celery.exchange and 1 more, cut short by a full disk or a"
        " power cut; DVC makes such files again; an experiment may be missing from the queue\n"
    )
    run(*queue, folder=project)
    assert len(list(broker.glob("in/*.msg"))) == 1


def test_nothing_is_mended_while_a_dvc_is_at_work(plain):
    """A process whose command line is DVC's, in a folder of the project; then one that only holds DVC's lock."""
    (plain / RWLOCK).write_text("", encoding="utf-8")
    (plain / "inside").mkdir()
    sleeper = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)", "dvc"]
    with subprocess.Popen(sleeper, cwd=plain / "inside", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        assert dvc_at_work(plain) == process.pid
        assert faults(plain) == [
            f"{RWLOCK}: damaged or cut short, and a DVC is at work here (process {process.pid}); wait for it, or end"
            " it, then run `make doctor`"
        ]
        process.kill()
    assert (plain / RWLOCK).exists() and dvc_at_work(plain) is None
    holder = "import time; from zc.lockfile import LockFile; lock = LockFile('.dvc/tmp/lock'); print(flush=True)"
    command = [sys.executable, "-c", f"{holder}; time.sleep(60)"]
    with subprocess.Popen(command, cwd=plain, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        assert faults(plain) == [
            f"{RWLOCK}: damaged or cut short, and a DVC is at work here; wait for it, or end it, then run `make doctor`"
        ]
        process.kill()
    assert (plain / RWLOCK).exists()
    assert faults(plain) == [] and not (plain / RWLOCK).exists()


# --- dvc.lock ---


def dvc_reads(text: str) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (Invalid, YAMLError):
        return False
    return True


def test_a_lock_cut_anywhere_is_refused_where_dvc_refuses_it():
    text = (ROOT / "dvc.lock").read_text(encoding="utf-8")
    cuts = [*range(0, 2500, 31), *range(2500, len(text), 997), len(text)]
    # Digits after a 0 are an octal number in YAML 1.1 only: such a piece of a hash is damaged for the doctor.
    cuts = [cut for cut in cuts if not re.search(r" 0\d+$", text[:cut])]
    verdicts = [(is_lock(text[:cut]), dvc_reads(text[:cut])) for cut in cuts]
    assert [cut for cut, (ours, dvcs) in zip(cuts, verdicts, strict=True) if ours != dvcs] == []
    assert {ours for ours, _ in verdicts} == {True, False}


@pytest.mark.parametrize(
    ("piece", "read"), [("62", False), ("623", True), ("62e", True), ("6e23", False), ("a", False)]
)
def test_a_hash_of_which_few_characters_are_left(piece, read):
    text = f"schema: '2.0'\nstages:\n  one:\n    cmd: a\n    deps:\n    - path: b\n      hash: md5\n      md5: {piece}"
    assert is_lock(text) == dvc_reads(text) == read


@pytest.mark.parametrize(("content", "what"), [("\0" * 300, "is empty"), ("schema: '2", "is damaged")])
def test_a_lock_that_a_power_cut_emptied_is_one_line_and_the_remedy_works(project, content, what):
    lock = project / "dvc.lock"
    before = lock.read_bytes()
    lock.write_text(content, encoding="utf-8")
    done = run_doctor(project, "--repro")
    what = f"{what} or cut short" if "damaged" in what else what
    assert done.returncode == 1
    assert done.stderr == (
        f"error: dvc.lock {what}: `git checkout dvc.lock`, then `make repro`; DVC's cache has the results\n"
    )
    assert lock.read_text(encoding="utf-8") == content  # it is never changed
    run("git", "checkout", "dvc.lock", folder=project)
    assert lock.read_bytes() == before and run_doctor(project, "--repro").stderr == ""


def test_a_lock_that_git_does_not_have_is_made_again_from_the_cache(project):
    lock = project / "dvc.lock"
    before = lock.read_bytes()
    lock.write_text("", encoding="utf-8")
    run("git", "rm", "--quiet", "--cached", "dvc.lock", folder=project)
    run("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "no lock", folder=project)
    assert faults(project) == [
        "dvc.lock is empty: `mv dvc.lock dvc.lock.bak`, then `make repro`; DVC's cache has the results"
    ]
    lock.rename(project / "dvc.lock.bak")
    assert "Running stage" not in run("dvc", "repro", "train", folder=project)
    after, before = (yaml.safe_load(content)["stages"] for content in (lock.read_bytes(), before))
    assert after == {name: before[name] for name in ("download", "train")}


def test_conflict_markers_are_one_line_and_the_remedy_works(plain):
    text = "schema: '2.0'\nstages:\n  a:\n    cmd: {}\n"
    commit = ("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "--quiet", "--all", "-m", "x")
    lock = plain / "dvc.lock"
    lock.write_text(text.format("base"), encoding="utf-8")
    run("git", "add", "dvc.lock", folder=plain)
    run(*commit, folder=plain)
    run("git", "branch", "theirs", folder=plain)
    lock.write_text(text.format("ours"), encoding="utf-8")
    run(*commit, folder=plain)
    run("git", "checkout", "--quiet", "theirs", folder=plain)
    lock.write_text(text.format("theirs"), encoding="utf-8")
    run(*commit, folder=plain)
    assert attempt("git", "merge", "-", folder=plain).returncode == 1
    assert "<<<<<<< HEAD" in lock.read_text(encoding="utf-8")
    line = "dvc.lock has Git's conflict markers: `git checkout {}dvc.lock`, then `make repro` and `git add dvc.lock`"
    assert faults(plain) == [line.format("--ours ")]
    marked = lock.read_text(encoding="utf-8")
    run("git", "checkout", "--ours", "dvc.lock", folder=plain)
    assert lock.read_text(encoding="utf-8") == text.format("theirs") and faults(plain) == []
    run("git", "add", "dvc.lock", folder=plain)
    lock.write_text(marked, encoding="utf-8")
    assert faults(plain) == [line.format("")]
    for name in ("dvc.yaml", "params.yaml"):
        (plain / name).write_text("a: 1\n<<<<<<< HEAD\nb: 1\n", encoding="utf-8")
    assert [fault for fault in faults(plain) if "dvc.lock" not in fault] == [
        f"{name} has Git's conflict markers: edit it, then `git add {name}`" for name in ("dvc.yaml", "params.yaml")
    ]


# --- the environment ---


def test_too_few_threads_are_told_before_any_work(plain, monkeypatch):
    (plain / "params.yaml").write_text("train: {threads: 2}\nextract: {threads: 1}\n", encoding="utf-8")
    for limit in ("2", "", "many"):
        monkeypatch.setenv("OMP_THREAD_LIMIT", limit)
        assert faults(plain) == []
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")
    assert faults(plain) == [
        "OMP_THREAD_LIMIT is 1, but train.threads is 2, and PyTorch would wait for ever; unset OMP_THREAD_LIMIT, or"
        " set train.threads to 1"
    ]


def test_a_colon_in_the_path_is_one_line():
    folder = Path(f"/a{os.pathsep}b")
    assert list(path_faults(folder)) == [
        f"the path of this folder has a '{os.pathsep}', which separates folders in PATH: rename '{folder}'"
    ]


def test_files_and_commits_from_the_future_are_a_note_and_nothing_is_stale(project):
    now = time.time()
    assert doctor.clock_notes(project, now) == []
    os.utime(project / "params.yaml", (now + 86400,) * 2)
    (note,) = doctor.clock_notes(project, now)
    shown, then = (time.strftime("%Y-%m-%d %H:%M", time.localtime(each)) for each in (now, now + 86400))
    assert note == (
        f"note: the clock shows {shown}, but params.yaml is from {then}: set the clock, or `touch params.yaml` if it is"
        " right; downloads may fail"
    )
    (project / "params.yaml").touch()
    os.utime(project / "params.yaml", (0, 0))
    notes = doctor.clock_notes(project, 0)  # a computer without a battery starts in 1970
    assert len(notes) == 1 and len(notes[0]) <= 200 and notes[0].startswith("note: the clock shows 19")
    for path in (project / "data").rglob("*"):
        os.utime(path, (now + 86400,) * 2)
    assert "up to date" in run("dvc", "status", folder=project)


def test_a_python_that_was_not_set_up_is_one_line(project, tmp_path):
    """DVC, typed by hand without .venv active, runs stages with the `python` of the PATH."""
    other = tmp_path / "other"
    run(sys.executable, "-m", "venv", "--without-pip", str(other), folder=tmp_path)
    done = attempt(str(other / "bin/python"), "-m", "stages.train", folder=project)
    assert done.returncode == 1 and done.stderr == (
        f"error: `python` is {other}/bin/python, which was not set up for Strata: type `. .venv/bin/activate`, or use"
        " `make repro`\n"
    )
    assert run_doctor(project, STRATA_TYPED_PATH=str(other / "bin")).stderr == (
        f"note: `python` is {other}/bin/python: type `. .venv/bin/activate` before `dvc`, or stages fail\n"
    )
    assert run_doctor(project, "--repro", STRATA_TYPED_PATH=str(other / "bin")).stderr == ""
    assert "`python` is missing: type" in run_doctor(project, STRATA_TYPED_PATH="").stderr


def test_a_repository_of_another_user_is_a_note(plain, monkeypatch):
    said = "fatal: detected dubious ownership in repository at '/a'"
    monkeypatch.setattr(doctor, "git_says", lambda *words, **_: said if "rev-parse" in words else "someone")
    assert doctor.experiment_notes(plain) == [
        'note: Git distrusts this folder, as another user owns it: git config --global --add safe.directory "$PWD"'
    ]


def test_the_shell_that_tests_are_run_from_does_not_matter():
    """Without .venv active, with settings of Strata, and in the background, where a shell lets Ctrl-C be ignored."""
    inner = ["core/test_stage.py::test_a_signal_ends_a_stage_without_a_word_and_removes_what_is_half_written"]
    inner += ["environments/test_doctor.py::test_a_repository_of_another_user_is_a_note"]
    shell = {
        "PATH": "/usr/bin:/bin",
        "STRATA_TYPED_PATH": "/usr/bin:/bin",
        "STRATA_PLAN": "no",
        "STRATA_PROCESSES": "0",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{name}" for name in inner)]
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    done = subprocess.run(ignoring, cwd=ROOT, env=os.environ | shell, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout


def test_without_git_installed_the_doctor_says_nothing_of_it(project):
    done = run_doctor(project, "--repro", PATH=f"{Path(sys.executable).parent}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fault_of_the_machine_is_one_line(monkeypatch):
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", ".dvc/tmp/rwlock")

    monkeypatch.setattr(doctor, "main", denied)
    with pytest.raises(SystemExit, match=r"^error: .dvc/tmp/rwlock: Permission denied$"):
        doctor.run_doctor()


def test_names_in_a_line_are_few():
    assert dvc_state._shortened(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
