"""Check `reproducible: portable`: run the stages on this processor, and on a Haswell that QEMU emulates.

python -m benchmarks.portable_check [--processor Haswell]

A few digits go through the network of params.yaml, from training to the report, three times: on this processor and
emulated, both in portable mode, and on this processor in machine mode, to show that the limits are needed. The emulated
run takes most of the time. The t-SNE engine is compiled here for the processor that the emulation says it is, which
under emulation would take another half an hour. It exits with 0 only if both portable runs wrote the same bytes.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml

from benchmarks.few_digits import ROOT, few_digits, few_digits_params
from strata.core.files import sha256_of
from strata.core.portable import limited

QEMU, PROCESSOR = "qemu-x86_64", "Haswell"
HERE, EMULATED, MACHINE = "portable", "emulated", "machine"
ASK_PROCESSOR = "import llvmlite.binding as b; print(b.get_host_cpu_name()); print(b.get_host_cpu_features().flatten())"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processor", default=PROCESSOR, help="a model of QEMU's; default: %(default)s")
    options = parser.parse_args(arguments)
    qemu = shutil.which(QEMU)
    if qemu is None:
        sys.exit(f"error: {QEMU} is not installed; run `apt install qemu-user`")
    with tempfile.TemporaryDirectory(prefix="strata-portable-") as scratch:
        root = Path(scratch)
        wrapper = write_wrapper(root / "python", [qemu, "-cpu", options.processor, sys.executable])
        compiled = compiled_for(str(wrapper), root / "compiled")
        seconds = {
            MACHINE: run(root, MACHINE, sys.executable, "machine"),
            HERE: run(root, HERE, sys.executable, "portable"),
            EMULATED: run(root, EMULATED, str(wrapper), "portable", compiled),
        }
        artifacts = {name: hashes(root / name) for name in seconds}
    different = print_table(artifacts, options.processor)
    print_seconds(seconds)
    if different:
        sys.exit(f"error: {len(different)} artifacts differ on an emulated {options.processor}")
    print(
        f"portable-check: all {len(artifacts[HERE])} artifacts are the same here and on an emulated {options.processor}"
    )


def write_wrapper(path: Path, command: Sequence[str]) -> Path:
    """Write a script that starts Python through QEMU: user emulation does not follow the programs that it starts."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@" 2>> "$0.log"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def compiled_for(emulated: str, folder: Path) -> dict[str, str]:
    """Compile the t-SNE engine into a folder for the processor of an emulated Python; return the variables to use it.

    LLVM compiles the same code for a processor, whichever it runs on.
    """
    asked = subprocess.run([emulated, "-c", ASK_PROCESSOR], check=True, capture_output=True, text=True)
    name, features = asked.stdout.splitlines()
    variables = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-m", "strata.maps.engines"]
    subprocess.run(command, check=True, cwd=ROOT, env=dict(os.environ) | variables)
    return variables


def run(
    root: Path, name: str, python: str, mode: str, more: Mapping[str, str] = MappingProxyType({})
) -> dict[str, float]:
    """Run the stages in a new process with `more` variables, writing root/name; return the seconds of each, by name."""
    folder = root / name
    few_digits(folder / "data/raw")
    params = folder / "params.yaml"
    params.write_text(yaml.safe_dump(few_digits_params(mode), sort_keys=False), encoding="utf-8")
    print(f"portable-check: {name}" + (", for ten minutes or more" if name == EMULATED else ""), flush=True)
    # The variables are set here, because a stage that restarts itself would leave the emulation.
    variables = limited(os.environ) if mode == "portable" else dict(os.environ)
    variables |= {
        "STRATA_PROCESSES": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "STRATA_SCHEDULER": "",
        "PYTHONPATH": str(ROOT),
        **more,
    }
    command = [python, "-m", "benchmarks.few_digits", python]
    done = subprocess.run(command, cwd=folder, env=variables, check=False)
    if done.returncode:
        log = root / "python.log"
        output = log.read_text(encoding="utf-8")[-2000:] if log.exists() else ""
        sys.exit(f"error: the stages failed, {name}\n{output}")
    return json.loads((folder / "seconds.json").read_text(encoding="utf-8"))


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every artifact of a run, by path."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path: path.relative_to(folder).as_posix() for path in paths}
    given = ("data/raw/", "params.yaml", "seconds.json")
    return {name: sha256_of(path) for path, name in names.items() if not name.startswith(given)}


def print_table(artifacts: dict[str, dict[str, str]], processor: str) -> list[str]:
    """Print which artifacts are the same; return those that differ between the two portable runs."""
    here, emulated, machine = artifacts[HERE], artifacts[EMULATED], artifacts[MACHINE]
    different = [name for name in sorted({*here, *emulated}) if here.get(name) != emulated.get(name)]
    print(f"\n{'artifact':42} emulated {processor:10} machine mode here")
    for name in sorted({*here, *emulated}):
        print(
            f"{name:42} {'DIFFERENT' if name in different else 'same':19} "
            f"{'same' if machine.get(name) == here.get(name) else 'different'}"
        )
    return different


def print_seconds(seconds: dict[str, dict[str, float]]) -> None:
    """Print how long each stage took in each run."""
    print(f"\n{'seconds':10}" + "".join(f"{name:>12}" for name in seconds))
    for stage in seconds[HERE]:
        print(f"{stage:10}" + "".join(f"{times[stage]:12.1f}" for times in seconds.values()))
    print()


if __name__ == "__main__":
    main()
