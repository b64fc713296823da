"""What the measure stage is given: its settings and weights; and the plan of all jobs, made from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from strata.artifacts.measured import SHUFFLED, TRAINED
from strata.artifacts.run import RunArtifacts
from strata.core import streams
from strata.core.files import sha256_of
from strata.core.layers import Layer
from strata.core.paths import Paths
from strata.dataset.description import PARTS, DatasetDescription
from strata.maps.engines import chosen_engine
from strata.maps.params import TSNE, EmbedParams
from strata.maps.tsne import EXACT_ENGINE, chosen_perplexity, exact_divergence
from strata.measures.labels import is_output
from strata.measures.memory import Sizes
from strata.measures.params import NumberedMeasureParams
from strata.measures.plan import Plan
from strata.measures.space_files import POINTS, Measured, SpaceFiles
from strata.measures.stability import Embedders
from strata.measures.subsets import chosen, point_subsets
from strata.network.params import NetworkParams


@dataclass(frozen=True)
class Settings:
    """What params.yaml says of this stage; `again` are the embedders of the stability runs."""

    layers: dict[str, Layer]
    seed: int
    params: NumberedMeasureParams
    embed: EmbedParams
    again: Embedders
    network: NetworkParams


@dataclass(frozen=True)
class OtherWeights:
    """Weights of the network other than the trained ones: each is a space of its own, with a name.

    `earlier` were kept during training, space -> epochs; `replicates` were trained from other seeds, space -> number of
    the network; `left_out` are the numbers of networks that have the same weights as one before them.
    """

    earlier: dict[str, str]
    replicates: dict[str, int]
    left_out: tuple[int, ...]
    paths: dict[str, Path]


def other_weights(paths: Paths) -> OtherWeights:
    """Return the weights that a run has besides the trained ones."""
    kept, files = paths.kept_weights(), paths.replicate_weights()
    seen, distinct = {sha256_of(paths.weights)}, {}
    for number, file in files.items():
        if (checksum := sha256_of(file)) not in seen:
            distinct[number] = file
        seen.add(checksum)
    earlier = {f"after {time} epochs": time for time in kept}
    replicates = {f"network {number}": number for number in distinct}
    return OtherWeights(
        earlier=earlier,
        replicates=replicates,
        left_out=tuple(number for number in files if number not in distinct),
        paths={
            **{space: kept[time] for space, time in earlier.items()},
            **{space: distinct[number] for space, number in replicates.items()},
        },
    )


def sizes_of(
    settings: Settings,
    dataset: DatasetDescription,
    split: str,
    units: Mapping[str, int],
    replicates: int,
    earlier: int,
) -> Sizes:
    """Return what the stage's memory depends on, where images of `split` are on the maps.

    `units` are those of each layer; there are `replicates` more networks, and `earlier` weights kept in training.
    """
    params, embed, counts = settings.params, settings.embed, dataset.counts
    mapped = sum(counts[part] for part in PARTS[split])
    points = min(mapped, params.samples)
    measures_divergence = embed.method == TSNE and chosen_engine(embed.engine) != EXACT_ENGINE
    return Sizes(
        mapped=mapped,
        points=points,
        reference=min(counts["train"], params.samples) if dataset.classes else 0,
        held_out=min(counts["test"], params.samples) if dataset.classes else 0,
        classes=len(dataset.classes),
        units=units,
        networks=2 + replicates,
        earlier=earlier,
        held_out_apart=split != "test" and bool(dataset.classes),
        correlated=min(points, params.correlation_samples),
        perplexity=chosen_perplexity(embed.perplexity, mapped) if measures_divergence else 0.0,
        components=embed.pca_components,
        group=params.batch_size,
    )


def make_plan(
    settings: Settings, measured: Measured, files: SpaceFiles, run: RunArtifacts, others: OtherWeights
) -> Plan:
    """Return what the jobs need, as far as it is known before the networks run.

    Raises StrataError where a layer's map is of another run.
    """
    params, seed, count = settings.params, settings.seed, len(measured.rows)
    last, predicted, labels = list(settings.layers)[-1], None, measured.labels
    if measured.samples.predicted is not None:
        predicted = measured.samples.predicted[measured.rows]
    maps = {layer: run.map(layer) for layer in settings.layers}
    at_end = (
        predicted is not None
        and labels is not None
        and is_output(files.read(TRAINED, POINTS, last), predicted, labels.classes)
    )
    return Plan(
        files=files,
        held_out=measured.held_out,
        layers=list(settings.layers),
        params=params,
        embed=settings.embed,
        again=settings.again,
        seed=seed,
        labels={} if labels is None else {TRAINED: labels, SHUFFLED: labels.shuffled(streams.shuffled_labels(seed))},
        rows=measured.rows,
        predicted=predicted,
        output=last if at_end else None,
        activations={layer: run.paths.layer(layer) for layer in settings.layers},
        maps={layer: each.points for layer, each in maps.items()},
        divergences={
            layer: known for layer, each in maps.items() if (known := exact_divergence(each.settings)) is not None
        },
        subsets=point_subsets(count, params.half_samples, seed),
        stability_rows=chosen(count, params.stability_samples, streams.stability_points(seed)),
        correlated=chosen(count, params.correlation_samples, streams.correlated_points(seed)),
        earlier=others.earlier,
        replicates=others.replicates,
    )
