"""The needs of every stage, from the settings, the data and what was tried."""

from strata.commands.plan import needs
from strata.commands.plan.needs import StageNeeds
from strata.commands.plan.settings import PlanSettings
from strata.commands.plan.trial import NetworkTrial, WorkerTrial
from strata.dataset.description import DatasetDescription
from strata.jobs.pool import processes_for
from strata.maps.memory import process_bytes as map_process_bytes
from strata.measures.inputs import sizes_of
from strata.measures.memory import image_bytes, job_bytes, own_bytes, projecting_bytes, results_bytes, scratch_bytes
from strata.measures.memory import process_bytes as measure_process_bytes
from strata.training.params import networks_to_train


def stage_needs(
    settings: PlanSettings, dataset: DatasetDescription, network: NetworkTrial, worker: WorkerTrial
) -> list[StageNeeds]:
    """Return what the stages from train to report need."""
    units = {layer.name: layer.units for layer in network.layers}
    times = len(settings.train.checkpoints) + 1
    replicates = networks_to_train(settings.replicate, settings.train) - 1
    sizes = sizes_of(settings.measured, dataset, settings.extract.split, units, replicates, times - 1)
    count, embed, params = sizes.mapped, settings.measured.embed, settings.measured.params
    batch = min(settings.extract.batch_size, count)
    files = sum(layer.file_bytes for layer in network.layers)
    each = dataset.sample_bytes
    affinities = settings.embedder.bytes_needed(count)
    counts, train = dataset.counts, settings.train
    parts = counts["train"], counts["test"]
    images, besides = image_bytes(each, *parts, sizes), own_bytes(each, *parts, sizes)
    training = needs.train_main(
        network.imported,
        float(network.weights),
        float(each * max(counts.values())) if network.given else 0.0,
        network.given * sum(counts.values()),
        (network.kept + needs.GRADIENTS * network.passing) * min(train.batch_size, counts["train"])
        + needs.MODULES * network.passing * min(train.test_batch_size, counts["test"]),
    )
    at_once = (network.peak - network.before) * min(params.batch_size, count) / network.batch
    return [
        StageNeeds("train", float(network.weights * times), 0, training, 0, 0),
        StageNeeds(
            "replicate",
            float(network.weights * replicates),
            0,
            needs.BARE,
            training if replicates else 0,
            processes_for(replicates, 0) if replicates else 0,
            fewer=False,
        ),
        StageNeeds(
            "extract",
            files * count * times,
            0,
            needs.extract_main(network.peak, times * -(-count // batch), batch, sum(units.values())),
            0,
            0,
        ),
        StageNeeds(
            "embed",
            needs.map_bytes(count, len(units), times),
            0,
            needs.embed_main(worker.imported, count, units, embed.pca_components, times),
            needs.embed_worker(worker.embedding, affinities, count, units, embed.pca_components, batch),
            processes_for(len(units) * times, map_process_bytes(settings.embedder, count)),
        ),
        StageNeeds(
            "measure",
            0,
            float(scratch_bytes(sizes, network.inputs)),
            needs.measure_main(
                network.imported,
                float(network.weights),
                images,
                at_once,
                projecting_bytes(sizes, network.inputs),
                results_bytes(sizes),
            ),
            worker.measuring + job_bytes(sizes),
            processes_for(len(units), measure_process_bytes(sizes), besides),
        ),
        needs.report_needs(each, count, min(settings.report.page_samples, count), processes_for(len(units), 0)),
    ]
