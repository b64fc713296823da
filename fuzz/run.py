"""Fuzz the readers, one after another, guided by coverage. Needs atheris==3.0.0, see pyproject.toml.

python -m fuzz.run --minutes 3

Inputs that reached new code are kept in .fuzz/, and the next run starts from them. Findings are kept there, too.
"""

import argparse
import hashlib
import importlib
import importlib.util
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import psutil

READERS = ("idx", "params", "activations", "checkpoints", "own_data")
KEPT = Path(".fuzz")
SECONDS_PER_INPUT = 10
MEMORY = 2 << 30  # bytes that a reader may use, in addition to its libraries
GUIDED_BY = ["strata", "yaml", "pickletools", "zipfile"]  # all of torch would take minutes to prepare


def fuzz(reader: str, seconds: int) -> None:
    """Fuzz one reader in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=GUIDED_BY):
        target = importlib.import_module(f"fuzz.{reader}")
    corpus = KEPT / reader
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    target.one_input(b"")  # trigger late imports before memory is limited
    used = psutil.Process().memory_info()
    resource.setrlimit(resource.RLIMIT_AS, (used.vms + MEMORY, used.vms + MEMORY))
    options = {
        "max_total_time": seconds,
        "timeout": SECONDS_PER_INPUT,
        "rss_limit_mb": (used.rss + MEMORY) >> 20,
        "max_len": target.LONGEST,
        "artifact_prefix": f"{KEPT}/{reader}-",
        "print_final_stats": 1,
        "verbosity": 1,
    }
    atheris.Setup(
        [sys.argv[0], str(corpus), *(f"-{name}={value}" for name, value in options.items())], target.one_input
    )
    atheris.Fuzz()


def processor_seconds() -> float:
    """Return the processor time of the readers' processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3, help="per reader; default: %(default)s")
    parser.add_argument("--readers", nargs="+", choices=READERS, default=READERS)
    parser.add_argument("--here", action="store_true", help="in this process: one reader, with libFuzzer's own output")
    options = parser.parse_args()
    seconds = max(1, round(options.minutes * 60))
    if importlib.util.find_spec("atheris") is None:
        sys.exit("error: atheris is not installed: pip install atheris==3.0.0 (Linux on x86-64, Python 3.11 to 3.13)")
    if options.here:
        fuzz(options.readers[0], seconds)
        return
    failed = False
    for reader in options.readers:
        command = [sys.executable, "-m", "fuzz.run", "--here", "--readers", reader, "--minutes", str(seconds / 60)]
        before = processor_seconds()
        done = subprocess.run(
            command, stderr=subprocess.PIPE, text=True, errors="replace", env={**os.environ, "PYTHONHASHSEED": "0"}
        )
        runs = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
        coverage = re.findall(r"cov: (\d+)", done.stderr)
        print(
            f"{reader}: {runs[1] if runs else '?'} inputs, {coverage[-1] if coverage else '?'} branches reached, "
            f"{(processor_seconds() - before) / 60:.1f} CPU-minutes, "
            f"{'no finding' if done.returncode == 0 else 'a finding, see .fuzz/' + reader + '-*'}",
            flush=True,
        )
        if done.returncode:
            failed = True
            print(done.stderr[-6000:], file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
