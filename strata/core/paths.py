"""The path of every artifact of a run: no other file spells these names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from strata.core.errors import StrataError
from strata.core.stage import stage_parser

FOLDERS = ("raw", "model", "replicates", "activations", "embeddings", "measures")  # the folders of a run's data
CHECKPOINTS = "checkpoints"
TRAINED = ""  # the time that means the trained network; other times are epochs whose weights were kept


@dataclass(frozen=True)
class Paths:
    """The folders of a run. The files in them have fixed names, which the properties return.

    `time` is an epoch at which weights were kept during training, as text, or TRAINED for the trained network.
    """

    raw: Path
    model: Path
    replicates: Path
    activations: Path
    embeddings: Path
    measures: Path
    reports: Path

    @classmethod
    def under(cls, root: Path) -> "Paths":
        """Return the paths of the run in a project's folder."""
        return cls.of(root / "data", root / "reports")

    @classmethod
    def of(cls, data: Path, reports: Path) -> "Paths":
        """Return the paths of a run from its data folder and its reports folder."""
        return cls(**{name: data / name for name in FOLDERS}, reports=reports)

    @property
    def weights(self) -> Path:
        """The trained network's state_dict."""
        return self.model / "mnist_cnn.pt"

    @property
    def checkpoints(self) -> Path:
        """The folder of the weights kept during training."""
        return self.model / CHECKPOINTS

    def replicate(self, network: int) -> Path:
        """The state_dict of network 2, 3, ...: the same network, trained from another seed."""
        return self.replicates / f"{network}.pt"

    def replicate_weights(self) -> dict[int, Path]:
        """Return a mapping, in order: number of a replicate, from 2 -> file of its weights.

        Raises StrataError if a file is not named after such a number.
        """
        files = {path.stem: path for path in _visible(self.replicates)}
        if strange := [path.name for name, path in files.items() if not name.isdecimal() or path.suffix != ".pt"]:
            raise StrataError(
                f"{self.replicates}: '{strange[0]}' is not a network's number; run `dvc repro -f replicate`"
            )
        return {number: files[str(number)] for number in sorted(map(int, files))}

    @property
    def samples(self) -> Path:
        """The table of samples: split, label, prediction, confidence."""
        return self.samples_of(TRAINED)

    @property
    def shipped(self) -> Path:
        """The trained network as plain steps, for the page."""
        return self.activations / "network.safetensors"

    @property
    def proposed_layers(self) -> Path:
        """The layers that were proposed for the network, where params.yaml says `layers: auto`."""
        return self.activations / "layers.json"

    def samples_of(self, time: str) -> Path:
        """The table of samples at a time in training."""
        return _of_time(self.activations, time) / "samples.parquet"

    def layer(self, layer: str, time: str = TRAINED) -> Path:
        """One layer's activations."""
        return _of_time(self.activations, time) / f"{layer}.parquet"

    def map(self, layer: str, time: str = TRAINED) -> Path:
        """One layer's map."""
        return _of_time(self.embeddings, time) / f"{layer}.parquet"

    @property
    def decisions(self) -> Path:
        """The table of the layers at which the measured samples are decided."""
        return self.measures / "samples.parquet"

    @property
    def probe_decisions(self) -> Path:
        """The same table by the votes of the layers' linear probes, if the measured samples are test images."""
        return self.measures / "samples_by_probe.parquet"

    def points(self, layer: str) -> Path:
        """The table of what was measured for each sample in one layer."""
        return self.measures / "points" / f"{layer}.parquet"

    @property
    def stability_maps(self) -> Path:
        """The maps of the stability sample at other settings."""
        return self.measures / "stability_maps.parquet"

    @property
    def registry(self) -> Path:
        """The descriptions of the measures, for tables, figures and the page."""
        return self.measures / "registry.json"

    def metrics(self, stage: str) -> Path:
        """The metrics file `training`, `embedding` or `measures`."""
        return self.reports / f"{stage}.json"

    def table(self, name: str) -> Path:
        """A CSV table of the reports, such as `measures`, `cka` or `epochs`."""
        return self.reports / f"{name}.csv"

    @property
    def summary(self) -> Path:
        """The network's summary as text."""
        return self.reports / "network.txt"

    @property
    def figures(self) -> Path:
        """The folder of the figures."""
        return self.reports / "figures"

    @property
    def page(self) -> Path:
        """The page to explore."""
        return self.reports / "index.html"

    @property
    def environment(self) -> Path:
        """The record of the software and hardware that computed the run."""
        return self.reports / "environment.json"

    @property
    def comparison(self) -> Path:
        """The page that compares two runs."""
        return self.reports / "compare.html"

    def kept_weights(self) -> dict[str, Path]:
        """Return a mapping, in order: time in epochs -> file of the weights kept during training.

        Raises StrataError if a file is not named after a time.
        """
        files = _visible(self.checkpoints)
        return _in_order({path.stem if path.suffix == ".pt" else path.name: path for path in files}, self.checkpoints)

    def kept_times(self, folder: Path) -> list[str]:
        """Return the times in epochs, other than TRAINED, for which `activations` or `embeddings` has files, in order.

        Raises StrataError if a folder is not named after a time.
        """
        inside = folder / CHECKPOINTS
        return list(_in_order({path.name: path for path in _visible(inside)}, inside)) if inside.exists() else []


def stage_arguments(doc: str | None, arguments: Sequence[str] | None, out: str) -> tuple[Path, Paths]:
    """Return the path of params.yaml and the paths of the artifacts, from a stage's command line.

    Every stage takes the same options: one for each folder of a run, and `--data` for the folder that contains them.
    `out` names the folder that the stage writes, `--out`. The defaults are relative to the project's folder.
    """
    parser = stage_parser(doc)
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="the folder that contains the next ones; default: %(default)s"
    )
    for name in (*FOLDERS, "reports"):
        option = "--out" if name == out else f"--{name}"
        default = "reports" if name == "reports" else f"{name}/ in --data"
        purpose = "the folder that this stage writes; " if name == out else ""
        parser.add_argument(option, dest=name, type=Path, metavar="FOLDER", help=f"{purpose}default: {default}")
    options = parser.parse_args(arguments)
    given = {name: path for name in (*FOLDERS, "reports") if (path := getattr(options, name)) is not None}
    return options.params, replace(Paths.of(options.data, Path("reports")), **given)


def _of_time(folder: Path, time: str) -> Path:
    return folder / CHECKPOINTS / time if time != TRAINED else folder


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _in_order(by_time: dict[str, Path], folder: Path) -> dict[str, Path]:
    for name in by_time:
        try:
            is_time = 0 <= float(name) < math.inf
        except ValueError:
            is_time = False
        if not is_time:
            raise StrataError(f"{folder}: '{name}' is not a time in epochs; run `dvc repro -f train`")
    return dict(sorted(by_time.items(), key=lambda entry: float(entry[0])))
