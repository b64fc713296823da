"""The C locale, as in containers and cron: Python reads and writes UTF-8 there, unless UTF-8 mode is switched off."""

import shutil
from pathlib import Path

import pytest

from strata.commands.experiments import printable
from tests.environments.stand_ins import attempt, doctor

C_LOCALE = {"LC_ALL": "C", "LANG": None, "PYTHONUTF8": None, "PYTHONIOENCODING": None}
ASCII_ONLY = {**C_LOCALE, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def accented(project) -> Path:
    """The project, in a folder whose name has letters beyond ASCII."""
    return Path(shutil.move(project, project.with_name("prôjet 数")))


def test_the_pipeline_runs_and_the_doctor_finds_nothing(accented):
    done = attempt("dvc", "repro", "--force", "download", folder=accented, **C_LOCALE)
    assert done.returncode == 0 and "Running stage 'download'" in done.stdout
    assert doctor(accented, "--repro", **C_LOCALE).stderr == ""


def test_a_path_that_the_encoding_lacks_is_one_line_before_the_work(accented):
    done = doctor(accented, "--repro", **ASCII_ONLY)
    assert done.returncode == 1 and done.stderr == (
        "error: this folder's path has letters that DVC cannot read in the locale's ascii: export LC_ALL=C.UTF-8\n"
    )
    done = attempt("dvc", "repro", "--force", "download", folder=accented, **ASCII_ONLY)
    assert done.returncode != 0 and "surrogates not allowed" in done.stderr  # DVC, after the work
    assert doctor(accented, "--repro", **(ASCII_ONLY | {"PYTHONUTF8": None, "LC_ALL": "C.UTF-8"})).stderr == ""


def test_the_table_of_experiments_is_printed_in_ascii(project):
    training = '{"test_accuracy": 0.5, "train_accuracy": 0.5}'
    (project / "reports/training.json").write_text(training, encoding="utf-8")
    measures = '{"neighbourhood_hit": {"input": 0.25, "h6": 0.75}}'
    (project / "reports/measures.json").write_text(measures, encoding="utf-8")
    for variables, arrow in ((C_LOCALE, "→"), (ASCII_ONLY, "?")):
        done = attempt("python", "-m", "strata.commands.experiments", folder=project, **variables)
        assert done.returncode == 0 and f"0.250{arrow}0.750" in done.stdout


def test_only_what_the_encoding_lacks_is_replaced():
    assert printable("0.1→0.9, Mädchen, 数") == "0.1→0.9, Mädchen, 数"
