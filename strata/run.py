"""The front door: open a run, and look at its layers, maps, measures and network.

Everything here is a public name of `strata`; see `strata/__init__.py`.
"""

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strata.artifacts.run import RunArtifacts
from strata.core.errors import StrataError
from strata.core.layers import as_layers
from strata.core.params import Seed, load_section
from strata.core.paths import Paths

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure
    from torch import nn

    from strata.commands.known_experiments import Experiment
    from strata.network.params import NetworkParams
    from strata.network.preprocessing import Preprocessing


def open_run(folder: str | Path = ".", revision: str | None = None) -> "Run":
    """Return the run in a project's folder, or that of a Git revision or experiment, from Git and DVC's cache.

    Nothing is run again and nothing is checked out. Artifacts are read when they are asked for, and checked to belong
    together. A revision's artifacts are copied to a temporary folder, which is removed with the run. Raises StrataError
    if the folder is not a project, or, at first use, if there is no such revision.

    >>> run = open_run(".")
    >>> list(run.layers)
    ['input', 'h4', 'h6']
    """
    root = Path(folder)
    if not (root / "params.yaml").is_file():
        raise StrataError(f"{root} is not a Strata project: it has no params.yaml; name the folder that has it")
    if revision is None:
        return Run(Paths.under(root), root / "params.yaml", project=root)
    try:
        # Imported here: only revisions need DVC, which a Strata installed as a library may lack.
        from strata.artifacts.revisions import revision_files
    except ModuleNotFoundError as error:
        raise StrataError(
            f"a revision is read by DVC, and '{error.name}' is missing: pip install 'strata[dvc]'"
        ) from None
    copy = Path(tempfile.mkdtemp(prefix="strata-run-"))
    run = Run(Paths.under(copy), copy / "params.yaml", revision_files(root, revision, copy), project=root)
    weakref.finalize(run, shutil.rmtree, copy, ignore_errors=True)
    return run


