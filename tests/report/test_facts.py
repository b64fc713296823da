"""The facts of a run: hashes of the files, accuracy, where the data come from, and how many samples are shown."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from strata.artifacts.maps import LayerMap, MapMethod, write_map
from strata.artifacts.provenance import Provenance
from strata.artifacts.run import RunArtifacts
from strata.artifacts.samples import Samples
from strata.core.errors import StrataError
from strata.core.paths import Paths
from strata.dataset.description import GIVEN, read_description
from strata.report.page.facts import drawn_by, facts
from strata.report.page.inputs import ReportInputs

COUNT = 40
LAYERS = ["h5", "input"]
METHOD = MapMethod("tsne", "t-SNE", "t-SNE with perplexity 5", "t-SNE by sklearn.", (), {"engine": "sklearn"})


@pytest.fixture
def run(tmp_path, tiny_data):
    """Inputs with maps in `tmp_path`/embeddings, and training.json beside them."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/mnist_cnn.pt").write_bytes(b"weights")
    origin = Provenance.of("test", tmp_path / "model/mnist_cnn.pt", tiny_data)
    ids = np.arange(COUNT, dtype=np.int32)
    maps = {}
    for place, layer in enumerate(LAYERS):
        points = np.full((COUNT, 2), place, dtype=np.float32)
        maps[layer] = LayerMap(layer, ids, points, METHOD, origin)
        write_map(tmp_path / "embeddings" / f"{layer}.parquet", maps[layer])
    (tmp_path / "training.json").write_text('{"test_accuracy": 0.98765, "parameters": 1234567}', encoding="utf-8")
    zeros, shares = np.zeros(COUNT, np.int16), np.zeros(COUNT, np.float32)
    return ReportInputs(
        dataset=read_description(tiny_data),
        provenance=origin,
        samples=Samples(ids, np.full(COUNT, "test"), zeros, zeros, shares, shares),
        images=np.zeros((COUNT, 2, 2), np.uint8),
        maps=maps,
        infos={},
        shown=None,
        shown_activations={},
        batches=pd.DataFrame(),
        epochs=pd.DataFrame(),
        measures=None,
    )


def facts_of(run, folder, shown=COUNT):
    artifacts = RunArtifacts(Paths.of(folder, folder), folder / "params.yaml")
    return facts(run, artifacts, shown, {"python": "3.11"})


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_hashes_are_those_of_the_files(run, tmp_path, tiny_data):
    found = {name: text for name, text in facts_of(run, tmp_path).items() if "SHA-256" in name}
    assert list(found.items()) == [
        ("Data, SHA-256", sha256(tiny_data / "dataset.json")),
        ("Model, SHA-256", sha256(tmp_path / "model/mnist_cnn.pt")),
        ("Map of h5, SHA-256", sha256(tmp_path / "embeddings/h5.parquet")),
        ("Map of input, SHA-256", sha256(tmp_path / "embeddings/input.parquet")),
    ]
    assert len(set(found.values())) == 4


def test_accuracy_and_the_numbers_of_the_training(run, tmp_path):
    found = facts_of(run, tmp_path)
    assert found["Test accuracy"] == "98.77%"
    assert found["Parameters of the network"] == "1,234,567"


def test_the_data_their_source_and_licence(run, tmp_path):
    found = facts_of(run, tmp_path)
    assert found["Data set"] == "mnist-5k: 60 training and 40 test images"
    texts = (run.dataset.source, run.dataset.citation, run.dataset.licence)
    assert (found["Source"], found["Citation"], found["Licence of the data"]) == texts
    assert all(texts)


def test_the_environment_the_engine_and_the_command(run, tmp_path):
    found = facts_of(run, tmp_path)
    assert found["Environment: python"] == "3.11"
    assert found["Maps"] == "t-SNE by sklearn"  # what the maps' metadata say
    assert found["To repeat the run"] == "make repro"


def test_a_run_of_given_objects_is_not_repeated_by_make(run, tmp_path):
    given = replace(run, dataset=run.dataset.model_copy(update={"source": GIVEN}))
    assert facts_of(given, tmp_path)["To repeat the run"] == "strata.observe, of the same objects"


def test_a_method_without_engines_is_named_alone():
    assert drawn_by(replace(METHOD, title="My method", settings={})) == "My method"


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (40, "40 images of split test"),
        (39, "40 images of split test, 39 of them on this page: measured ones first, then others at random"),
        (10, "40 images of split test, 10 of them on this page: measured ones first, then others at random"),
    ],
)
def test_a_part_of_the_samples_is_said_to_be_drawn_at_random(run, tmp_path, shown, text):
    assert facts_of(run, tmp_path, shown)["Samples"] == text


def test_no_text_names_a_folder_of_this_machine(run, tmp_path):
    assert str(tmp_path) not in str(facts_of(run, tmp_path))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"test_accuracy": 0.9, "para', id="truncated"),
        pytest.param(b'{"test_accuracy": 0.9}', id="no parameters"),
        pytest.param(b'{"parameters": 7}', id="no accuracy"),
        pytest.param(b'{"test_accuracy": null, "parameters": 7}', id="null"),
        pytest.param(b'{"test_accuracy": "high", "parameters": 7}', id="text"),
        pytest.param(b'{"test_accuracy": 0.9, "parameters": Infinity}', id="infinite"),
        pytest.param(b"[0.9, 7]", id="list"),
        pytest.param(b"0.9", id="number"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(None, id="missing"),
    ],
)
def test_metrics_that_cannot_be_read_are_one_line(run, tmp_path, content):
    path = tmp_path / "training.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StrataError) as caught:
        facts_of(run, tmp_path)
    assert str(caught.value) == f"{path} is missing or damaged; run `dvc repro -f train`"
