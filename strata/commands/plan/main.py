"""Plan: what a run will need, from its settings and one batch; what cannot fit, or has too few points, fails here.

python -m strata.commands.plan.main
"""

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

from strata.core.stage import run_stage, stage_parser


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="default: %(default)s")
    parser.add_argument("--brief", action="store_true", help="one line in place of the tables, if all fits")
    options = parser.parse_args(arguments)
    # Imported here: new processes import this file, and what they take is measured.
    from strata.artifacts.needs import lacking, left_out
    from strata.commands.plan import disk, faults, table
    from strata.commands.plan.estimate import stage_needs
    from strata.commands.plan.memory_watch import in_new_process
    from strata.commands.plan.needs import amount
    from strata.commands.plan.points import check_points, points_needed
    from strata.commands.plan.settings import load_plan_settings
    from strata.commands.plan.trial import TrialJob, try_network, try_worker
    from strata.core.console import say
    from strata.core.guard import removed_if_killed
    from strata.core.limits import free_memory
    from strata.core.paths import Paths
    from strata.dataset.description import read_description
    from strata.maps.start import check_choice
    from strata.measures.registry import MEASURES
    from strata.report.params import check_sample

    available = free_memory()
    paths = Paths.of(options.data, Path("reports"))
    dataset = read_description(paths.raw)
    settings = load_plan_settings(options.params, dataset.counts)
    measured, split, mapped = settings.measured, settings.extract.split, settings.mapped
    rows = points_needed(mapped, measured.params, settings.embedder, measured.embed.method, measured.again)
    if not options.brief:
        print(f"{table.point_table(rows)}\n", flush=True)
    check_points(mapped, measured.params, settings.embedder, measured.again)
    check_sample(settings.report.sample_id, mapped, split)

    folder = options.data / ".plan.part"
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with removed_if_killed(folder):
        try:
            trial_job = TrialJob(
                paths.raw,
                folder,
                measured.seed,
                measured.layers,
                measured.network,
                settings.train,
                settings.extract,
            )
            network = in_new_process(try_network, trial_job, f"lower extract.batch_size {settings.extract.batch_size}")
            worker = in_new_process(try_worker, (settings.embedder, mapped), "free some")
        finally:
            rmtree(folder, ignore_errors=True)
    check_choice(measured.embed.initialization_layer, [each.name for each in network.layers], options.params)
    stages = stage_needs(settings, dataset, network, worker)
    lacks = lacking(dataset, measured.network.predicts_classes)
    if not options.brief:
        for sentence in left_out([(measure.title, measure.needs) for measure in MEASURES], lacks):
            print(f"{sentence}\n")
        print(f"{table.layer_table(network.layers)}\n\n{table.stage_table(stages)}\n")
    widest = max(network.layers, key=lambda layer: layer.units).name
    free, copies = disk.free_bytes(options.data), 1 if disk.makes_clones(options.data) else 2
    free += disk.bytes_under(paths.activations)
    if not options.brief:
        print(f"free: {amount(available)} of memory, {amount(free)} of disk", flush=True)
    faults.check_memory(stages, available, widest)
    faults.check_disk(stages, free, copies, widest)
    if options.brief:
        say(f"plan: {table.in_brief(stages)}; `make plan` says more")


if __name__ == "__main__":
    run_stage(main)
