"""Measure: what each layer knows, in numbers from its full space, with intervals and controls; and each map's trust.

python -m stages.measure --data data/raw --model data/model/mnist_cnn.pt --activations data/activations \
    --embeddings data/embeddings --out data/measures --metrics reports/measures.json --table reports/measures.csv \
    --cka reports/cka.csv --dimension reports/intrinsic_dimension.csv --stability reports/stability.csv \
    --pairs reports/class_pairs.csv --by-layer reports/measures_by_layer.csv \
    --checkpoints data/model/checkpoints --training reports/measures_over_training.csv
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from strata.artifacts.maps import read_map
from strata.artifacts.measured import SHUFFLED, TRAINED, write_decisions, write_points, write_stability_maps
from strata.artifacts.provenance import check_same_origin, check_same_samples
from strata.artifacts.run import kept_weights
from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import write_csv, write_json
from strata.core.params import Layers, Reproducible, Seed, load_section
from strata.core.portable import check_portable
from strata.core.stage import run_stage, stage_parser
from strata.jobs.pool import started_pool
from strata.maps.params import EmbedParams
from strata.measures import outcome
from strata.measures.estimates import all_estimates, cka_table, dimension_table, training_table
from strata.measures.params import MeasureParams
from strata.measures.plan import Plan, point_subsets, run_plan
from strata.measures.space_files import SPACES, scratch_spaces
from strata.measures.stability import stability_embedders
from strata.measures.tables import layer_table, measure_table, metrics
from strata.network.params import NetworkParams

INPUTS = ("data", "model", "checkpoints", "activations", "embeddings")
OUTPUTS = ("out", "metrics", "table", "by-layer", "cka", "dimension", "stability", "pairs", "training")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    for name in INPUTS + OUTPUTS:
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    layer_paths = load_section(options.params, "layers", Layers)
    layers = list(layer_paths)
    seed = load_section(options.params, "seed", Seed)
    params = load_section(options.params, "measure", MeasureParams)
    mode = load_section(options.params, "reproducible", Reproducible)
    embed = load_section(options.params, "embed", EmbedParams)
    network = load_section(options.params, "network", NetworkParams)
    again = stability_embedders(params, embed.embedder(mode))
    check_portable(mode, params.device)
    # Imported here: the pool's processes import this file, and have no use for PyTorch.
    from strata.measures.preparation import chosen, prepare_spaces

    paths = {name: getattr(options, name) for name in ("data", "model", "activations")}
    kept = kept_weights(options.checkpoints)
    spaces = {f"after {time} epochs": time for time in kept}
    earlier = {space: kept[time] for space, time in spaces.items()}
    with started_pool(len(layers)) as pool, scratch_spaces(options.out) as files:
        measured = prepare_spaces(files, layer_paths, params, network, seed, earlier=earlier, again=again, **paths)
        maps = {}
        for layer in layers:
            path = options.embeddings / f"{layer}.parquet"
            found = read_map(path)
            if found.layer != layer:
                raise StrataError(
                    f"{path} is the map of layer '{found.layer}', not '{layer}'; run `dvc repro -f embed`"
                )
            check_same_origin(measured.provenance, options.activations, found.provenance, path)
            check_same_samples(measured.samples.sample_id, options.activations, found.sample_ids, path)
            maps[layer] = found.points
        count = len(measured.rows)
        plan = Plan(
            files=files,
            held_out=measured.held_out,
            layers=layers,
            params=params,
            embed=embed,
            again=again,
            seed=seed,
            labels={TRAINED: measured.labels, SHUFFLED: measured.labels.shuffled(np.random.default_rng([seed, 3]))},
            rows=measured.rows,
            projections=measured.projections,
            activations={layer: options.activations / f"{layer}.parquet" for layer in layers},
            maps=maps,
            subsets=point_subsets(count, params.half_samples, seed),
            stability_rows=chosen(count, params.stability_samples, np.random.default_rng([seed, 6])),
            correlated=chosen(count, params.correlation_samples, np.random.default_rng([seed, 7])),
            earlier=spaces,
        )
        results = run_plan(plan, pool)

    ids = measured.samples.sample_id[measured.rows]
    estimates = all_estimates(plan, results)
    decisions = outcome.sample_decisions(plan, results, measured.samples)
    write_decisions(options.out / "samples.parquet", decisions, measured.provenance)
    for layer, points in outcome.layer_points(plan, results, ids).items():
        write_points(options.out / "points" / f"{layer}.parquet", points, measured.provenance)
    maps_path = options.out / "stability_maps.parquet"
    write_stability_maps(maps_path, outcome.stability_maps(plan, results, ids), measured.provenance)
    write_csv(options.table, measure_table(estimates, layers, (*SPACES, SHUFFLED)))
    write_csv(options.by_layer, layer_table(estimates, layers, TRAINED))
    write_csv(options.cka, cka_table(plan, results))
    write_csv(options.dimension, dimension_table(plan, results))
    write_csv(options.stability, outcome.stability_table(plan, results))
    write_csv(options.pairs, outcome.class_pair_table(plan, results))
    write_csv(options.training, training_table(plan, results))
    counts = {"points": count, **outcome.decision_counts(decisions)}
    write_json(options.metrics, counts | metrics(estimates, layers, TRAINED))
    say(f"measure: {len(layers)} layers of {count} samples, with {len(SPACES)} controls")


if __name__ == "__main__":
    run_stage(main)
