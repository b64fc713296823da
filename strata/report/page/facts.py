"""The facts in the page's last panel: where a run came from, and how to repeat it."""

from collections.abc import Mapping

from strata.artifacts.maps import MapMethod
from strata.artifacts.needs import Need, is_there
from strata.artifacts.run import RunArtifacts
from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.dataset.description import GIVEN
from strata.report.page.inputs import ReportInputs


def facts(inputs: ReportInputs, run: RunArtifacts, shown: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return names and texts: accuracy, data, licence, the command, environment and hashes.

    `shown` is the number of samples on the page, and `environment` is what computed the run. Raises StrataError if the
    metrics of training cannot be read.
    """
    try:
        parameters, tested = int(run.training["parameters"]), _tested(inputs, run)
    except (KeyError, ValueError, OverflowError):
        raise StrataError(f"{run.paths.metrics('training')} is missing or damaged; run `dvc repro -f train`") from None
    dataset, total = inputs.dataset, len(inputs.samples)
    part = "" if shown == total else f", {shown:,} of them on this page: measured ones first, then others at random"
    seed, read = dataset.shuffled_labels_seed, dataset.source_sha256
    labels = "" if seed is None else f"; the training labels are shuffled, from seed {seed}"
    return {
        **tested,
        "Parameters of the network": f"{parameters:,}",
        "Data set": f"{dataset.name}: {dataset.counts['train']:,} training and {dataset.counts['test']:,} test"
        f" {inputs.things}{labels}",
        "Samples": f"{total:,} {inputs.things} of split {inputs.provenance.split}{part}",
        "Source": dataset.source,
        "Citation": dataset.citation,
        "Licence of the data": dataset.licence,
        "To repeat the run": "strata.observe, of the same objects" if dataset.source == GIVEN else "make repro",
        "Maps": ", ".join(sorted({drawn_by(layer_map.method) for layer_map in inputs.maps.values()})),
        **{f"Environment: {name}": text for name, text in environment.items()},
        **({} if read is None else {"Files read, SHA-256": read}),
        "Data, SHA-256": inputs.provenance.data_sha256,
        "Model, SHA-256": inputs.provenance.model_sha256,
        **({"Layers": f"proposed for this network: {', '.join(inputs.infos)}"} if inputs.proposed else {}),
        **{f"Layer {layer}": info.taken for layer, info in inputs.infos.items() if info.taken},
        **{f"Map of {layer}, SHA-256": sha256_of(run.paths.map(layer)) for layer in inputs.maps},
    }


def _tested(inputs: ReportInputs, run: RunArtifacts) -> dict[str, str]:
    """Return how the network does on the test data; empty where that is not known. Raises KeyError if it is missing."""
    if is_there((Need.LABELS, Need.PREDICTIONS), inputs.lacks):
        return {"Test accuracy": f"{run.training['test_accuracy']:.2%}"}
    return {"Test loss": f"{run.training['test_loss']:.4g}"} if inputs.samples.output is not None else {}


def drawn_by(method: MapMethod) -> str:
    """Return a method's title, with its engine if it has one."""
    return " by ".join(filter(None, (method.title, method.settings.get("engine"))))
