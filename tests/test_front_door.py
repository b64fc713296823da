"""`import strata`: every public name has an example that runs, and importing it costs nothing."""

import doctest
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import strata
from strata import observed
from strata import run as front_door
from strata.core import errors
from tests.tiny_pipeline import ROOT

GLOBALS = {**vars(front_door), **vars(observed), **vars(errors), "torch": torch, "strata": strata}
EXAMPLES = [
    test
    for module in (front_door, observed, errors)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=GLOBALS.copy())
    if test.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_is_true(example, tiny_run, monkeypatch):
    monkeypatch.chdir(tiny_run)
    monkeypatch.syspath_prepend(str(ROOT))
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert said == []


def test_every_public_name_has_an_example():
    shown = {example.name.split(".")[-1] for example in EXAMPLES}
    assert set(strata.__all__) <= shown
    for kind in (strata.Run, strata.ObservedRun):
        assert {name for name, value in vars(kind).items() if callable(value) and not name.startswith("_")} <= shown


def test_public_names_are_listed_and_others_are_refused():
    assert {getattr(strata, name).__name__ for name in strata.__all__} == set(strata.__all__) <= set(dir(strata))
    with pytest.raises(
        AttributeError, match="module 'strata' has no attribute 'open'; it has ObservedRun, Run, StrataError"
    ):
        strata.open  # noqa: B018


def test_a_map_may_start_from_its_own_layer(tiny_run):
    run = strata.open_run(tiny_run)
    common, own = (run.new_map("h6", initialization_layer=start) for start in ("input", "own"))
    assert common.shape == own.shape == (40, 2)
    assert np.abs(common - own).max() > 1
    np.testing.assert_array_equal(run.new_map("input", initialization_layer="own"), run.new_map("input"))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"perplexity": 13.5}, "embed.perplexity 13.5 is too large for 40 points: at most 13 with these"),
        (
            {"initialization_layer": "h9"},
            "embed.initialization_layer 'h9' is not among the layers (input, h4, h6), nor",
        ),
    ],
)
def test_a_map_that_cannot_be_drawn_is_one_line(settings, text, tiny_run):
    with pytest.raises(strata.StrataError, match=re.escape(text)):
        strata.open_run(tiny_run).new_map("h6", **settings)


def test_importing_strata_imports_no_package():
    code = "import strata, sys; print(sorted(name for name in sys.modules if name.startswith('strata.')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_opening_a_run_does_not_import_torch():
    code = "import strata, sys; strata.open_run('.').params; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
