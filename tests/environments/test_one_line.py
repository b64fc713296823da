"""What ended in a traceback: odd faults of the machine, PYTHONSAFEPATH, blank images, `~` in a path. Now one line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages import download
from strata.core.errors import StrataError
from strata.core.files import path_of
from strata.sources.mirrors import _local_file
from strata.sources.params import DatasetParams
from tests.tiny_pipeline import ROOT, run_train

FILE_LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"


def stage(name: str, params: Path, *options: str, before: str = "", **variables: str) -> str:
    """Run a stage in a process of its own, which must fail; return the one line that it prints."""
    code = f"{before}\nimport sys\nfrom stages import {name}\nfrom strata.core.stage import run_stage\n"
    code += f"run_stage({name}.main)"
    command = [sys.executable, "-c", code, "--params", str(params), *options]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, text=True, capture_output=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("error: ")]
    return line


def test_a_file_that_would_be_too_large_is_one_line(write_params, tmp_path):
    line = stage("download", write_params(), "--out", str(tmp_path / "out"), before=FILE_LIMIT)
    assert line.startswith(f"error: {tmp_path}/out/")
    assert line.endswith(": the file would be larger than the file system, or `ulimit -f`, allows")
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name.endswith(".part")] == []


def test_a_file_in_the_place_of_a_folder_is_one_line(write_params, tmp_path):
    (tmp_path / "raw").write_text("", encoding="utf-8")
    line = stage("download", write_params(), "--out", str(tmp_path / "raw"))
    assert line == f"error: {tmp_path}/raw: a file is in the way; move it away"
    line = stage("download", write_params(), "--out", str(tmp_path / "raw/inside"))
    assert line == f"error: {tmp_path}/raw/inside: a part of this path is a file, not a folder; move that file away"


def test_a_name_that_is_too_long_is_one_line(write_params, tmp_path):
    out = tmp_path / ("a" * 300)
    line = stage("download", write_params(), "--out", str(out))
    assert line == f"error: {out}: the name is too long for the file system; choose a shorter one"


def test_make_finds_the_stages_under_safe_path(tmp_path):
    """With PYTHONSAFEPATH, `python -m stages.download` does not look in the project's folder; make takes it out."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("", encoding="utf-8")
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "safe path: [$PYTHONSAFEPATH]"\n', encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / ".venv/set-up-done").write_text(f"{tmp_path}\n", encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    printed = subprocess.run(
        ["make", "repro"],
        cwd=tmp_path,
        env={**variables, "PYTHONSAFEPATH": "1"},
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    assert printed.count("safe path: []\n") == 1 and "[1]" not in printed


def downloaded(name: str, write_params, out: Path, **changes) -> str:
    """Return what downloading user data of this name ends in."""
    with pytest.raises(StrataError) as caught:
        download.main(["--params", str(write_params(dataset={"name": name, **changes})), "--out", str(out)])
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "remedy"),
    [(0, "if they range from 0 to 1, save (images * 255).round().astype('uint8')"), (7, "check how they were saved")],
)
def test_blank_images_are_told(value, remedy, write_params, tmp_path):
    labels = np.arange(60) % 2
    np.savez(tmp_path / "blank.npz", images=np.full((60, 20, 20), value, np.uint8), labels=labels)
    said = downloaded(str(tmp_path / "blank.npz"), write_params, tmp_path / "raw")
    what = f"no pixel, or hardly any, differs from {value}"
    assert said == f"blank: the training images are blank: {what}; {remedy}"
    assert not (tmp_path / "raw/dataset.json").exists()


def test_white_ink_on_a_transparent_background_is_told_why_it_disappears(write_params, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "ink" / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.zeros((20, 20, 4), np.uint8)
            pixels[5:9, number : number + 8] = 255  # white, and opaque only there
            Image.fromarray(pixels).save(tmp_path / "ink" / name / f"{number}.png")
    said = downloaded(str(tmp_path / "ink"), write_params, tmp_path / "raw")
    assert said == (
        "ink: the training images are blank: all white, as transparent parts become; if the ink is white:"
        " mogrify -background black -alpha remove */*.*"
    )


def test_a_tilde_is_the_home_folder_in_every_path(write_params, tiny_data, tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "mirror").mkdir(parents=True)
    (home / "mirror/a").write_bytes(b"")
    monkeypatch.setenv("HOME", str(home))
    own = DatasetParams(
        name="~/digits", mirrors=[], image_side=None, colour="grey", test_share=0.2, shuffle_labels=False
    )
    assert own.own_path == home / "digits"
    assert _local_file("~/mirror", "a") == home / "mirror/a"
    assert path_of("./~") == Path("~") and path_of("a/~/b") == Path("a/~/b")
    with pytest.raises(StrataError, match=f"^{home}/net.pt"):
        run_train(write_params(train={"init_from": "~/net.pt"}), tiny_data, tmp_path)


def test_the_home_of_nobody_is_told():
    with pytest.raises(StrataError, match=r"^~nobody-at-all/a: there is no such home folder; write the path in full$"):
        path_of("~nobody-at-all/a")
