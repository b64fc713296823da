"""Measure: what each layer knows, in numbers from its full space, with intervals and controls; and each map's trust.

python -m stages.measure --data data --out data/measures
"""

from collections.abc import Sequence

import numpy as np
from pydantic import ValidationError

from strata.artifacts.measured import SHUFFLED, TRAINED, write_decisions, write_points, write_stability_maps
from strata.artifacts.run import RunArtifacts
from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import write_csv, write_json
from strata.core.params import Layers, Reproducible, Seed, load_section
from strata.core.paths import stage_arguments
from strata.core.portable import check_portable
from strata.core.stage import run_stage
from strata.jobs.pool import started_pool
from strata.maps.engines import with_engine
from strata.maps.params import EmbedParams
from strata.measures import outcome
from strata.measures.estimates import all_estimates, cka_table, dimension_table, training_table
from strata.measures.params import MeasureParams
from strata.measures.plan import Plan, point_subsets, run_plan
from strata.measures.space_files import SPACES, scratch_spaces
from strata.measures.tables import layer_table, measure_table, metrics
from strata.network.params import NetworkParams


def main(arguments: Sequence[str] | None = None) -> None:
    params_path, paths = stage_arguments(__doc__, arguments, out="measures")
    layers = list(load_section(params_path, "layers", Layers))
    seed = load_section(params_path, "seed", Seed)
    params = load_section(params_path, "measure", MeasureParams)
    mode = load_section(params_path, "reproducible", Reproducible)
    embed = with_engine(load_section(params_path, "embed", EmbedParams), mode)
    network = load_section(params_path, "network", NetworkParams)
    again = stability_params(params, embed)
    check_portable(mode, params.device)
    # Imported here: the pool's processes import this file, and have no use for PyTorch.
    from strata.measures.preparation import chosen, prepare_spaces

    run = RunArtifacts(paths, params_path)
    kept = paths.kept_weights()
    spaces = {f"after {time} epochs": time for time in kept}
    earlier = {space: kept[time] for space, time in spaces.items()}
    with started_pool(len(layers)) as pool, scratch_spaces(paths.measures) as files:
        measured = prepare_spaces(files, run, params, network, seed, earlier)
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
            activations={layer: paths.layer(layer) for layer in layers},
            maps={layer: run.map(layer).points for layer in layers},
            subsets=point_subsets(count, params.half_samples, seed),
            stability_rows=chosen(count, params.stability_samples, np.random.default_rng([seed, 6])),
            correlated=chosen(count, params.correlation_samples, np.random.default_rng([seed, 7])),
            earlier=spaces,
        )
        results = run_plan(plan, pool)

    ids = measured.samples.sample_id[measured.rows]
    estimates = all_estimates(plan, results)
    decisions = outcome.sample_decisions(plan, results, measured.samples)
    write_decisions(paths.decisions, decisions, measured.provenance)
    for layer, points in outcome.layer_points(plan, results, ids).items():
        write_points(paths.points(layer), points, measured.provenance)
    write_stability_maps(paths.stability_maps, outcome.stability_maps(plan, results, ids), measured.provenance)
    write_csv(paths.table("measures"), measure_table(estimates, layers, (*SPACES, SHUFFLED)))
    write_csv(paths.table("measures_by_layer"), layer_table(estimates, layers, TRAINED))
    write_csv(paths.table("cka"), cka_table(plan, results))
    write_csv(paths.table("intrinsic_dimension"), dimension_table(plan, results))
    write_csv(paths.table("stability"), outcome.stability_table(plan, results))
    write_csv(paths.table("class_pairs"), outcome.class_pair_table(plan, results))
    write_csv(paths.table("measures_over_training"), training_table(plan, results))
    counts = {"points": count, **outcome.decision_counts(decisions)}
    write_json(paths.metrics("measures"), counts | metrics(estimates, layers, TRAINED))
    say(f"measure: {len(layers)} layers of {count} samples, with {len(SPACES)} controls")


def stability_params(params: MeasureParams, embed: EmbedParams) -> EmbedParams:
    """Return embed's parameters with the iterations of the stability runs. Raises StrataError where they do not fit."""
    exaggerated, plain = params.stability_exaggeration_iterations, params.stability_iterations
    changes = {"early_exaggeration_iterations": exaggerated, "iterations": plain}
    try:
        return EmbedParams.model_validate({**embed.model_dump(), **changes})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise StrataError(
            f"measure.stability_exaggeration_iterations {exaggerated}, measure.stability_iterations {plain}: {reason}"
        ) from None


if __name__ == "__main__":
    run_stage(main)
