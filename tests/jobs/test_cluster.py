"""Jobs through a real Dask scheduler on the loopback address: the same results, also when a worker dies."""

import os
import shutil
import signal
import time
from contextlib import contextmanager, nullcontext
from threading import Event, Thread

import numpy as np
import pytest
from distributed import Client

from strata.core.errors import StrataError
from strata.core.limits import THREADS_EACH
from strata.core.portable import LIMITS
from strata.jobs import cluster
from strata.jobs.pool import run_jobs, started_pool
from strata.network import layer_files
from tests.jobs.pool_jobs import die_once, environment, folder_and_threads, give_up, square_after_a_while
from tests.tiny_pipeline import run_embed, run_extract, run_train

pytestmark = pytest.mark.filterwarnings("default")  # distributed's own, of its threads and sockets


def started_cluster(workers: int):
    """Return a scheduler of this machine's own, at any free ports, with worker processes of one thread."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # None stands for port 8787 of all addresses
    )


@pytest.fixture(scope="module")
def scheduler():
    """Address of a scheduler with two workers."""
    with started_cluster(workers=2) as found:
        yield found.scheduler_address


@pytest.fixture(autouse=True)
def through_the_scheduler(scheduler, monkeypatch):
    monkeypatch.setenv("STRATA_SCHEDULER", scheduler)


def test_results_come_in_the_order_of_the_jobs():
    assert run_jobs(square_after_a_while, [0, 1, 2, 3], "square") == [0, 1, 4, 9]


def test_jobs_run_elsewhere_in_this_folder_and_with_one_thread(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, process, threads in run_jobs(folder_and_threads, [1, 2], "look"):
        assert folder == str(tmp_path)
        assert process != os.getpid()
        assert set(threads) <= {1}


def test_a_worker_has_one_thread_unless_it_was_started_with_more():
    assert run_jobs(environment, [THREADS_EACH], "look")[0][0] == "1"


def test_a_job_whose_worker_dies_is_done_again(tmp_path):
    marker = tmp_path / "died"
    assert run_jobs(die_once, [(str(marker), 3), (str(marker), 4)], "work") == [9, 16]
    assert marker.exists()


def test_an_error_of_a_job_is_raised_here():
    with pytest.raises(StrataError, match="layer 'h3': nothing to embed"):
        run_jobs(give_up, ["h3"], "work")


def test_workers_with_other_code_are_refused(monkeypatch):
    monkeypatch.setattr(cluster, "own_fingerprint", lambda: "another")
    with pytest.raises(StrataError, match="runs another version of Strata; restart it from this folder"):
        run_jobs(environment, ["HOME"], "look")


def test_workers_without_the_limits_of_portable_mode_are_refused(monkeypatch):
    for name, value in LIMITS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StrataError) as caught:
        run_jobs(environment, ["HOME"], "look")
    assert str(caught.value).endswith(
        " is not `reproducible: portable`; start it with `env $(python -m strata.core.portable) dask worker ADDRESS`"
    )


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch, address):
    monkeypatch.setenv("STRATA_SCHEDULER", address)
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 1)
    with pytest.raises(StrataError, match="STRATA_SCHEDULER: no scheduler answers at"), started_pool(2):
        pass


def test_a_scheduler_without_workers_is_one_line(monkeypatch):
    with started_cluster(workers=0) as empty:
        monkeypatch.setenv("STRATA_SCHEDULER", empty.scheduler_address)
        with pytest.raises(StrataError, match="the scheduler has no workers"), started_pool(2):
            pass


def test_the_fingerprint_is_that_of_the_code(tmp_path, monkeypatch):
    package = tmp_path / "strata/jobs"
    package.mkdir(parents=True)
    (package / "cluster.py").write_text("one = 1\n")
    monkeypatch.setattr(cluster, "__file__", str(package / "cluster.py"))
    first = cluster.fingerprint()
    assert cluster.fingerprint() == first
    (package / "cluster.py").write_text("one = 2\n")
    assert cluster.fingerprint() != first


@pytest.fixture
def trained(tiny_data, write_params, tmp_path):
    """A folder with raw/ and model/ of the tiny data set."""
    folder = tmp_path / "trained"
    shutil.copytree(tiny_data, folder / "raw")
    run_train(write_params(), folder / "raw", folder)
    return folder


def test_activations_and_maps_are_the_same_bytes_also_when_a_worker_is_killed(
    scheduler, trained, write_params, tmp_path, monkeypatch
):
    params = write_params()
    there, here = (shutil.copytree(trained, tmp_path / name) for name in ("there", "here"))
    with killed_worker(scheduler, "write_layers") as extracting:
        run_extract(params, there / "raw", there)
    with killed_worker(scheduler, "run_embed") as embedding:
        run_embed(params, there)
    assert len(extracting) == len(embedding) == 1
    monkeypatch.delenv("STRATA_SCHEDULER")
    run_extract(params, here / "raw", here)
    run_embed(params, here)
    for folder in ("activations", "embeddings"):
        files = sorted((here / folder).iterdir())
        assert [path.name for path in sorted((there / folder).iterdir())] == [path.name for path in files]
        for path in files:
            assert (there / folder / path.name).read_bytes() == path.read_bytes(), path.name


def test_workers_that_compute_other_bits_are_refused(trained, write_params, monkeypatch):
    outputs = [np.zeros((40, 10), np.float32) + 1e-7 * (place == 3) for place in range(7)]
    monkeypatch.setattr(layer_files, "started_pool", lambda _: nullcontext(FixedResults(outputs)))
    with pytest.raises(
        StrataError, match="the cluster's workers compute different bits; use machines of the same kind"
    ):
        run_extract(write_params(), trained / "raw", trained)


class FixedResults:
    def __init__(self, results):
        self.results = results

    def run(self, *_):
        return self.results


@contextmanager
def killed_worker(scheduler, job):
    """Context that kills the first worker that is seen at a job of this name; yields a list of who was killed."""
    killed, over = [], Event()

    def watch():
        with Client(scheduler, set_as_default=False) as client:
            processes = client.run(os.getpid)
            while not over.is_set() and not killed:
                busy = [worker for worker, tasks in client.processing().items() if any(job in str(t) for t in tasks)]
                for worker in busy[:1]:
                    os.kill(processes[worker], signal.SIGKILL)
                    killed.append(worker)
                time.sleep(0.005)
            client.wait_for_workers(2)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
