"""The facts in the page's last panel: where a run came from, and how to repeat it."""

from collections.abc import Mapping

from strata.artifacts.maps import MapMethod
from strata.artifacts.run import RunArtifacts
from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.report.page.inputs import ReportInputs


def facts(inputs: ReportInputs, run: RunArtifacts, shown: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return names and texts: accuracy, data, licence, the command, environment and hashes.

    `shown` is the number of samples on the page, and `environment` is what computed the run. Raises StrataError if the
    metrics of training cannot be read.
    """
    try:
        accuracy, parameters = run.training["test_accuracy"], int(run.training["parameters"])
    except (KeyError, ValueError, OverflowError):
        raise StrataError(f"{run.paths.metrics('training')} is missing or damaged; run `dvc repro -f train`") from None
    dataset, total = inputs.dataset, len(inputs.samples.label)
    part = "" if shown == total else f", {shown:,} of them on this page: measured ones first, then others at random"
    seed, read = dataset.shuffled_labels_seed, dataset.source_sha256
    labels = "" if seed is None else f"; the training labels are shuffled, from seed {seed}"
    return {
        "Test accuracy": f"{accuracy:.2%}",
        "Parameters of the network": f"{parameters:,}",
        "Data set": f"{dataset.name}: {dataset.counts['train']:,} training and {dataset.counts['test']:,} test images"
        f"{labels}",
        "Samples": f"{total:,} images of split {inputs.provenance.split}{part}",
        "Source": dataset.source,
        "Citation": dataset.citation,
        "Licence of the data": dataset.licence,
        "To repeat the run": "make repro",
        "Maps": ", ".join(sorted({drawn_by(layer_map.method) for layer_map in inputs.maps.values()})),
        **{f"Environment: {name}": text for name, text in environment.items()},
        **({} if read is None else {"Files read, SHA-256": read}),
        "Data, SHA-256": inputs.provenance.data_sha256,
        "Model, SHA-256": inputs.provenance.model_sha256,
        **{f"Layer {layer}": info.taken for layer, info in inputs.infos.items() if info.taken},
        **{f"Map of {layer}, SHA-256": sha256_of(run.paths.map(layer)) for layer in inputs.maps},
    }


def drawn_by(method: MapMethod) -> str:
    """Return a method's title, with its engine if it has one."""
    return " by ".join(filter(None, (method.title, method.settings.get("engine"))))
