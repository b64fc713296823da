"""A scheduler and two workers over TLS: only who has a certificate of their authority gets in."""

import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from distributed import Client

from strata.core.errors import StrataError
from strata.jobs import cluster
from strata.jobs.encryption import PREFIX
from strata.jobs.pool import run_jobs, started_pool
from tests.jobs.certificates import certificates
from tests.jobs.pool_jobs import environment, square_after_a_while
from tests.tiny_pipeline import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("default")  # distributed's own, of its threads and sockets


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("encrypted")


@pytest.fixture(scope="module")
def variables(folder) -> dict[str, str]:
    """The environment variables of those who belong to the cluster."""
    return certificates(folder / "own")


@pytest.fixture(scope="module")
def scheduler(folder, variables):
    """Address of a scheduler with two workers, started by the commands of docs/clusters.md."""
    where = folder / "scheduler.json"
    options = ["--protocol", "tls", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(where)]
    processes = [dask(variables, "scheduler", *options)]
    try:
        wait_until(where.exists)
        wait_until(lambda: where.read_text(encoding="utf-8").endswith("}"))
        address = json.loads(where.read_text(encoding="utf-8"))["address"]
        options = ["--nthreads", "1", "--nworkers", "2", "--local-directory", str(folder)]
        processes.append(dask(variables, "worker", address, *options))
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)


def dask(variables, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, stderr=subprocess.DEVNULL)


def dask_with(variables: dict[str, str]):
    """Context in which Dask has read these variables: it reads the environment when it is imported."""
    import dask

    read = {name.removeprefix("DASK_").lower().replace("__", "."): value for name, value in variables.items()}
    return dask.config.set({name: value == "True" or value for name, value in read.items()})


def refusal(monkeypatch, address: str, variables: dict[str, str]) -> str:
    """Return the one line that ends a stage which tries to use the scheduler."""
    monkeypatch.setenv("STRATA_SCHEDULER", address)
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 3)
    with dask_with(variables), pytest.raises(StrataError) as caught, started_pool(2):
        pass
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 200
    return str(caught.value)


def test_jobs_run_over_encrypted_connections(scheduler, variables, monkeypatch):
    monkeypatch.setenv("STRATA_SCHEDULER", scheduler)
    assert scheduler.startswith("tls://127.0.0.1:")
    with dask_with(variables):
        with Client(scheduler, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=20)
            assert all(worker.startswith("tls://127.0.0.1:") for worker in client.scheduler_info()["workers"])
        assert run_jobs(square_after_a_while, [0, 1, 2, 3], "square") == [0, 1, 4, 9]
        assert os.getpid() not in {process for _, process in run_jobs(environment, ["HOME"] * 8, "look")}


@pytest.mark.parametrize("variable", ["TLS__CA_FILE", "TLS__CLIENT__CERT", "TLS__CLIENT__KEY"])
def test_without_a_certificate_it_is_told_which_variable_to_set(scheduler, variables, variable, monkeypatch):
    left = {name: value for name, value in variables.items() if name != PREFIX + variable}
    line = f"STRATA_SCHEDULER: tls:// needs certificates: set {PREFIX}{variable}; see docs/clusters.md"
    assert refusal(monkeypatch, scheduler, left) == line


def test_a_certificate_that_is_not_there_is_named(scheduler, variables, monkeypatch):
    there = {**variables, f"{PREFIX}TLS__CLIENT__KEY": "/no/such.pem"}
    assert refusal(monkeypatch, scheduler, there) == f"{PREFIX}TLS__CLIENT__KEY: there is no file /no/such.pem"


def test_certificates_of_another_authority_are_refused(scheduler, variables, folder, monkeypatch):
    others = certificates(folder / "others")
    start = f"STRATA_SCHEDULER: no scheduler answers at {scheduler!r} ("
    assert refusal(monkeypatch, scheduler, others).startswith(start + "TLS certificate does not match")
    # The scheduler, too, refuses: this client trusts it, but its own certificate is of no authority that it trusts.
    mixed = {**others, f"{PREFIX}TLS__CA_FILE": variables[f"{PREFIX}TLS__CA_FILE"]}
    assert refusal(monkeypatch, scheduler, mixed).startswith(start)


def test_a_plain_connection_is_refused_on_both_sides(scheduler, variables, monkeypatch):
    plain = scheduler.replace("tls://", "tcp://")
    assert refusal(monkeypatch, plain, {}).startswith(f"STRATA_SCHEDULER: no scheduler answers at {plain!r} (")
    line = f"STRATA_SCHEDULER: {plain!r} is not encrypted, but {PREFIX}REQUIRE_ENCRYPTION is set"
    assert refusal(monkeypatch, plain, variables) == line


def test_a_client_without_a_certificate_gets_nothing_from_the_scheduler(scheduler, variables):
    """Not through Strata: a connection that trusts the authority, and shows no certificate."""
    context = ssl.create_default_context(cafile=variables[f"{PREFIX}TLS__CA_FILE"])
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    host, port = scheduler.removeprefix("tls://").split(":")
    with (
        socket.create_connection((host, int(port)), 5) as plain,
        context.wrap_socket(plain) as encrypted,
        pytest.raises(OSError, match=r"CERTIFICATE_REQUIRED|reset|EOF"),
    ):
        encrypted.recv(1)


def test_the_documents_name_every_variable(variables):
    text = (ROOT / "docs/clusters.md").read_text(encoding="utf-8")
    assert [name for name in variables if name not in text] == []
