"""torchvision's ResNet-18 at 224 x 224 with weights from a local file, on a folder of small images with labels."""

import numpy as np
import pytest
import torch
from torchvision.models import ResNet18_Weights, resnet18

from strata.artifacts.needs import Need
from strata.network.preprocessing import in_three_channels
from tests.sources.own_images import class_folders
from tests.stages.whole_run import run_stages

POOLED = {name: {"module": name, "pool": "2x2"} for name in ("input", "layer1", "layer4")}


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A run on 50 images of three classes; random weights in torchvision's form stand for the pretrained file."""
    folder = tmp_path_factory.mktemp("pretrained")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        torch.save(resnet18().state_dict(), folder / "resnet18.pth")
    return folder, run_stages(
        folder,
        class_folders(folder / "images", 50),
        dataset={"colour": "rgb", "test_share": 0.5},
        network={
            "target": "torchvision.models:resnet18",
            "arguments": {},
            "outputs": "features",
            "transforms": "ResNet18_Weights.IMAGENET1K_V1",
        },
        layers={**POOLED, "avgpool": "avgpool"},
        train={"epochs": 0, "init_from": str(folder / "resnet18.pth")},
        measure={"samples": 24},
    )


def test_a_thousand_outputs_are_not_read_as_the_classes_of_the_folder(pretrained):
    _, run = pretrained
    assert run.lacks == {Need.PREDICTIONS: "the network predicts no classes"} and len(run.dataset.classes) == 3
    assert {"probe_accuracy", "neighbourhood_hit"} <= set(run.measures.table["measure"])
    assert run.layers["avgpool"].shape == (512, 1, 1) and run.layers["layer4"].shape == (512, 2, 2)
    text = run.paths.summary.read_text(encoding="utf-8")
    assert "ImageClassification" in text and "initial weights: SHA-256" in text


def test_layers_are_those_of_the_file_at_224_pixels(pretrained):
    folder, run = pretrained
    network = resnet18()
    network.load_state_dict(torch.load(folder / "resnet18.pth", weights_only=True))
    network.fc = torch.nn.Identity()
    inputs = ResNet18_Weights.IMAGENET1K_V1.transforms()(in_three_channels(run.images()[:4]))
    assert inputs.shape == (4, 3, 224, 224)
    with torch.inference_mode():
        expected = network.eval()(inputs).numpy()
    np.testing.assert_allclose(run.activations("avgpool").values[:4], expected, atol=1e-4)
