"""Export: TensorBoard's own plugin, pandas, DuckDB and NumPy read what was written, and it is the run's values."""

import csv
import io
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import urlencode

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client

from strata.artifacts.activations import read_activations
from strata.artifacts.maps import read_map, write_map
from strata.artifacts.measured import read_decisions, read_points
from strata.artifacts.samples import read_samples
from strata.commands.export import main as export
from strata.commands.export import projector
from strata.commands.export.projector import cell, looks_like_text, write_sprite, write_tensor
from strata.core.errors import StrataError
from strata.dataset.description import load_images
from tests.tiny_pipeline import MEASURED, ODD_CLASSES

LAYERS = ["input", "h4", "h6"]


def run_export(folder, out, *options) -> None:
    """Export what lies under `folder` to `out`."""
    export.main(["--params", str(folder / "params.yaml"), "--data", str(folder / "data"), "--out", str(out), *options])


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "new/exports"
    run_export(tiny_run, folder)
    return folder


@pytest.fixture
def copy(tiny_run, tmp_path):
    """A copy of the run to change."""
    return shutil.copytree(tiny_run, tmp_path / "copy")


@pytest.fixture(scope="module")
def samples(tiny_run):
    return read_samples(tiny_run / "data/activations/samples.parquet")[0]


@pytest.fixture(scope="module")
def images(tiny_run):
    return load_images(tiny_run / "data/raw", "test").images


@pytest.fixture(scope="module")
def decisions(tiny_run):
    return read_decisions(tiny_run / "data/measures/samples.parquet")[0]


def activations(tiny_run, layer):
    return read_activations(tiny_run / f"data/activations/{layer}.parquet").values


def points(tiny_run, layer):
    return read_map(tiny_run / f"data/embeddings/{layer}.parquet").points


def files(folder):
    """Return path -> bytes of all files under a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Projector:
    """TensorBoard's projector, asked as its page asks it."""

    def __init__(self, folder) -> None:
        runs = SimpleNamespace(list_runs=lambda *_, **__: [])
        self._apps = ProjectorPlugin(SimpleNamespace(data_provider=runs, logdir=str(folder))).get_plugin_apps()

    def get(self, route, **query) -> bytes:
        answer = Client(self._apps[route]).get(f"/?{urlencode(query)}")
        assert answer.status_code == 200, answer.text
        return answer.data


@pytest.fixture(scope="module")
def tensorboard(exported):
    return Projector(exported / "tensorboard")


def test_every_file_is_there_and_no_other(exported):
    assert set(files(exported)) == {
        *("tensorboard/projector_config.pbtxt", "tensorboard/metadata.tsv", "tensorboard/sprite.png"),
        *(f"tensorboard/layers/{layer}.bytes" for layer in LAYERS),
        *(f"tensorboard/maps/{layer}.tsv" for layer in LAYERS),
        "atlas/samples.parquet",
        *(f"arrays/{name}.npy" for name in [*LAYERS, "samples"]),
        *(f"arrays/maps/{layer}.npy" for layer in LAYERS),
        *("arrays/samples.csv", "arrays/about.json"),
    }


def test_the_projectors_configuration_is_of_its_form(exported):
    config = ProjectorConfig()
    text_format.Parse((exported / "tensorboard/projector_config.pbtxt").read_text(encoding="utf-8"), config)
    assert [entry.tensor_name for entry in config.embeddings] == [
        name for layer in LAYERS for name in (layer, f"{layer} map")
    ]
    assert [list(entry.tensor_shape) for entry in config.embeddings[2:4]] == [[40, 4], [40, 3]]
    for entry in config.embeddings:
        assert list(entry.sprite.single_image_dim) == [16, 16]
        assert (entry.metadata_path, entry.sprite.image_path) == ("metadata.tsv", "sprite.png")


