"""One fault of each kind of `make kills` for DVC itself: an experiment killed, a full disk, a file of .dvc/tmp cut."""

import random

import pytest

from benchmarks.dvc_faults import Faults, cut_file, cuts, fill_disk, kill_experiment, small_disk, undisturbed_run


def test_a_kill_a_cut_file_and_a_full_disk_leave_no_difference(tmp_path):
    faults = Faults()
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip("needs the right to mount")
        whole = undisturbed_run(disk / "clone")
        kill_experiment(whole, 0, random.Random(0), faults)
        path, length = next((path, length) for path, length in cuts(whole.folder) if path.name == "rwlock")
        cut_file(whole, path, length, faults)
        fill_disk(whole, 0, 20, faults)
    assert faults.differences == []
    assert faults.counts == {"dvc exp run, SIGKILL": 1, "a file of .dvc/tmp cut short": 1, "the disk is full": 1}
