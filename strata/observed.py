"""`strata.observe`: a run made from objects that somebody has, by the code of the stages."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.layers import AUTO, as_layers
from strata.core.params import read_params
from strata.core.paths import Paths
from strata.core.strict_yaml import as_text, read_mapping
from strata.run import Run

if TYPE_CHECKING:
    from torch import nn

    from strata.dataset.description import Normalization

DEFAULTS = Path(__file__).parent / "core" / "observed_params.yaml"
FOLDERS = ("data", "reports")
NONE: Mapping[str, Any] = MappingProxyType({})


class ObservedRun(Run):
    """A run made by `observe`: a `Run`, and the stages that come after the activations.

    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    >>> run = strata.observe(network, torch.randn(40, 4), {"hidden": "1", "output": "2"}, out="observed")
    >>> list(run.layers), run.activations("hidden").values.shape
    (['hidden', 'output'], (40, 6))
    >>> run.embed()
    >>> run.map("hidden").points.shape
    (40, 2)
    """

    def __init__(self, folder: Path, make: "Callable[[], nn.Module]") -> None:
        super().__init__(Paths.under(folder), folder / "params.yaml", project=folder)
        self._make = make

    def embed(self, **settings: Any) -> None:
        """Draw the map of every layer, by section `embed` of the run's params.yaml, with `settings` changed in it.

        Raises StrataError as stage embed does.

        >>> network = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU())
        >>> run = strata.observe(network, torch.randn(40, 4), ["0", "1"], out="observed")
        >>> run.embed(method="tsne", perplexity=5)
        >>> run.map("1").method.settings["perplexity"]
        '5'
        """
        from strata.maps.map_files import draw_run_maps

        self._run(draw_run_maps, "embed", settings)

    def measure(self, **settings: Any) -> None:
        """Measure every layer and its map, by section `measure` of params.yaml, with `settings` changed in it.

        What needs labels, training samples or predictions that the run does not have is left out, and named. Raises
        StrataError as stage measure does, and if no untrained network can be made: pass `make` to `observe` then.

        >>> network = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU())
        >>> run = strata.observe(network, torch.randn(40, 4), ["0", "1"], out="observed")
        >>> run.embed()
        >>> run.measure(half_samples=2)
        >>> "intrinsic_dimension" in set(run.measures.table["measure"])
        True
        """
        from strata.measures.run_tables import measure_run

        if not self.paths.embeddings.is_dir():
            raise StrataError("measure needs the maps: call embed() first")
        self._run(measure_run, "measure", settings)

    def page(self, path: str | Path | None = None, **settings: Any) -> Path:
        """Draw the figures, write the page that shows the run, and return its path: `path`, or one in the run's folder.

        Raises StrataError as stage report does.

        >>> network = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU())
        >>> run = strata.observe(network, torch.randn(40, 4), ["0", "1"], out="observed")
        >>> run.embed()
        >>> run.measure(half_samples=2)
        >>> run.page("report.html", dpi=50).name
        'report.html'
        """
        from strata.report.whole_report import write_report

        if not self.paths.registry.is_file():
            raise StrataError("the page shows what was measured: call measure() first")
        self._run(write_report, "report", settings)
        if path is None:
            return self.paths.page
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.paths.page, path)
        return Path(path)

    def _run(self, stage: Callable[[Path, Paths], None], section: str = "", settings: Mapping[str, Any] = NONE) -> None:
        """Run a stage with settings changed in a section of params.yaml; after an error the file is as it was."""
        from strata.network.own_object import made_by

        before = self.params_path.read_text(encoding="utf-8")
        if settings:
            params = read_params(self.params_path)
            write_params(self.params_path, {**params, section: {**params[section], **settings}})
        try:
            with made_by(self._make):
                stage(self.params_path, self.paths)
        except BaseException:
            self.params_path.write_text(before, encoding="utf-8")
            raise
        for name in [name for name in vars(self) if isinstance(getattr(type(self), name, None), cached_property)]:
            delattr(self, name)  # read again when it is asked for


def observe(
    model: "nn.Module",
    batches: Any,
    layers: Mapping[str, str | Mapping[str, Any]] | Sequence[str] = AUTO,
    labels: Any = None,
    out: str | Path = "run",
    *,
    train: Any = None,
    train_labels: Any = None,
    classes: Sequence[str] | None = None,
    outputs: str | None = None,
    part: int | str | None = None,
    make: "Callable[[], nn.Module] | None" = None,
    batch_size: int = 500,
    device: str = "cpu",
    seed: int = 0,
    images: Any = None,
    mean: "Normalization | None" = None,
    std: "Normalization | None" = None,
) -> ObservedRun:
    """Return a new run, in the folder `out`, of your own model and data: the same files as the stages write.

    `batches` is a DataLoader, a list of batches, or one array or tensor (n, ...); a batch is inputs, (inputs, labels),
    or a mapping with names as in Hugging Face's. `labels` (n,) are classes, or numbers, or (n, k) several of either.
    `layers` are as for `layer_outputs`, or "auto": those that suit the model, which `run.layers` names. `train` are
    other batches, with labels, that probes learn from; without them probes are left out. `classes` are names. `outputs`
    is the form of the model's output, as `network.outputs` in params.yaml, and `part` its place or name where there are
    several; without, they are found from a few samples. `make` makes the model with new weights, for the untrained
    control; without, a copy's modules are reset.

    `images` show the samples on the page: (n, H, W), (n, 1 or 3, H, W) or (n, H, W, 3), in the order of the batches;
    without, the inputs do, if they look like images and `images` is not False. `mean` and `std`, one number or one for
    each channel, are what images were normalized with; without, they are stretched to be seen.

    The model is copied, so neither its weights nor its mode change. `out` is emptied first, if it is a run. Raises
    StrataError if batches, layers, labels and model do not fit together, or `out` is another folder with files in it.

    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    >>> inputs, labels = torch.randn(40, 4), torch.arange(40) % 3
    >>> run = observe(network, [(inputs, labels)], {"hidden": "1", "output": "2"}, out="observed")
    >>> run.samples.label[:4], run.dataset.classes
    (array([0, 1, 2, 0], dtype=int16), ['0', '1', '2'])
    """
    from strata.dataset.batches import collected
    from strata.dataset.pictures import look_like_images, pictures_of
    from strata.network.checkpoint import save_checkpoint
    from strata.network.layer_files import write_run_layers
    from strata.network.output_form import output_form
    from strata.network.own_object import copied
    from strata.sources.own_arrays import described_data, write_raw
    from strata.training.replicates import train_replicates
    from strata.training.trained_network import train_run

    folder = Path(out)
    test = collected(batches, labels)
    reference = None if train is None else collected(train, train_labels)
    form = output_form(model, test, outputs, part)
    if images is None and look_like_images(test.inputs):
        images = test.inputs
    if (images is None or images is False) and not (mean is None and std is None):
        raise StrataError("mean, std: there are no images: pass images=, or leave them out")
    count = len(test.inputs)
    pictures = None if images is None or images is False else pictures_of(images, count, mean, std)
    data = described_data(test, reference, form.classes, classes, pictures)
    _emptied(folder)
    run = ObservedRun(folder, make or (lambda: copied(model)))
    write_raw(run.paths.raw, data)
    initial = folder / "initial_weights.pt"
    save_checkpoint(model, initial)
    predicts = form.outputs if data.entry.targets == "classes" or form.outputs == "features" else "features"
    params = read_mapping(DEFAULTS.read_text(encoding="utf-8"), DEFAULTS.name)
    params |= {"seed": seed, "layers": _chosen(layers)}
    params["network"] |= {"outputs": predicts, "part": form.part, "mask": test.mask_name}
    params["train"] |= {"init_from": str(initial), "test_batch_size": batch_size}
    for section in ("extract", "measure"):
        params[section] |= {"batch_size": batch_size, "device": device}
    write_params(run.params_path, params)
    for stage in (train_run, train_replicates, write_run_layers):
        run._run(stage)
    say(f"observe: {len(run.chosen_layers)} layers of {len(test.inputs)} samples in {folder}")
    return run


def _chosen(layers: Mapping[str, str | Mapping[str, Any]] | Sequence[str]) -> str | dict[str, Any]:
    """Return layers as in section `layers` of params.yaml."""
    if isinstance(layers, str):
        if layers != AUTO:
            raise StrataError(f"layers: a list of names, a map from names to modules, or {AUTO!r}, not {layers[:60]!r}")
        return AUTO
    named = as_layers(layers if isinstance(layers, Mapping) else {layer: layer for layer in layers})
    return {layer: each.model_dump(exclude_none=True) for layer, each in named.items()}


def write_params(path: Path, params: Mapping[str, Any]) -> None:
    """Write a run's params.yaml."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_text(dict(params)), encoding="utf-8")


def _emptied(folder: Path) -> None:
    """Remove the run that was in a folder before. Raises StrataError if the folder has something else in it."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "params.yaml").is_file() or not (folder / "initial_weights.pt").is_file():
            raise StrataError(f"{folder} has files that strata.observe did not write: choose another `out`")
        for name in FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)