class Run(RunArtifacts):
    """One run of the pipeline: samples, images, layers, maps, measures, and the network.

    Besides the members below, it has `params`, `dataset`, `samples`, `layers`, `images()`, `activations(layer)`,
    `activation_batches(layer)`, `activation(layer, sample_id)`, `map(layer)`, `measures`, `training`, `epochs` and
    `environment`: see `strata.artifacts.run.RunArtifacts`.

    >>> run = open_run(".")
    >>> run.samples.label[:4]
    array([0, 1, 2, 3], dtype=int16)
    >>> run.images().shape, run.layers["h4"].shape
    ((40, 16, 16), (4, 1, 1))
    >>> h4 = run.activations("h4")
    >>> h4.values.shape, bool((h4.sample_ids == run.samples.sample_id).all())
    ((40, 4), True)
    >>> run.map("h4").points.shape
    (40, 2)
    >>> table = run.measures.table
    >>> sorted(set(table["control"]))
    ['none', 'random projection', 'shuffled labels', 'untrained']
    >>> run.params["train"]["momentum"]
    0.9
    """

    def __init__(self, *arguments: Any, project: Path) -> None:
        super().__init__(*arguments)
        self._project = project

    @property
    def seed(self) -> int:
        """The seed that all random numbers of the run come from."""
        return load_section(self.params_path, "seed", Seed)

    def network(self, trained: bool = True) -> "nn.Module":
        """Return the run's network in evaluation mode, with its trained weights or with those before training.

        >>> network = open_run(".").network()
        >>> sum(parameter.numel() for parameter in network.parameters())
        512
        """
        from strata.network.checkpoint import load_checkpoint
        from strata.network.make import initialized_network, wanted_outputs

        before, params = self._preprocessing()
        network = initialized_network(params, before.shape, wanted_outputs(self.dataset, params), self.seed)
        if trained:
            load_checkpoint(network, self._at(self.paths.weights))
        return network

    def network_paths(self) -> dict[str, str]:
        """Return a mapping: layer's name -> the module or step of the network whose output it is.

        >>> open_run(".").network_paths()
        {'input': 'input', 'h4': 'pool2', 'h6': 'output'}
        """
        from strata.network.capture import resolved_layers

        network = self.network(trained=False)
        return {layer: chosen.module for layer, chosen in resolved_layers(self.chosen_layers, network).items()}

    def inputs(self) -> "torch.Tensor":
        """Return the samples' images as network input: float32 (n, C, H, W), normalized as params.yaml says.

        >>> tuple(open_run(".").inputs().shape)
        (40, 1, 16, 16)
        """
        return self._preprocessing()[0].prepared(self.images())

    def _preprocessing(self) -> "tuple[Preprocessing, NetworkParams]":
        from strata.network.params import NetworkParams
        from strata.network.preprocessing import preprocessing

        params = load_section(self.params_path, "network", NetworkParams)
        return preprocessing(self.dataset, params), params

    def log_probabilities(self, network: "nn.Module", inputs: "torch.Tensor") -> NDArray[np.float32]:
        """Return a network's log-probabilities for `inputs`, in nats, float32 (n, classes), computed in batches.

        Raises StrataError if the network predicts no classes.

        >>> run = open_run(".")
        >>> predictions = run.log_probabilities(run.network(), run.inputs())
        >>> bool((predictions.argmax(axis=1) == run.samples.predicted).all())
        True
        """
        import torch

        from strata.network.io import log_probabilities
        from strata.network.params import NetworkParams

        params = load_section(self.params_path, "network", NetworkParams)
        if not params.predicts_classes:
            raise StrataError(f"the network predicts no classes: network.outputs is {params.outputs}")
        with torch.inference_mode():
            parts = [log_probabilities(network(part), params.outputs) for part in inputs.split(500)]
        return torch.cat(parts).float().numpy()

    def new_map(self, layer: str, **settings: Any) -> NDArray[np.float32]:
        """Return a new map of a layer, points float32 (n, 2), drawn as section `embed` says, with `settings` changed.

        >>> open_run(".").new_map("h6", perplexity=4).shape
        (40, 2)
        """
        from strata.core import streams
        from strata.maps.params import EmbedParams
        from strata.maps.pca import read_reduced
        from strata.maps.start import OWN, check_choice, common_start, own_start

        params = load_section(self.params_path, "embed", EmbedParams)
        changed = EmbedParams.model_validate({**params.model_dump(), **settings})
        choice, embedder = changed.initialization_layer, changed.embedder()
        check_choice(choice, list(self.chosen_layers), self.params_path)

        def values_of(each: str) -> NDArray[np.float32]:
            return read_reduced(self._at(self.paths.layer(each)), changed.pca_components, self.seed).values

        values = values_of(layer)
        embedder.check_count(len(values))
        start = own_start(values, self.seed) if choice == OWN else common_start(values_of(choice), choice, self.seed)
        return embedder.embed(values, start.points, streams.map_optimization(self.seed)).points.astype(np.float32)

    def experiments(self) -> list["Experiment"]:
        """Return the experiments in the project's repository: name, what each changed, metrics of training.

        >>> open_run(".").experiments()
        []
        """
        from strata.commands.known_experiments import known_experiments

        return known_experiments(self._project)


def layer_outputs(
    network: "nn.Module", inputs: "torch.Tensor", layers: Mapping[str, str | Mapping[str, Any]] | Sequence[str]
) -> dict[str, "torch.Tensor"]:
    """Return the outputs of a network's layers for inputs (n, ...): layer's name -> tensor (n, ...), copied.

    `layers` maps names to modules ("layer3.1"), to steps between them ("relu_1") or to "input"; or to a mapping that
    says what is taken, as in params.yaml. A list gives layers the names of their modules or steps. Raises StrataError
    if one of them is not in the network, runs twice or not at all, or does not have what is taken.

    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 2), torch.nn.ReLU())
    >>> layers = {"maps": "0", "means": {"module": "1", "pool": "mean"}}
    >>> outputs = layer_outputs(network, torch.ones(5, 1, 4, 4), layers)
    >>> {layer: tuple(values.shape) for layer, values in outputs.items()}
    {'maps': (5, 3, 3, 3), 'means': (5, 3)}
    """
    import torch

    from strata.network.capture import captured, resolved_layers
    from strata.network.taking import taken

    named = as_layers(layers if isinstance(layers, Mapping) else {layer: layer for layer in layers})
    chosen = resolved_layers(named, network)
    with captured(network, chosen) as captured_layers, torch.inference_mode():
        seen = captured_layers(inputs)[1]
    return {
        layer: values if chosen[layer].is_whole else torch.from_numpy(taken(values, layer, chosen[layer], len(inputs)))
        for layer, values in seen.items()
    }


