"""A run's artifacts: what is read is what was written, and what does not belong together is refused, one by one."""

import shutil

import numpy as np
import pytest
import yaml

from strata.artifacts.activations import ActivationWriter, read_activations
from strata.artifacts.maps import read_map, write_map
from strata.artifacts.run import RunArtifacts
from strata.artifacts.samples import read_samples, rows_of
from strata.core.errors import StrataError
from strata.core.paths import Paths
from strata.dataset.description import load_images

OTHER = "0" * 64


@pytest.fixture
def folder(tiny_run, tmp_path):
    """A copy of the tiny run, to change."""
    shutil.copytree(tiny_run, tmp_path / "run")
    return tmp_path / "run"


def opened(folder) -> RunArtifacts:
    return RunArtifacts(Paths.under(folder), folder / "params.yaml")


def refusal(read) -> str:
    """Return the text of the StrataError that reading ends in, one line."""
    with pytest.raises(StrataError) as caught:
        read()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def rewrite_h4(folder, **changes):
    """Write h4's activations again with another `provenance`, `layer` name or `sample_ids`."""
    path = folder / "data/activations/h4.parquet"
    old = read_activations(path)
    info = type(old.info)(changes.get("layer", "h4"), old.info.shape, changes.get("provenance", old.info.provenance))
    with ActivationWriter(path, info) as writer:
        writer.write(changes.get("sample_ids", old.sample_ids), old.values)


def test_everything_is_what_the_files_hold(tiny_run):
    run = opened(tiny_run)
    assert list(run.layers) == list(run.chosen_layers) == ["input", "h4", "h6"]
    assert run.layers["h4"].shape == (4, 1, 1) and run.layers["h4"].units == 4
    samples, origin = read_samples(tiny_run / "data/activations/samples.parquet")
    np.testing.assert_array_equal(run.samples.predicted, samples.predicted)
    assert run.provenance == origin
    np.testing.assert_array_equal(run.images(), load_images(tiny_run / "data/raw", "test").images)
    whole = read_activations(tiny_run / "data/activations/h4.parquet").values
    np.testing.assert_array_equal(run.activations("h4").values, whole)
    np.testing.assert_array_equal(np.concatenate([batch.values for batch in run.activation_batches("h4")]), whole)
    np.testing.assert_array_equal(run.activation("h4", 7), whole[7].reshape(4, 1, 1))
    np.testing.assert_array_equal(run.map("h6").points, read_map(tiny_run / "data/embeddings/h6.parquet").points)
    assert run.params == yaml.safe_load((tiny_run / "params.yaml").read_text(encoding="utf-8"))
    assert len(run.measures.rows) == len(run.measures.decisions.sample_id) == 32
    assert run.times == [] and run.over_training.empty
    assert run.training["parameters"] == 512 and run.epochs["epoch"].tolist() == [1, 2]


def test_a_layer_that_the_run_lacks_is_named_with_those_it_has(tiny_run):
    run = opened(tiny_run)
    for read in (run.map, run.activations, lambda layer: run.activation(layer, 0)):
        assert refusal(lambda read=read: read("h7")) == "the run has no layer 'h7'; it has input, h4, h6"


def test_a_missing_layer_is_named(folder):
    path = folder / "data/activations/h4.parquet"
    path.unlink()
    assert refusal(lambda: opened(folder).activations("h4")) == f"{path} is missing; run `dvc repro`"


def test_the_file_of_another_layer_is_refused(folder):
    rewrite_h4(folder, layer="h5")
    path = folder / "data/activations/h4.parquet"
    assert refusal(lambda: opened(folder).layers) == f"{path} holds layer 'h5', not 'h4'; run `dvc repro -f extract`"


def test_the_map_of_another_layer_is_refused(folder):
    path = folder / "data/embeddings/h4.parquet"
    shutil.copy(folder / "data/embeddings/h6.parquet", path)
    expected = f"{path} is the map of layer 'h6', not 'h4'; run `dvc repro -f embed`"
    assert refusal(lambda: opened(folder).map("h4")) == expected


@pytest.mark.parametrize("field", ["split", "model_sha256", "data_sha256"])
def test_a_layer_of_another_run_is_refused(folder, field):
    origin = opened(folder).provenance
    rewrite_h4(folder, provenance=type(origin)(**{**vars(origin), field: OTHER}))
    for read in (lambda run: run.layers, lambda run: run.activations("h4"), lambda run: run.activation("h4", 0)):
        assert f"do not belong together: their {field} differ" in refusal(lambda read=read: read(opened(folder)))


def test_a_map_of_another_run_is_refused(folder):
    path = folder / "data/embeddings/h6.parquet"
    old = read_map(path)
    origin = type(old.provenance)("test", OTHER, old.provenance.data_sha256)
    write_map(path, type(old)(**{**vars(old), "provenance": origin}))
    assert "do not belong together: their model_sha256 differ" in refusal(lambda: opened(folder).map("h6"))


def test_a_layer_of_other_samples_is_refused_whole_and_in_batches(folder):
    rewrite_h4(folder, sample_ids=np.arange(1, 41, dtype=np.int32))
    run = opened(folder)
    for read in (lambda: run.activations("h4"), lambda: list(run.activation_batches("h4"))):
        assert "do not hold the same samples (40 and 40)" in refusal(read)


def test_another_model_is_refused_before_anything_is_read(folder):
    (folder / "data/model/mnist_cnn.pt").write_bytes(b"another")
    for read in (lambda run: run.samples, lambda run: run.images(), lambda run: run.map("h4")):
        assert "their model_sha256 differ" in refusal(lambda read=read: read(opened(folder)))


def test_measures_of_more_layers_are_refused(folder):
    params = folder / "params.yaml"
    values = yaml.safe_load(params.read_text(encoding="utf-8"))
    params.write_text(yaml.safe_dump({**values, "layers": ["input"]}), encoding="utf-8")
    assert "the measures were taken with other layers" in refusal(lambda: opened(folder).measures)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'{"test_accuracy": "high"}'])
def test_damaged_metrics_are_one_line(folder, content):
    path = folder / "reports/training.json"
    path.write_bytes(content)
    assert refusal(lambda: opened(folder).training) == f"{path} is missing or damaged; run `dvc repro -f train`"


def test_files_are_fetched_when_they_are_asked_for(tiny_run):
    asked = []
    run = RunArtifacts(Paths.under(tiny_run), tiny_run / "params.yaml", asked.append)
    run.activation("h4", 3)
    names = {path.relative_to(tiny_run).as_posix() for path in asked}
    assert "data/activations/h4.parquet" in names
    assert not any("h6" in name or "embeddings" in name or "measures" in name for name in names)


def test_rows_of_ids():
    ids = np.array([3, 5, 8], dtype=np.int32)
    assert rows_of(np.array([[8, 3], [5, 5]], dtype=np.int32), ids, "x", "y").tolist() == [[2, 0], [1, 1]]
    with pytest.raises(StrataError, match=r"^a\.parquet holds samples that were not extracted; run `dvc repro`$"):
        rows_of(np.array([4], dtype=np.int32), ids, "a.parquet holds samples", "extracted")
