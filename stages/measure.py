"""Measure: what each layer knows, in numbers from its full space, with intervals and controls; and each map's trust.

python -m stages.measure --data data/raw --model data/model/mnist_cnn.pt --activations data/activations \
    --embeddings data/embeddings --out data/measures --metrics reports/measures.json --table reports/measures.csv \
    --cka reports/cka.csv --dimension reports/intrinsic_dimension.csv --stability reports/stability.csv \
    --pairs reports/class_pairs.csv --by-layer reports/measures_by_layer.csv \
    --checkpoints data/model/checkpoints --training reports/measures_over_training.csv
"""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from strata.artifacts.measure_registry import FILE, write_registry
from strata.artifacts.measured import CONTROLS, TRAINED, write_decisions, write_points, write_stability_maps
from strata.artifacts.run import kept_weights
from strata.core.console import say
from strata.core.files import write_csv, write_json
from strata.core.params import Layers, Reproducible, Seed, load_section
from strata.core.portable import check_portable
from strata.core.stage import run_stage, stage_parser
from strata.jobs.pool import started_pool
from strata.maps.engines import with_engine
from strata.maps.params import EmbedParams
from strata.measures import samples, tables
from strata.measures.estimates import all_estimates
from strata.measures.inputs import Settings, make_plan, read_maps, stability_params
from strata.measures.params import MeasureParams
from strata.measures.plan import Plan, run_plan
from strata.measures.registry import REGISTRY
from strata.measures.results import Results
from strata.measures.space_files import SPACES, Measured, scratch_spaces
from strata.network.params import NetworkParams

INPUTS = ("data", "model", "checkpoints", "activations", "embeddings")
OUTPUTS = ("out", "metrics", "table", "by-layer", "cka", "dimension", "stability", "pairs", "training")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    for name in INPUTS + OUTPUTS:
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    settings = load_settings(options.params)
    # Imported here: the pool's processes import this file, and have no use for PyTorch.
    from strata.measures.preparation import Sources, prepare_spaces

    kept = kept_weights(options.checkpoints)
    earlier = {f"after {time} epochs": time for time in kept}
    weights = {space: kept[time] for space, time in earlier.items()}
    sources = Sources(options.data, options.model, options.activations, weights, settings)
    with started_pool(len(settings.layers)) as pool, scratch_spaces(options.out) as files:
        measured = prepare_spaces(files, sources)
        maps = read_maps(options.embeddings, options.activations, list(settings.layers), measured)
        plan = make_plan(settings, measured, files, options.activations, maps, earlier)
        results = run_plan(plan, pool)
    write_results(options, plan, results, measured)
    say(f"measure: {len(plan.layers)} layers of {len(measured.rows)} samples, with {len(SPACES)} controls")


def load_settings(path: Path) -> Settings:
    """Return the sections of params.yaml that this stage reads. Raises StrataError where they do not fit."""
    params = load_section(path, "measure", MeasureParams)
    mode = load_section(path, "reproducible", Reproducible)
    embed = with_engine(load_section(path, "embed", EmbedParams), mode)
    settings = Settings(
        layers=load_section(path, "layers", Layers),
        seed=load_section(path, "seed", Seed),
        params=params,
        embed=embed,
        again=stability_params(params, embed),
        network=load_section(path, "network", NetworkParams),
    )
    check_portable(mode, params.device)
    return settings


def write_results(options: Namespace, plan: Plan, results: Results, measured: Measured) -> None:
    """Write what was measured to the paths of the command line."""
    ids, origin = measured.samples.sample_id[measured.rows], measured.provenance
    decisions = samples.sample_decisions(plan, results, measured.samples)
    write_registry(options.out / FILE, REGISTRY)
    write_decisions(options.out / "samples.parquet", decisions, origin)
    for layer, points in samples.layer_points(plan, results, ids).items():
        write_points(options.out / "points" / f"{layer}.parquet", points, origin)
    write_stability_maps(options.out / "stability_maps.parquet", samples.stability_maps(plan, results, ids), origin)
    estimates = all_estimates(plan, results)
    write_csv(options.table, tables.measure_table(estimates, plan.layers, tuple(CONTROLS)))
    write_csv(options.by_layer, tables.layer_table(estimates, plan.layers, TRAINED))
    write_csv(options.cka, tables.cka_table(plan, results))
    write_csv(options.dimension, tables.dimension_table(plan, results))
    write_csv(options.stability, tables.stability_table(plan, results))
    write_csv(options.pairs, tables.class_pair_table(plan, results))
    write_csv(options.training, tables.training_table(plan, results))
    counts = {"points": len(ids), **samples.decision_counts(decisions)}
    write_json(options.metrics, counts | tables.metrics(estimates, plan.layers, TRAINED))


if __name__ == "__main__":
    run_stage(main)