@pytest.mark.parametrize("layer", LAYERS)
def test_tensorboard_reads_every_tensor_to_the_bit(tiny_run, tensorboard, layer):
    assert json.loads(tensorboard.get("/runs")) == ["."]
    flat = np.column_stack(
        [points(tiny_run, layer), np.zeros(40, dtype=np.float32)]
    )  # it shows no tensor of two columns
    for name, expected in ((layer, activations(tiny_run, layer)), (f"{layer} map", flat)):
        found = np.frombuffer(tensorboard.get("/tensor", run=".", name=name), "<f4").reshape(expected.shape)
        np.testing.assert_array_equal(found, expected)


def test_tensorboard_reads_the_samples(tensorboard, samples, decisions):
    text = tensorboard.get("/metadata", run=".", name="h4").decode("utf-8")
    assert text.endswith("\n") and '"' in text  # quotes stand as they are: the format knows none
    lines = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    assert len(lines) == 41 and {len(line) for line in lines} == {15}
    table = pd.DataFrame(lines[1:], columns=lines[0])
    assert table["sample_id"].tolist() == [str(name) for name in range(40)]
    assert table["label_name"].tolist()[:4] == ["zero", "one or ace", '<b>"two"</b>', "three, or so"]
    np.testing.assert_allclose(table["log_probability"].astype(float), samples.log_probability, rtol=1e-5)
    np.testing.assert_allclose(table["confidence"].astype(float), samples.confidence, rtol=1e-5)
    assert table["correct"].tolist() == [str(right) for right in samples.label == samples.predicted]
    commit = dict(zip(decisions.sample_id, decisions.commit_layer, strict=True))
    assert len(commit) == MEASURED
    names = dict(enumerate(LAYERS)) | {3: "after h6", None: ""}
    assert table["commit_layer"].tolist() == [names[commit.get(sample)] for sample in range(40)]
    depths = {0: "0", 1: "1", 2: "2", 3: "3", None: ""}
    assert table["commit_depth"].tolist() == [depths[commit.get(sample)] for sample in range(40)]


def test_the_sprite_has_image_i_at_its_place(tensorboard, images):
    with Image.open(io.BytesIO(tensorboard.get("/sprite_image", run=".", name="h4"))) as picture:
        pixels = np.array(picture)
    assert pixels.shape == (6 * 16, 7 * 16)  # 40 images in rows of 7
    for place, image in enumerate(images):
        top, left = place // 7 * 16, place % 7 * 16
        np.testing.assert_array_equal(pixels[top : top + 16, left : left + 16], image)


def test_the_sprite_of_colour_images_is_in_colour(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    assert write_sprite(tmp_path / "sprite.png", images) == (6, 4)
    with Image.open(tmp_path / "sprite.png") as picture:
        pixels = np.array(picture)
    assert pixels.shape == (8, 18, 3)
    for place, image in enumerate(images):  # rows of 3
        top, left = place // 3 * 4, place % 3 * 6
        np.testing.assert_array_equal(pixels[top : top + 4, left : left + 6], image)


def test_a_sprite_of_too_many_images_is_shrunk(tmp_path, monkeypatch):
    monkeypatch.setattr(projector, "SPRITE_SIDE", 30)
    images = np.repeat(np.array([0, 100, 200, 250], dtype=np.uint8), 8).reshape(16, 1, 2).repeat(6, 1).repeat(6, 2)
    size = write_sprite(tmp_path / "sprite.png", images)  # 6 high, 12 wide; rows of 4
    assert size == (7, 3)
    with Image.open(tmp_path / "sprite.png") as picture:
        assert picture.size == (28, 12)
        assert np.array(picture)[::3, ::7].ravel().tolist() == images[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (np.zeros(6, "<f4").tobytes(), True),
        (np.full(6, 0.5, "<f4").tobytes(), True),  # 00 00 00 3f
        (np.array([0, 0.1], "<f4").tobytes(), False),
        (b"\x00\x00\n\xff\xff", True),  # the first line passes: a reader by lines takes it for text
        ("ü".encode()[:1], True),  # cut off
        ("ü".encode()[:1] + b"\n", False),
    ],
)
def test_bytes_that_pass_for_text_are_known(head, expected):
    assert looks_like_text(head) is expected


