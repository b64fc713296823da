"""What happens to images before the network: normalization by hand, and torchvision's own transforms."""

import json

import numpy as np
import pytest
import torch
from torchvision.models import ResNet18_Weights

from stages import download
from strata.core.errors import StrataError
from strata.dataset.description import describe, read_description
from strata.network.params import NetworkParams
from strata.network.preprocessing import normalized, preprocessing
from strata.sources.catalogue import CATALOGUE
from strata.sources.params import DatasetParams
from tests.tiny_pipeline import run_extract, run_train, write_tiny_data

GREY = np.array([[[0, 51], [102, 255]]], dtype=np.uint8)
COLOUR = np.array([[[[0, 51, 255], [102, 0, 255]]]], dtype=np.uint8)
NETWORK = {"target": "networks.mlp:Mlp", "arguments": {}, "outputs": "logits"}


@pytest.fixture
def description(tmp_path):
    write_tiny_data(tmp_path)
    return read_description(tmp_path)


def network(**changes):
    return NetworkParams(**{**NETWORK, **changes})


def test_one_mean_and_deviation_for_all_channels():
    np.testing.assert_allclose(normalized(GREY, 0.2, 0.4), [[[[-0.5, 0], [0.5, 2]]]], atol=1e-6)
    assert normalized(COLOUR, 0.2, 0.4).shape == (1, 3, 1, 2)


def test_one_of_each_channel():
    found = normalized(COLOUR, [0, 0.2, 1], [1, 0.4, 0.5])
    np.testing.assert_allclose(found, [[[[0, 0.4]], [[0, -0.5]], [[0, 0]]]], atol=1e-6)


def test_the_data_sets_own_numbers_are_used_and_said(description):
    own = description.model_copy(update={"mean": 0.2, "std": 0.4})
    before = preprocessing(own, network())
    assert before.shape == tuple(description.image_shape)
    assert before.text == "pixels in [0, 1], less 0.2, divided by 0.4"
    np.testing.assert_allclose(before.on(torch.device("cpu"))(GREY), normalized(GREY, 0.2, 0.4))


@pytest.mark.parametrize("images", [GREY, COLOUR])
def test_torchvisions_weights_bring_their_transforms(images, description):
    shape = [3 if images.ndim == 4 else 1, *images.shape[1:3]]
    before = preprocessing(
        description.model_copy(update={"image_shape": shape}), network(transforms="ResNet18_Weights.IMAGENET1K_V1")
    )
    assert before.shape == (3, 224, 224)
    colours = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)
    expected = ResNet18_Weights.IMAGENET1K_V1.transforms()(torch.from_numpy(colours).permute(0, 3, 1, 2))
    torch.testing.assert_close(before.prepared(images), expected)
    assert before.text.startswith("ImageClassification( crop_size=[224] resize_size=[256] mean=[0.485,")


def test_many_images_are_transformed_in_parts_with_the_same_result(description):
    images = np.random.default_rng(0).integers(0, 256, size=(600, 4, 4), dtype=np.uint8)
    before = preprocessing(description, network(transforms="ViT_B_16_Weights.DEFAULT"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("strata.network.preprocessing.AT_ONCE", 7)
        in_parts = before.prepared(images[:20])
    torch.testing.assert_close(in_parts, before.prepared(images[:20]))


def refused(description, **changes):
    with pytest.raises(StrataError) as caught:
        preprocessing(description, network(**changes))
    assert len(str(caught.value)) <= 200
    return str(caught.value)


@pytest.mark.parametrize("name", ["ResNet18_Weights.IMAGENET1K_V9", "Resnet18.DEFAULT"])
def test_weights_that_torchvision_does_not_have_are_one_line(name, description):
    assert refused(description, transforms=name) == (
        f"network.transforms: torchvision has no weights {name}; write a name such as ResNet18_Weights.DEFAULT"
    )


def test_two_normalizations_are_one_too_many(description):
    own = description.model_copy(update={"own_normalization": True})
    assert refused(own, transforms="ResNet18_Weights.DEFAULT").endswith("set dataset.mean and dataset.std to null")


def test_params_choose_the_mean_and_deviation_and_dataset_json_says_so(tmp_path, write_params):
    params = write_params(dataset={"mean": 0.5, "std": 0.25})
    download.main(["--params", str(params), "--out", str(tmp_path / "raw")])
    found = json.loads((tmp_path / "raw/dataset.json").read_text())
    assert (found["mean"], found["std"], found["own_normalization"]) == (0.5, 0.25, True)
    run_train(params, tmp_path / "raw", tmp_path)
    assert "input: pixels in [0, 1], less 0.5, divided by 0.25" in (tmp_path / "reports/network.txt").read_text()


def test_without_them_dataset_json_is_as_it_was(tmp_path):
    write_tiny_data(tmp_path)
    assert "own_normalization" not in json.loads((tmp_path / "dataset.json").read_text())


def test_grey_images_have_no_channels_to_normalize_by(tmp_path):
    write_tiny_data(tmp_path)
    with pytest.raises(StrataError, match="the images are grey, with one channel: write one number each"):
        describe(tmp_path, CATALOGUE["mnist-5k"], normalization=([0.5, 0.5, 0.5], [0.2, 0.2, 0.2]))


def test_mean_and_std_go_together():
    given = {"name": "mnist-5k", "mirrors": [], "image_side": None, "colour": "grey", "test_share": 0.2}
    with pytest.raises(ValueError, match="mean and std go together: set both, or neither"):
        DatasetParams(**given, shuffle_labels=False, mean=0.5)


def test_a_network_that_needs_the_transforms_is_trained_and_extracted_with_them(tmp_path, write_params):
    write_tiny_data(tmp_path / "raw")
    small = {**NETWORK, "arguments": {"hidden": [4]}, "transforms": "ResNet18_Weights.DEFAULT"}
    params = write_params(network=small, layers=["relu1", "fc2"])
    run_train(params, tmp_path / "raw", tmp_path)
    run_extract(params, tmp_path / "raw", tmp_path)
    text = (tmp_path / "reports/network.txt").read_text()
    assert "602,116" in text  # 3 x 224 x 224 inputs, 4 units
    assert "input: ImageClassification( crop_size=[224]" in text
