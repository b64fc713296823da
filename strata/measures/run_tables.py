"""Measure: what each layer knows, in numbers from its full space, with intervals and controls; and each map's trust."""

from pathlib import Path

from strata.artifacts.measure_registry import write_registry
from strata.artifacts.measured import CONTROLS, TRAINED, write_decisions, write_points, write_stability_maps
from strata.artifacts.needs import NOTHING, Lacking, left_out
from strata.artifacts.run import RunArtifacts
from strata.core.console import say
from strata.core.files import write_csv, write_json
from strata.core.layers import Layer
from strata.core.params import Reproducible, Seed, load_section
from strata.core.paths import Paths
from strata.core.portable import check_portable
from strata.jobs.pool import started_pool
from strata.maps.params import EmbedParams
from strata.measures import between_networks, class_pairs, samples, tables
from strata.measures.estimates import all_estimates
from strata.measures.inputs import Settings, make_plan, other_weights, sizes_of
from strata.measures.memory import own_bytes, process_bytes
from strata.measures.params import MeasureParams
from strata.measures.plan import Plan
from strata.measures.plan_jobs import run_plan
from strata.measures.preparation import prepare_points, write_spaces
from strata.measures.registry import MEASURES, REGISTRY
from strata.measures.results import Results
from strata.measures.space_files import SPACES, Measured, scratch_spaces
from strata.measures.stability import stability_embedders
from strata.network.params import NetworkParams


def measure_run(params_path: Path, paths: Paths) -> None:
    """Measure a run, and write its tables, as params.yaml says."""
    run = RunArtifacts(paths, params_path)
    settings = load_settings(params_path, len(run.samples.sample_id), run.chosen_layers)
    others = other_weights(paths)
    for number in others.left_out:
        say(f"measure: network {number} is left out: no seed changes the training, so its weights are not its own")
    units = {layer: info.units for layer, info in run.layers.items()}
    sizes = sizes_of(settings, run.dataset, run.provenance.split, units, len(others.replicates), len(others.earlier))
    counts = run.dataset.counts
    own = own_bytes(run.dataset.sample_bytes, counts["train"], counts["test"], sizes)
    imports = [run_plan.__module__, *{name for each in settings.again.values() for name in each.modules}]
    with (
        started_pool(len(settings.layers), process_bytes(sizes), imports, own) as pool,
        scratch_spaces(paths.measures) as files,
    ):
        measured, images = prepare_points(files, run, settings)
        known = make_plan(settings, measured, files, run, others)
        plan, results = run_plan(known, write_spaces(files, run, settings, others.paths, images), pool)
    write_results(paths, plan, results, measured, run.lacks)
    for sentence in left_out([(measure.title, measure.needs) for measure in MEASURES], run.lacks):
        say(f"measure: {sentence}")
    say(f"measure: {len(plan.layers)} layers of {len(measured.rows)} samples, with {len(SPACES)} controls")


def load_settings(path: Path, mapped: int, layers: dict[str, Layer]) -> Settings:
    """Return the sections of params.yaml that this stage reads, and layers; the numbers are for so many mapped samples.

    Raises StrataError where they do not fit.
    """
    section = load_section(path, "measure", MeasureParams)
    params = section.for_points(min(mapped, section.samples))
    mode = load_section(path, "reproducible", Reproducible)
    embed = load_section(path, "embed", EmbedParams)
    settings = Settings(
        layers=layers,
        seed=load_section(path, "seed", Seed),
        params=params,
        embed=embed,
        again=stability_embedders(params, embed.embedder(mode)),
        network=load_section(path, "network", NetworkParams),
    )
    check_portable(mode, params.device)
    return settings


def write_results(paths: Paths, plan: Plan, results: Results, measured: Measured, lacks: Lacking = NOTHING) -> None:
    """Write everything that was measured; `lacks` is what the run does not have."""
    ids, origin = measured.samples.sample_id[measured.rows], measured.provenance
    decisions = samples.measured_samples(plan, results, measured.samples)
    write_registry(paths.registry, REGISTRY)
    write_decisions(paths.decisions, decisions, origin)
    by_probe = samples.probe_decisions(plan, results, measured.samples)
    paths.probe_decisions.unlink(missing_ok=True)
    if by_probe is not None:
        write_decisions(paths.probe_decisions, by_probe, origin)
    for layer, points in samples.layer_points(plan, results, measured.samples.sample_id).items():
        write_points(paths.points(layer), points, origin)
    write_stability_maps(paths.stability_maps, samples.stability_maps(plan, results, ids), origin)
    estimates = all_estimates(plan, results)
    for name, table in {
        "measures": tables.measure_table(estimates, plan.layers, tuple(CONTROLS)),
        "measures_by_layer": tables.layer_table(estimates, plan.layers, TRAINED),
        "cka": tables.cka_table(plan, results),
        "networks": tables.network_table(plan, results),
        "between_networks": between_networks.between_networks_table(plan, results),
        "intrinsic_dimension": tables.dimension_table(plan, results),
        "stability": tables.stability_table(plan, results),
        "class_pairs": class_pairs.class_pair_table(plan, results),
        "measures_over_training": tables.training_table(plan, results),
    }.items():
        write_csv(paths.table(name), table)
    counts = {"points": len(ids), **samples.decision_counts(decisions, plan.layers)}
    counts |= samples.clock_counts(decisions, by_probe, plan.layers)
    identified = between_networks.layers_identified(plan, results)
    counts |= {} if identified is None else {"layers_identified": round(identified, 4)}
    write_json(paths.metrics("measures"), counts | tables.metrics(estimates, plan.layers, TRAINED, lacks))
