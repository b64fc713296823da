"""params.yaml: every section has a schema, and any mistake is one line with the file and the key."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from strata.core.errors import StrataError
from strata.core.layers import Layer, Layers, as_layers
from strata.core.params import Reproducible, Seed, load_section
from strata.maps.params import EmbedParams
from strata.maps.umap import Umap
from strata.measures.params import MeasureParams
from strata.network.params import ExtractParams, NetworkParams
from strata.report.params import ReportParams
from strata.sources.catalogue import CATALOGUE
from strata.sources.params import KNOWN, DatasetParams, DownloadParams
from strata.training.params import ReplicateParams, TrainParams
from tests.tiny_pipeline import ROOT, TINY_PARAMS

SCHEMAS: dict[str, Any] = {
    "seed": Seed,
    "reproducible": Reproducible,
    "dataset": DatasetParams,
    "network": NetworkParams,
    "layers": Layers,
    "download": DownloadParams,
    "train": TrainParams,
    "replicate": ReplicateParams,
    "extract": ExtractParams,
    "embed": EmbedParams,
    "measure": MeasureParams,
    "report": ReportParams,
}
TRAIN_KEYS = "epochs, batch_size, test_batch_size, lr, momentum, log_interval, precision, device, threads and 3 more"
HINT = "; write the number without quotes"
MIRROR = "a mirror is an http:// or https:// address, or a folder"
LAYER = "a layer's name has letters, digits and _ . - and is not samples or checkpoints (got"


LAYERS = "should be a list of names, or a map from names to modules, or auto"


def mistake(path: Path, name: str) -> str:
    """Return what loading a section says after the file's name, on one line."""
    with pytest.raises(StrataError) as caught:
        load_section(path, name, SCHEMAS[name])
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}: ")


def mistake_in(text: str, tmp_path: Path) -> str:
    """Return what loading section `train` of a file of that text says."""
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    return mistake(tmp_path / "params.yaml", "train")


def test_the_projects_own_file_has_the_sections_of_the_schemas_and_each_loads():
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert set(content) == set(SCHEMAS)
    for name, schema in SCHEMAS.items():
        loaded = load_section(ROOT / "params.yaml", name, schema)
        if name == "layers":
            assert loaded == as_layers({layer: layer for layer in content[name]})
        else:
            assert (loaded if name in ("seed", "reproducible") else loaded.model_dump()) == content[name]


def test_the_settings_of_a_method_that_are_left_out_are_its_defaults(write_params):
    assert load_section(write_params(), "embed", EmbedParams).umap == Umap()
    partly = load_section(write_params(embed={"umap": {"neighbours": 7}}), "embed", EmbedParams)
    assert partly.umap == Umap(neighbours=7) and partly.umap.minimum_distance == 0.1


def test_a_section_is_frozen(write_params):
    train = load_section(write_params(), "train", TrainParams)
    with pytest.raises(ValidationError, match="frozen"):
        train.epochs = 3