@pytest.mark.parametrize("fill", [0, 0.5, 0.1])
def test_tensorboard_reads_layers_whose_bytes_pass_for_text(tmp_path, fill):
    values = np.full((5, 3), fill, dtype=np.float32)
    (tmp_path / ("h1.bytes" if fill != 0.1 else "h1.tsv")).touch()  # of an earlier export
    name = write_tensor(tmp_path / "h1", values)
    assert [path.name for path in tmp_path.iterdir()] == [name] == ["h1.bytes" if fill == 0.1 else "h1.tsv"]
    entry = f'tensor_name: "h1" tensor_path: "{name}" tensor_shape: 5 tensor_shape: 3'
    (tmp_path / "projector_config.pbtxt").write_text(f"embeddings {{ {entry} }}", encoding="utf-8")
    found = np.frombuffer(Projector(tmp_path).get("/tensor", run=".", name="h1"), "<f4").reshape(5, 3)
    np.testing.assert_array_equal(found, values)


def test_cells_stand_on_one_line():
    assert cell("a\tb\r\nc\x85d\u2028e\x00f ") == "a b c d e f"
    assert (cell(0.12345678), cell(np.float32(1e-9)), cell(3), cell(True)) == ("0.123457", "1e-09", "3", "True")


def test_the_atlas_has_every_sample_by_name(exported, samples, decisions, images):
    frame = pd.read_parquet(exported / "atlas/samples.parquet")  # as Embedding Atlas reads it
    assert frame["sample_id"].tolist() == list(range(40))
    assert frame["label"].tolist() == [ODD_CLASSES[label] for label in samples.label]
    assert frame["predicted"].tolist() == [ODD_CLASSES[label] for label in samples.predicted]
    np.testing.assert_array_equal(frame["confidence"], samples.confidence)
    assert frame["commit_layer"].notna().sum() == MEASURED
    assert frame["flips"].dropna().tolist() == decisions.flips.tolist()
    for place, image in enumerate(images):
        with Image.open(io.BytesIO(frame["image"][place]["bytes"])) as picture:
            np.testing.assert_array_equal(np.array(picture), image)
        assert frame["image"][place]["path"] == f"{place}.png"


@pytest.mark.parametrize("layer", LAYERS)
def test_the_atlas_has_maps_and_true_neighbours_by_row(tiny_run, exported, layer):
    frame = pd.read_parquet(exported / "atlas/samples.parquet")
    np.testing.assert_array_equal(frame[[f"x_{layer}", f"y_{layer}"]], points(tiny_run, layer))
    known, _ = read_points(tiny_run / f"data/measures/points/{layer}.parquet")
    values = activations(tiny_run, layer).astype(np.float64)
    column = frame[f"neighbours_{layer}"]
    assert set(np.flatnonzero(column.isna())) == set(range(40)) - set(known.sample_id)
    for sample, near in zip(known.sample_id, known.neighbours, strict=True):
        assert column[sample]["ids"].tolist() == near.tolist()  # ids are rows, as all of a split is exported
        apart = np.linalg.norm(values[near] - values[sample], axis=1)
        np.testing.assert_allclose(column[sample]["distances"], apart, rtol=1e-6)
        assert (np.diff(column[sample]["distances"]) >= 0).all()


def test_duckdb_sees_the_columns_that_the_atlas_documents(exported):
    """Embedding Atlas keeps the table in DuckDB: structs of ids and distances, and of an image's bytes and path."""
    table = duckdb.read_parquet(str(exported / "atlas/samples.parquet"))
    kinds = {name: str(kind) for name, kind in zip(table.columns, table.types, strict=True)}
    assert kinds["neighbours_h4"] == "STRUCT(ids INTEGER[], distances FLOAT[])"
    assert kinds["image"] == "STRUCT(bytes BLOB, path VARCHAR)"
    assert (kinds["x_h4"], kinds["label"]) == ("FLOAT", "VARCHAR")
    pictures = table.select("image.bytes").fetchall()
    assert len(pictures) == 40 and all(picture.startswith(b"\x89PNG\r\n\x1a\n") for (picture,) in pictures)