def summary(network: "nn.Module", image_shape: Sequence[int], layers: Mapping[str, str]) -> str:
    """Return a network as text: tables of its modules, with output shapes and parameters, and of its state_dict.

    `layers` maps names to modules or steps, as for `layer_outputs`. Raises StrataError as it does.

    >>> run = open_run(".")
    >>> print(summary(run.network(), run.dataset.image_shape, run.network_paths()).splitlines()[2])
    input  input    Identity    1 x 16 x 16            0
    """
    from strata.training.summary import network_summary

    return network_summary(network, image_shape, as_layers(layers))


def draw_maps(
    maps: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    subtitles: Mapping[str, str] | None = None,
    method: str = "t-SNE",
) -> "Figure":
    """Return a figure of maps side by side, name -> points (n, 2), coloured by label (n,), an index into `classes`.

    `method` names the axes. Without labels all points have one colour.

    >>> run = open_run(".")
    >>> maps = {layer: run.map(layer).points for layer in run.layers}
    >>> len(draw_maps(maps, run.samples.label, run.dataset.classes).axes)
    4
    """
    from strata.report.figures.fonts import fonts_for
    from strata.report.figures.maps import draw_all_maps
    from strata.report.figures.style import names_in_figures

    with fonts_for([*classes, *maps]):
        return draw_all_maps(maps, labels, names_in_figures(classes), subtitles or {}, method)


def draw_map(
    points: NDArray[np.float32],
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    title: str = "",
    subtitle: str = "",
    method: str = "t-SNE",
) -> "Figure":
    """Return a large figure of one map, points (n, 2), coloured by label (n,), an index into `classes`.

    `method` names the axes. Without labels all points have one colour.

    >>> run = open_run(".")
    >>> figure = draw_map(run.map("h4").points, run.samples.label, run.dataset.classes, "h4")
    >>> figure.axes[0].get_title(loc="left")
    'h4'
    """
    from strata.report.figures.fonts import fonts_for
    from strata.report.figures.maps import draw_map as draw
    from strata.report.figures.style import names_in_figures

    with fonts_for([*classes, title, subtitle]):
        return draw(points, labels, names_in_figures(classes), title, subtitle, method)


def draw_output(
    image: NDArray[np.uint8],
    log_probabilities: NDArray[np.float32],
    label: int,
    classes: Sequence[str],
    title: str = "",
    grey_map: str = "gray_r",
) -> "Figure":
    """Return a figure of one sample's image (H, W) or (H, W, 3) beside its log-probabilities (classes,), in nats.

    >>> run = open_run(".")
    >>> output = run.log_probabilities(run.network(), run.inputs()[:1])[0]
    >>> figure = draw_output(run.images()[0], output, int(run.samples.label[0]), run.dataset.classes)
    >>> figure.axes[1].get_ylabel()
    'log-probability (nats)'
    """
    from strata.report.figures.close_up import draw_output as draw
    from strata.report.figures.fonts import fonts_for
    from strata.report.figures.style import names_in_figures

    with fonts_for([*classes, title]):
        return draw(image, log_probabilities, label, names_in_figures(classes), title, grey_map)


def draw_channels(activation: NDArray[np.float32], title: str = "") -> "Figure":
    """Return a figure of one sample's activation in a convolutional layer, (C, H, W), each channel as an image.

    >>> figure = draw_channels(open_run(".").activation("h4", sample_id=0))
    >>> figure.axes[-1].get_ylabel()
    'activation'
    """
    from strata.report.figures.close_up import draw_feature_maps
    from strata.report.figures.fonts import fonts_for

    with fonts_for([title]):
        return draw_feature_maps(activation, title)
