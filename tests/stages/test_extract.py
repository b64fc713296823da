"""The extract stage on tiny data: every file holds what an independent forward pass computes."""

import errno

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F

from strata.artifacts.activations import ActivationWriter, read_activations
from strata.artifacts.provenance import Provenance
from strata.artifacts.samples import read_samples
from strata.core.errors import StrataError
from strata.dataset.description import load_images, read_description
from strata.network import layer_files
from tests.tiny_pipeline import SIDE, TINY_PARAMS, run_extract

SHAPES = {
    "input": (1, 16, 16),
    "h1": (3, 12, 12),
    "h2": (3, 6, 6),
    "h3": (4, 2, 2),
    "h4": (4, 1, 1),
    "h5": (8,),
    "h6": (10,),
}


def forward(folder, split="test"):
    """Return every layer's activations as the exercise computes them, from the checkpoint's plain tensors."""
    weights = torch.load(folder / "model/mnist_cnn.pt", weights_only=True)
    description = read_description(folder / "raw")
    pixels = torch.tensor(load_images(folder / "raw", split).images, dtype=torch.float32).reshape(-1, 1, SIDE, SIDE)
    h = {"input": (pixels / 255 - description.mean) / description.std}
    h["h1"] = F.relu(F.conv2d(h["input"], weights["conv1.weight"], weights["conv1.bias"]))
    h["h2"] = F.max_pool2d(h["h1"], 2, 2)
    h["h3"] = F.relu(F.conv2d(h["h2"], weights["conv2.weight"], weights["conv2.bias"]))
    h["h4"] = F.max_pool2d(h["h3"], 2, 2)
    h["h5"] = F.relu(F.linear(h["h4"].flatten(1), weights["fc1.weight"], weights["fc1.bias"]))
    h["h6"] = F.log_softmax(F.linear(h["h5"], weights["fc2.weight"], weights["fc2.bias"]), dim=1)
    return {layer: values.flatten(1).numpy() for layer, values in h.items()}


def test_exactly_one_file_a_layer_and_the_samples(extracted):
    names = sorted(path.name for path in (extracted / "activations").iterdir())
    assert names == sorted([*(f"{layer}.parquet" for layer in SHAPES), "network.safetensors", "samples.parquet"])


def test_activations_are_those_of_an_independent_forward_pass(extracted):
    for layer, expected in forward(extracted).items():
        activations = read_activations(extracted / f"activations/{layer}.parquet")
        np.testing.assert_allclose(activations.values, expected, atol=1e-5, err_msg=layer)
        assert activations.sample_ids.tolist() == list(range(40))


def test_each_file_says_its_layer_shape_and_origin(extracted):
    origin = Provenance.of("test", extracted / "model/mnist_cnn.pt", extracted / "raw")
    for layer, shape in SHAPES.items():
        info = read_activations(extracted / f"activations/{layer}.parquet").info
        assert (info.layer, info.shape, info.provenance) == (layer, shape, origin)
    assert read_samples(extracted / "activations/samples.parquet")[1] == origin


def test_a_batch_is_a_row_group(extracted):
    metadata = pq.ParquetFile(extracted / "activations/h3.parquet").metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [16, 16, 8]


def test_samples_are_those_of_an_independent_forward_pass(extracted):
    samples, _ = read_samples(extracted / "activations/samples.parquet")
    output, labels = forward(extracted)["h6"], np.arange(40) % 10
    assert samples.sample_id.tolist() == list(range(40))
    assert samples.split.tolist() == ["test"] * 40
    assert samples.label.tolist() == labels.tolist()
    assert samples.predicted.tolist() == output.argmax(axis=1).tolist()
    np.testing.assert_allclose(samples.log_probability, output[np.arange(40), labels], atol=1e-5)
    np.testing.assert_allclose(samples.confidence, np.exp(output).max(axis=1), atol=1e-5)


def test_both_splits_are_train_followed_by_test(extracted, write_params):
    run_extract(write_params(extract={"split": "both"}), extracted / "raw", extracted)
    samples, origin = read_samples(extracted / "activations/samples.parquet")
    activations = read_activations(extracted / "activations/h5.parquet")
    assert origin.split == activations.info.provenance.split == "both"
    assert samples.sample_id.tolist() == activations.sample_ids.tolist() == list(range(100))
    assert samples.split.tolist() == ["train"] * 60 + ["test"] * 40
    np.testing.assert_allclose(activations.values[:60], forward(extracted, "train")["h5"], atol=1e-5)
    np.testing.assert_allclose(activations.values[60:], forward(extracted, "test")["h5"], atol=1e-5)


def test_only_the_layers_asked_for_are_written(extracted, write_params):
    out = extracted / "few"
    out.mkdir()
    (extracted / "model").rename(out / "model")
    run_extract(write_params(layers=["h6", "input"]), extracted / "raw", out)
    names = sorted(path.name for path in (out / "activations").iterdir())
    assert names == ["h6.parquet", "input.parquet", "network.safetensors", "samples.parquet"]


def test_running_again_gives_the_same_bytes(extracted, write_params):
    before = {path: path.read_bytes() for path in (extracted / "activations").iterdir()}
    run_extract(write_params(), extracted / "raw", extracted)
    assert {path: path.read_bytes() for path in (extracted / "activations").iterdir()} == before


def test_the_last_line_says_what_was_extracted(extracted, write_params, capsys):
    run_extract(write_params(), extracted / "raw", extracted)
    assert capsys.readouterr().err == "extract: 7 layers of 40 test images\n"


def test_an_unknown_layer_is_refused(extracted, write_params):
    with pytest.raises(StrataError) as caught:
        run_extract(write_params(layers=["input", "h7"]), extracted / "raw", extracted)
    assert str(caught.value) == (
        "layer 'h7': the network has no 'h7'; it has input, h1, h2, h3, h4, h5, h6, conv1, relu1, pool1, conv2, relu2,"
        " pool2, flatten, fc1, relu3, fc2, output"
    )


def test_a_checkpoint_of_another_width_is_refused(extracted, write_params):
    network = {"arguments": {**TINY_PARAMS["network"]["arguments"], "fc1_units": 9}}
    with pytest.raises(StrataError, match=r"mnist_cnn\.pt does not fit the network of params\.yaml: .*fc1\.weight"):
        run_extract(write_params(network=network), extracted / "raw", extracted)


def test_a_missing_checkpoint_is_named(extracted, write_params):
    (extracted / "model/mnist_cnn.pt").unlink()
    with pytest.raises(StrataError) as caught:
        run_extract(write_params(), extracted / "raw", extracted)
    assert str(caught.value) == f"{extracted / 'model/mnist_cnn.pt'} is missing; run `dvc repro -f train`"


def test_an_error_on_the_way_leaves_the_files_before_as_they_were(extracted, write_params, monkeypatch):
    class FullDisk(ActivationWriter):
        def write(self, sample_ids, values):
            super().write(sample_ids, values)
            if sample_ids[0] == 32:
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(layer_files, "ActivationWriter", FullDisk)
    before = {path: path.read_bytes() for path in (extracted / "activations").iterdir()}
    with pytest.raises(OSError, match="No space left on device"):
        run_extract(write_params(extract={"split": "both"}), extracted / "raw", extracted)
    assert {path: path.read_bytes() for path in (extracted / "activations").iterdir()} == before
