"""Compare: experiments or revisions on one page, from Git and DVC's cache; nothing is run again.

Of the first two it shows the maps side by side, of all the measures.
python -m strata.commands.compare A B --out reports/compare.html
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from strata.artifacts.revisions import WORKSPACE, revision_files, run_of_revision
from strata.artifacts.run import RunArtifacts
from strata.commands.compared import check_comparable, different_params, only_layers, turned_to
from strata.commands.place import check_git
from strata.core import streams
from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import write_text
from strata.core.params import Seed, load_section
from strata.core.paths import Paths
from strata.core.stage import run_stage, stage_parser
from strata.core.strict_yaml import as_text
from strata.report.page.explorer import page_payload, render_explorer
from strata.report.page.facts import facts
from strata.report.page.inputs import load_report_inputs
from strata.report.page.payload import run_payload, shown_rows
from strata.report.page.sweep import LETTERS, MOST_RUNS, sweep_payload
from strata.report.params import ReportParams


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("first", metavar="A", help=f"an experiment, a Git revision, or '{WORKSPACE}'")
    parser.add_argument("second", metavar="B")
    parser.add_argument("more", metavar="C", nargs="*", help="further runs, whose measures are shown, too")
    project = Path.cwd()
    parser.add_argument("--out", type=Path, default=Paths.under(Path()).comparison)
    options = parser.parse_args(arguments)
    names = (options.first, options.second, *options.more)
    if len(names) > MOST_RUNS:
        raise StrataError(
            f"compare: {len(names)} runs are too many to tell apart in one chart; name at most {MOST_RUNS}"
        )
    if not all(name.strip() for name in names):
        raise StrataError("compare: name two runs: an experiment, a Git revision, or 'workspace'")
    if set(names) != {WORKSPACE}:
        check_git(project, "experiments and revisions")
    with tempfile.TemporaryDirectory(prefix="strata-compare-") as scratch:
        roots = [Path(scratch) / side for side in LETTERS[: len(names)].lower()]
        for name, root in zip(names, roots, strict=True):
            bring_summary(project, name, root)
        runs = [run_of_revision(project, name, root) for name, root in zip(names, roots, strict=True)]
        try:
            page = compared_page(names, runs)
        except StrataError as error:
            raise StrataError(in_revisions(str(error), names, roots)) from error
    write_text(options.out, page)
    say(f"compare: {options.out}")


def compared_page(names: Sequence[str], compared: Sequence[RunArtifacts]) -> str:
    """Return the page that compares runs with these names: the first two by their maps, all by their measures.

    Raises StrataError if they have no samples or layers in common, or if files are missing or damaged.
    """
    loaded = []
    for name, run in zip(names, compared, strict=True):
        say(f"compare: reading {name}")
        loaded.append(load_report_inputs(run, None, over_training=False))
    first, second = loaded[:2]
    shared = [
        check_comparable(first, other, (names[0], name)) for name, other in zip(names[1:], loaded[1:], strict=True)
    ]
    layers = shared[0]
    first = only_layers(first, layers)
    second = turned_to(only_layers(second, layers), first)
    limit = load_section(compared[0].params_path, "report", ReportParams).page_samples
    seed = load_section(compared[0].params_path, "seed", Seed)
    measured = np.intersect1d(first.measures.rows, second.measures.rows)
    rows = shown_rows(len(first.samples), limit, measured, streams.page_samples(seed))
    runs = {}
    for side, name, run, inputs in zip("AB", names, compared, (first, second), strict=False):
        about = facts(inputs, run, len(rows), run.environment) | {"To repeat the run": command(name)}
        text = as_text(run.params_in_full)
        runs[side] = {**run_payload(inputs, rows, about, text), "name": name}
    labels = None if first.samples.label is None else first.samples.label[rows]
    payload = page_payload(first.classes, labels, first.shown_samples(rows), runs)
    if len(names) > 2:
        payload["sweep"] = sweep_payload(names, loaded)
        if not payload["sweep"]["layers"]:
            raise StrataError(f"{', '.join(names)} cannot be compared: there is no layer that all of them have")
    title = f"Strata: {' and '.join(names) if len(names) == 2 else f'{len(names)} runs'}, layer by layer"
    return render_explorer(title, payload, [], None, [], different_params(*(run.params_in_full for run in compared)))


def bring_summary(project: Path, name: str, root: Path) -> None:
    """Copy the text that says what each layer is to its path in `root`, where the run has one."""
    with suppress(StrataError):
        revision_files(project, name, root)(Paths.under(root).summary)


def in_revisions(message: str, names: Sequence[str], roots: Sequence[Path]) -> str:
    """Return a message in which paths are written as Git writes those of a revision, name:path."""
    for name, root in zip(names, roots, strict=True):
        message = message.replace(f"{root}/", f"{name}:")
    return message


def command(name: str) -> str:
    return "make repro" if name == WORKSPACE else f"dvc exp apply {name}, or git checkout {name}; then make repro"


if __name__ == "__main__":
    run_stage(main)
