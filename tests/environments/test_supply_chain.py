"""What is installed is named exactly, tools tell no one of their use, and the fuzzer's pin is the same everywhere."""

import configparser
import re
import tomllib

from tests.tiny_pipeline import ROOT

REQUIREMENTS = [
    line
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_every_requirement_is_one_version_of_a_package_by_name():
    assert len(REQUIREMENTS) > 100
    for line in REQUIREMENTS:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.+]*( ; .+)?", line), line


def test_dvc_sends_nothing_of_its_own():
    config = configparser.ConfigParser()
    config.read_string(re.sub(r"(?m)^\s+", "", (ROOT / ".dvc" / "config").read_text(encoding="utf-8")))
    assert config["core"]["analytics"] == config["core"]["check_update"] == "false"


def test_the_fuzzer_is_pinned_once_and_for_all_and_no_requirement():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (requirement,) = extras["fuzz"]
    pin = requirement.partition(";")[0]
    assert re.fullmatch(r"atheris==[0-9.]+", pin)
    assert not any(line.startswith("atheris") for line in REQUIREMENTS)
    for name in ("Makefile", "fuzz/run.py", "docs/reliability.md"):
        assert set(re.findall(r"atheris==[0-9.]+", (ROOT / name).read_text(encoding="utf-8"))) == {pin}, name
