"""Compare: two experiments or revisions side by side on one page, from Git and DVC's cache; nothing is run again.

python -m strata.commands.compare A B --out reports/compare.html
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from strata.artifacts.revisions import WORKSPACE, fetch_run
from strata.commands.compared import check_comparable, different_params, only_layers, turned_to
from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import write_text
from strata.core.params import Layers, Seed, load_section
from strata.core.stage import run_stage, stage_parser
from strata.report.page.explorer import page_payload, render_explorer
from strata.report.page.facts import facts
from strata.report.page.inputs import ReportInputs, load_report_inputs
from strata.report.page.payload import run_payload, shown_rows
from strata.report.params import ReportParams

MEASURED = {
    "measures": "data/measures",
    "table": "reports/measures.csv",
    "cka": "reports/cka.csv",
    "dimension": "reports/intrinsic_dimension.csv",
    "stability": "reports/stability.csv",
    "pairs": "reports/class_pairs.csv",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("first", metavar="A", help=f"an experiment, a Git revision, or '{WORKSPACE}'")
    parser.add_argument("second", metavar="B")
    parser.add_argument("--out", type=Path, default=Path("reports/compare.html"))
    options = parser.parse_args(arguments)
    names = (options.first, options.second)
    if not all(name.strip() for name in names):
        raise StrataError("compare: name two runs: an experiment, a Git revision, or 'workspace'")
    with tempfile.TemporaryDirectory(prefix="strata-compare-") as scratch:
        roots = [Path(scratch) / side for side in ("a", "b")]
        for name, root in zip(names, roots, strict=True):
            say(f"compare: files of {name}")
            fetch_run(Path.cwd(), name, root)
        try:
            page = compared_page(names, roots)
        except StrataError as error:
            raise StrataError(in_revisions(str(error), names, roots)) from error
    write_text(options.out, page)
    say(f"compare: {options.out}")


def compared_page(names: tuple[str, str], roots: Sequence[Path]) -> str:
    """Return the page of the two runs of these names whose files lie under `roots`.

    Raises StrataError where they have no samples or layers in common, or files that are missing or damaged.
    """
    first, second = (load_run(root) for root in roots)
    layers = check_comparable(first, second, names)
    first = only_layers(first, layers)
    second = turned_to(only_layers(second, layers), first)
    params = [read_params(root) for root in roots]
    most = load_section(roots[0] / "params.yaml", "report", ReportParams).page_samples
    seed = load_section(roots[0] / "params.yaml", "seed", Seed)
    rows = shown_rows(len(first.samples.label), most, np.random.default_rng(seed))
    runs = {}
    for side, name, root, inputs in zip("AB", names, roots, (first, second), strict=True):
        found = json.loads((root / "reports/environment.json").read_text(encoding="utf-8"))
        told = facts(inputs, root / "reports/training.json", root / "data/embeddings", len(rows), found)
        told["To make it again"] = command(name)
        text = yaml.safe_dump(params["AB".index(side)], sort_keys=False, allow_unicode=True)
        runs[side] = {**run_payload(inputs, rows, told, text), "name": name}
    payload = page_payload(first.dataset.classes, first.samples.label[rows], first.images[rows], runs)
    title = f"Strata: {names[0]} and {names[1]}, layer by layer"
    return render_explorer(title, payload, [], None, [], different_params(*params))


def in_revisions(message: str, names: tuple[str, str], roots: Sequence[Path]) -> str:
    """Return a message with the files' paths as Git writes those of a revision: name:path."""
    for name, root in zip(names, roots, strict=True):
        message = message.replace(f"{root}/", f"{name}:")
    return message


def load_run(root: Path) -> ReportInputs:
    """Return what the page shows of the run whose files lie under `root`."""
    return load_report_inputs(
        list(load_section(root / "params.yaml", "layers", Layers)),
        None,
        data=root / "data/raw",
        model=root / "data/model/mnist_cnn.pt",
        activations=root / "data/activations",
        embeddings=root / "data/embeddings",
        curve=root / "reports/learning_curve.csv",
        epochs=root / "reports/epochs.csv",
        measured={name: root / path for name, path in MEASURED.items()},
        over_training=None,
    )


def read_params(root: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8")))


def command(name: str) -> str:
    return "make repro" if name == WORKSPACE else f"dvc exp apply {name}, or git checkout {name}; then make repro"


if __name__ == "__main__":
    run_stage(main)
