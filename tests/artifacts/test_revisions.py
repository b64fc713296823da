"""`open_run` of a revision reads what was committed, lazily, and leaves the workspace alone."""

import gc

import numpy as np
import pytest

import strata
from tests.environments.small_clone import run as command


def test_a_revision_is_read_from_the_cache(small_clone):
    here, there = strata.open_run(small_clone), strata.open_run(small_clone, "HEAD")
    assert list(there.layers) == list(here.layers)
    np.testing.assert_array_equal(there.map("h6").points, here.map("h6").points)
    np.testing.assert_array_equal(there.activations("h5").values, here.activations("h5").values)
    assert there.measures.table.equals(here.measures.table) and there.training == here.training
    assert there.paths.weights.read_bytes() == here.paths.weights.read_bytes()
    assert command("git", "status", "--porcelain", folder=small_clone) == ""


def test_only_what_is_asked_for_is_copied_and_it_goes_with_the_run(small_clone):
    there = strata.open_run(small_clone, "HEAD")
    _ = there.params
    root = there.paths.raw.parent.parent
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["params.yaml"]
    there.map("h5")
    copied = {path.name for path in (root / "data").rglob("*.parquet")}
    assert copied == {"samples.parquet", "h5.parquet"}
    del there
    gc.collect()
    assert not root.exists()


def test_an_unknown_revision_is_one_line(small_clone):
    run = strata.open_run(small_clone, "no-such-run")
    with pytest.raises(strata.StrataError, match="'no-such-run' is neither an experiment nor a Git revision"):
        _ = run.params