def test_whole_numbers_will_do_where_any_number_does(write_params):
    assert load_section(write_params(train={"lr": 1}), "train", TrainParams).lr == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"epoch": 3}, "train.epoch: unknown key; did you mean 'epochs'?"),
        ({"zzz": 3}, f"train.zzz: unknown key; allowed: {TRAIN_KEYS}"),
        ({"two\nlines": 3}, f"train.two lines: unknown key; allowed: {TRAIN_KEYS}"),
        ({1: 3}, "train.1: keys should be strings (got 1)"),
        ({"epochs": True}, "train.epochs: input should be a valid integer (got True)"),
        ({"epochs": 2.0}, "train.epochs: input should be a valid integer (got 2.0)"),
        ({"epochs": None}, "train.epochs: input should be a valid integer (got None)"),
        ({"epochs": -1}, "train.epochs: input should be greater than or equal to 0 (got -1)"),
        ({"lr": True}, "train.lr: input should be a valid number (got True)"),
        ({"lr": "fast"}, "train.lr: input should be a valid number (got 'fast')"),
        ({"lr": "0.001"}, f"train.lr: input should be a valid number (got '0.001'){HINT}"),
        ({"lr": 0}, "train.lr: input should be greater than 0 (got 0)"),
        ({"lr": float("nan")}, "train.lr: input should be a finite number (got nan)"),
        ({"momentum": 1.0}, "train.momentum: input should be less than 1 (got 1.0)"),
        ({"momentum": float("nan")}, "train.momentum: input should be a finite number (got nan)"),
        ({"device": "gpu"}, "train.device: input should be 'cpu', 'cuda' or 'mps' (got 'gpu')"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_mistake_in_train_is_one_line_with_the_key(change, expected, write_params):
    assert mistake(write_params(train=change), "train") == expected


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_number_in_quotes_gets_the_hint(quote, tmp_path, write_params):
    text = write_params(train={"lr": 0.5}).read_text().replace("lr: 0.5", f"lr: {quote}1e-3{quote}")
    assert mistake_in(text, tmp_path) == f"train.lr: input should be a valid number (got '1e-3'){HINT}"


def test_a_missing_key_is_named(tmp_path):
    train = {key: value for key, value in TINY_PARAMS["train"].items() if key != "threads"}
    assert mistake_in(yaml.safe_dump({"train": train}), tmp_path) == "train.threads: missing"


def test_all_mistakes_of_a_section_are_told_at_once(write_params):
    said = mistake(write_params(train={"epochs": -1, "momentum": -1}), "train").split("; ")
    assert [part.partition(":")[0] for part in said] == ["train.epochs", "train.momentum"]


@pytest.mark.parametrize(
    ("name", "change", "start"),
    [
        (
            "dataset",
            {"name": "mnist5k"},
            "dataset.name: should be mnist-5k, mnist, fashion-mnist, kmnist, cifar-10, or a",
        ),
        ("dataset", {"name": "./a\nb"}, "dataset.name: should be mnist-5k, mnist, fashion-mnist, kmnist, cifar-10, or"),
        ("dataset", {"image_side": 28}, "dataset: image_side resizes your own class folders, not mnist-5k: set it"),
        ("dataset", {"name": "./a", "image_side": 7}, "dataset.image_side: input should be greater than or equal to 8"),
        ("dataset", {"colour": "RGB"}, "dataset.colour: input should be 'grey' or 'rgb' (got 'RGB')"),
        ("dataset", {"test_share": 1.0}, "dataset.test_share: input should be less than 1 (got 1.0)"),
        ("dataset", {"shuffle_labels": "yes"}, "dataset.shuffle_labels: input should be a valid boolean (got 'yes')"),
        ("dataset", {"mirrors": "/folder"}, "dataset.mirrors: input should be a valid list (got '/folder')"),
        ("dataset", {"mirrors": ["/a", "file:///b"]}, f"dataset.mirrors.1: {MIRROR} (got 'file:///b')"),
        ("dataset", {"mirrors": ["ftp://a/b"]}, f"dataset.mirrors.0: {MIRROR} (got 'ftp://a/b')"),
        ("dataset", {"mirrors": [" "]}, f"dataset.mirrors.0: {MIRROR} (got ' ')"),
        ("dataset", {"mirrors": ["a\nb"]}, f"dataset.mirrors.0: {MIRROR} (got 'a\\nb')"),
        ("download", {"timeout_seconds": 0}, "download.timeout_seconds: input should be greater than 0 (got 0)"),
        ("download", {"attempts": 21}, "download.attempts: input should be less than or equal to 20 (got 21)"),
        ("network", {"kernel_size": 8}, "network.kernel_size: unknown key; allowed: target, arguments, outputs"),
        ("network", {"target": "networks/a.py"}, "network.target: string should match pattern"),
        ("network", {"target": "networks.a"}, "network.target: string should match pattern"),
        ("network", {"arguments": [3]}, "network.arguments: input should be a valid dictionary (got [3])"),
        (
            "network",
            {"outputs": "softmax"},
            "network.outputs: input should be 'log-probabilities', 'logits', 'probabilities', 'values', 'multi-label'"
            " or 'features' (got 'softmax')",
        ),
        ("measure", {"probe_components": 100}, "measure.probe_components: unknown key; did you mean 'probe_"),
        ("measure", {"probe_penalty": 1}, "measure.probe_penalty: unknown key; did you mean 'probe_pen"),
        ("measure", {"probe_penalties": [0.1, 1]}, "measure.probe_penalties: penalties descend, each once (got"),
        ("measure", {"probe_penalties": [1, 1]}, "measure.probe_penalties: penalties descend, each once (got"),
        ("measure", {"probe_penalties": []}, "measure.probe_penalties: list should have at least 1 item"),
        ("measure", {"probe_penalties": [0]}, "measure.probe_penalties.0: input should be greater than 0 (got 0)"),
        ("measure", {"probe_validation": 0}, "measure.probe_validation: input should be greater than or equal to 0.05"),
        ("train", {"freeze": "conv1"}, "train.freeze: input should be a valid list (got 'conv1')"),
        ("train", {"freeze": [""]}, "train.freeze.0: string should have at least 1 character (got '')"),
        ("train", {"init_from": ""}, "train.init_from: string should have at least 1 character (got '')"),
        ("train", {"checkpoints": [1, 0]}, "train: checkpoints must ascend, without repeats"),
        ("train", {"checkpoints": [1, 1]}, "train: checkpoints must ascend, without repeats"),
        ("train", {"checkpoints": [0.5, 2.5]}, "train: the checkpoint at 2.5 epochs comes after the last of 2"),
        ("train", {"checkpoints": [-1]}, "train.checkpoints.0: input should be greater than or equal to 0 (got -1"),
        ("train", {"checkpoints": 1}, "train.checkpoints: input should be a valid list (got 1)"),
        ("extract", {"split": "all"}, "extract.split: input should be 'train', 'test' or 'both' (got 'all')"),
        ("embed", {"learning_rate": "fast"}, "embed.learning_rate"),
        ("embed", {"iterations": 99}, "embed: engine sklearn needs at least 250 iterations, exaggerated and plain"),
        ("embed", {"method": "t-SNE"}, "embed.method: should be tsne, umap or pacmap (got 't-SNE')"),
        ("embed", {"umap": 15}, "embed.umap: input should be a valid dictionary or instance of Umap (got 15)"),
        (
            "embed",
            {"umap": {"neighbours": 1}},
            "embed.umap.neighbours: input should be 'auto', or input should be greater than or equal to 2 (got",
        ),
        (
            "embed",
            {"umap": {"epochs": 0.5}},
            "embed.umap.epochs: input should be 'auto', or input should be a valid int",
        ),
        (
            "embed",
            {"umap": {"neighbors": 9}},
            "embed.umap.neighbors: unknown key; did you mean 'neighbours'?",
        ),
        ("embed", {"pacmap": {"further_ratio": "1e-3"}}, "embed.pacmap.further_ratio: input should be a valid number"),
        ("report", {"dpi": 601}, "report.dpi: input should be less than or equal to 600 (got 601)"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_mistake_in_any_section_is_one_line_with_the_key(name, change, start, write_params):
    assert mistake(write_params(**{name: change}), name).startswith(start)


@pytest.mark.parametrize("name", ["./mine", "/data/mine", "../mine", "mine/", "a/b", ".", "mine.npz", "./お 1.npz"])
def test_a_path_is_data_of_ones_own(name, write_params):
    loaded = load_section(write_params(dataset={"name": name, "image_side": 28}), "dataset", DatasetParams)
    assert loaded.own_path == Path(name)


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_name_is_no_path(name, write_params):
    assert load_section(write_params(dataset={"name": name}), "dataset", DatasetParams).own_path is None
    assert name in CATALOGUE
    assert len(KNOWN) == len(CATALOGUE)


def test_mirrors_are_addresses_or_folders(write_params):
    mirrors = ["https://a.example/b/", "http://127.0.0.1:8000", "/a folder", "../b", "お"]
    loaded = load_section(write_params(dataset={"mirrors": mirrors}), "dataset", DatasetParams)
    assert loaded.mirrors == mirrors


@pytest.mark.parametrize("mode", ["everywhere", "Portable", True, None])
def test_what_is_reproducible_where_is_one_of_two_words(mode, write_params):
    expected = f"reproducible: input should be 'machine' or 'portable' (got {mode!r})"
    assert mistake(write_params(reproducible=mode), "reproducible") == expected


@pytest.mark.parametrize("seed", [True, -1, 2**32, "0", 1.5, None])
def test_a_seed_is_a_whole_number_below_2_to_the_32(seed, write_params):
    assert mistake(write_params(seed=seed), "seed").startswith("seed: input should be ")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        *[(each, f"layers: {LAYERS} (got {each!r})") for each in ([], {}, "h1", None, 3)],
        (["h1", 2], "layers: names and modules must be text: write '2' in quotes (got 2)"),
        ({"h1": 1}, "layers: names and modules must be text: write '1' in quotes (got 1)"),
        ({"h1": None}, "layers: names and modules must be text: write 'None' in quotes (got None)"),
        ({"h1": ""}, "layers: layer h1 has no module"),
        ({"h1": "a", "H1": "b"}, "layers: each layer may be named once"),
        ({"a/b": "a"}, f"layers: {LAYER} 'a/b')"),
        (["h1", "h2", "h1"], "layers: each layer may be named once"),
        (["h1", "H1"], "layers: each layer may be named once"),
        *[
            ([name], f"layers: {LAYER} {name!r})")
            for name in ("a/b", "..\\b", "..", "", "a\n", "a" * 65, "samples", "Checkpoints")
        ],
    ],
)
def test_layers_are_names_that_can_be_files_each_once(layers, expected, write_params):
    assert mistake(write_params(layers=layers), "layers") == expected


def test_layers_map_names_to_modules_and_a_name_alone_is_its_module(write_params):
    by_path = {"input": "input", "block3": "layer3.1", "again": "layer3.1"}
    assert load_section(write_params(layers=by_path), "layers", Layers) == as_layers(by_path)
    assert load_section(write_params(layers=["fc.2", "1"]), "layers", Layers) == as_layers({"fc.2": "fc.2", "1": "1"})


def test_a_layer_can_say_what_is_taken(write_params):
    chosen = {"module": "blocks.3", "part": 0, "take": "cls", "pool": "4x4", "project": 4096}
    found = load_section(write_params(layers={"input": "input", "third": chosen}), "layers", Layers)
    assert found == {"input": Layer(module="input"), "third": Layer(**chosen)}
    assert str(found["third"]) == "blocks.3, part 0, take cls, pool 4x4, projected to 4096"
    assert (found["input"].taken, found["third"].taken) == ("", str(found["third"]))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"take": "cls"}, "layers.h1.module: missing"),
        ({"module": "a", "took": "cls"}, "layers.h1.took: unknown key; allowed: module, part, take, pool, project"),
        ({"module": "a", "take": "first"}, "layers.h1.take: should be flat, cls, mean, last or token:5 (got 'first')"),
        ({"module": "a", "take": "token:x"}, "layers.h1.take: should be flat, cls, mean, last or token:5 (got"),
        ({"module": "a", "pool": "4"}, "layers.h1.pool: should be mean, max, or a size such as 4x4 (got '4')"),
        ({"module": "a", "project": 0}, "layers.h1.project: input should be greater than or equal to 1 (got 0)"),
        ({"module": "a", "part": -1}, "layers.h1.part: input should be greater than or equal to 0"),
        ({"module": ""}, "layers.h1.module: string should have at least 1 character (got '')"),
    ],
)
def test_what_cannot_be_taken_is_one_line(chosen, expected, write_params):
    assert mistake(write_params(layers={"h1": chosen}), "layers").startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed: 0", "section 'train' is missing"),
        ("train:", "train: input should be a valid dictionary or instance of TrainParams (got None)"),
        ("- train", "must be a mapping of sections, not list"),
        ("", "must be a mapping of sections, not NoneType"),
        ("2020-13-45: 1", "is not YAML: month must be in 1..12"),
    ],
)
def test_a_file_of_another_form_is_told_so(text, expected, tmp_path):
    assert mistake_in(text, tmp_path) == expected


@pytest.mark.parametrize("text", ["train: [", "a: b: c", "train: !!python/object/apply:os.getcwd []", "\0"])
def test_what_is_not_yaml_is_told_so(text, tmp_path):
    assert mistake_in(text, tmp_path).startswith("is not YAML: ")


def test_a_file_that_cannot_be_read_is_told_so(tmp_path):
    assert mistake(tmp_path / "none.yaml", "train") == "cannot be read: No such file or directory"
    (tmp_path / "latin.yaml").write_bytes(b"# caf\xe9")
    assert mistake(tmp_path / "latin.yaml", "train").startswith("cannot be read: 'utf-8' codec can't decode byte 0xe9")


def test_a_learning_rate_that_would_crash_scikit_learn_is_refused(write_params):
    path = write_params(embed={"learning_rate": 1e100})
    with pytest.raises(StrataError, match=r"embed\.learning_rate: .* less than or equal to 1000000 \(got 1e\+100\)"):
        load_section(path, "embed", EmbedParams)