@pytest.mark.parametrize("layer", LAYERS)
def test_arrays_are_the_layers_and_maps(tiny_run, exported, layer):
    np.testing.assert_array_equal(np.load(exported / f"arrays/{layer}.npy"), activations(tiny_run, layer))
    np.testing.assert_array_equal(np.load(exported / f"arrays/maps/{layer}.npy"), points(tiny_run, layer))


def test_the_arrays_samples_images_and_origin(exported, samples, images):
    np.testing.assert_array_equal(np.load(exported / "arrays/samples.npy"), images)
    with (exported / "arrays/samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["label"]) for row in rows] == samples.label.tolist()
    assert [row["label_name"] for row in rows] == [ODD_CLASSES[label] for label in samples.label]
    about = json.loads((exported / "arrays/about.json").read_text(encoding="utf-8"))
    assert about["classes"] == ODD_CLASSES and about["split"] == "test" and "MNIST" in about["licence"]
    assert about["layers"] == {"input": [1, 16, 16], "h4": [4, 1, 1], "h6": [10]}


def test_the_same_run_gives_the_same_bytes(tiny_run, exported, tmp_path):
    before = files(tiny_run)
    run_export(tiny_run, tmp_path / "again")
    assert files(tmp_path / "again") == files(exported)
    assert files(tiny_run) == before


def test_chosen_layers_replace_an_earlier_export(tiny_run, exported, tmp_path):
    out = shutil.copytree(exported, tmp_path / "out")
    (out / "arrays/mine.npy").write_bytes(b"kept")
    for name in ("arrays/layer3.1.npy", "arrays/maps/layer3.1.npy", "tensorboard/maps/layer3.1.tsv"):
        (out / name).write_bytes(b"of another network")
    run_export(tiny_run, out, "--layers", "h6", "input")
    left = set(files(out))
    assert left == {name for name in files(exported) if "h4" not in name} | {"arrays/mine.npy"}
    assert [
        entry.rsplit("_")[-1] for entry in pq.read_schema(out / "atlas/samples.parquet").names if "x_" in entry
    ] == [
        *("input", "h6")  # in the run's order
    ]
    assert pd.read_csv(out / "arrays/samples.csv")["commit_layer"].equals(
        pd.read_csv(exported / "arrays/samples.csv")["commit_layer"]
    )


def test_without_measures_it_is_said_and_the_rest_is_there(copy, tmp_path, capsys):
    shutil.rmtree(copy / "data/measures")
    run_export(copy, tmp_path / "out")
    assert "does not exist; commit layers and neighbours are left out" in capsys.readouterr().err
    frame = pd.read_parquet(tmp_path / "out/atlas/samples.parquet")
    assert not [name for name in frame.columns if "neighbours" in name or "commit" in name]
    assert len(frame) == 40


def test_an_unknown_layer_is_named(tiny_run, tmp_path):
    with pytest.raises(StrataError, match=r"the run has no layer 'h9'; allowed: input, h4, h6"):
        run_export(tiny_run, tmp_path / "out", "--layers", "h9")
    assert not (tmp_path / "out").exists()


def test_artifacts_of_other_models_are_not_joined(copy, tmp_path):
    path = copy / "data/embeddings/h4.parquet"
    found = read_map(path)
    other = type(found.provenance)("test", "0" * 64, found.provenance.data_sha256)
    write_map(path, replace(found, provenance=other))
    with pytest.raises(StrataError, match=r"do not belong together: their model_sha256 differ"):
        run_export(copy, tmp_path / "out")


def test_a_failed_export_does_not_look_finished(copy, exported, tmp_path):
    out = shutil.copytree(exported, tmp_path / "out")
    path = copy / "data/activations/h6.parquet"
    content = bytearray(path.read_bytes())
    content[8:400] = bytes(392)
    path.write_bytes(content)
    with pytest.raises(StrataError, match=r"h6.parquet is damaged"):
        run_export(copy, out)
    assert not [name for name in export.LAST if (out / name).exists()]
    assert not list(out.rglob("*.part"))
