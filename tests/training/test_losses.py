"""Losses and shares that are right, computed by hand, and what can be trained on what."""

import math

import pytest
import torch

from strata.core.errors import StrataError
from strata.dataset.description import DatasetDescription
from strata.network.io import read_output
from strata.network.make import wanted_outputs
from strata.network.params import NetworkParams
from strata.training.losses import check_trainable, has_answers, mean_loss, raw_output, right
from strata.training.params import TrainParams
from tests.tiny_pipeline import TINY_PARAMS


def description(targets: str) -> DatasetDescription:
    told = {
        "name": "x",
        "source": "x",
        "citation": "x",
        "licence": "x",
        "counts": {"train": 2, "test": 2},
        "sha256": {},
    }
    known = {"classes": ["a", "b"] if targets == "classes" else [], "targets": targets}
    known["target_names"] = ["u", "v", "w"] if targets in ("values", "multi-label") else []
    return DatasetDescription(**told, **known, image_shape=[1, 8, 8], mean=0.5, std=0.5)


def network(outputs: str) -> NetworkParams:
    return NetworkParams(target="networks.mlp:Mlp", arguments={}, outputs=outputs)


def test_the_loss_of_values_is_the_mean_squared_error():
    raw, answers = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([[0.0, 2.0], [2.0, 0.0]])
    assert mean_loss(raw, answers, "values").item() == (1 + 0 + 4 + 1) / 4
    assert right(raw, answers, "values").isnan().all()


def test_the_loss_of_several_labels_is_the_binary_cross_entropy():
    logits, answers = torch.tensor([[0.0, math.log(3)], [-200.0, 200.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    # Probabilities 1/2, 3/4, 0 and 1: the third is wrong by 200 nats, which a rounded probability would not tell.
    expected = (math.log(2) + math.log(4) + 200 + 0) / 4
    assert mean_loss(logits, answers, "multi-label").item() == pytest.approx(expected, rel=1e-6)
    assert right(logits, answers, "multi-label").tolist() == [0.0, 0.5]
    torch.testing.assert_close(read_output(logits, "multi-label"), torch.tensor([[0.5, 0.75], [0.0, 1.0]]))


def test_one_number_per_sample_is_one_column():
    output = torch.tensor([1.0, 2.0, 3.0])
    assert raw_output(output, "values").shape == read_output(output, "values").shape == (3, 1)
    assert mean_loss(raw_output(output, "values"), torch.zeros(3, 1), "values").item() == pytest.approx(14 / 3)


def test_features_say_nothing():
    assert read_output(torch.zeros(2, 3, 4), "features") is None


@pytest.mark.parametrize(
    ("targets", "outputs", "answers", "wanted"),
    [
        ("classes", "logits", True, 2),
        ("classes", "features", False, 2),
        ("none", "logits", False, None),
        ("none", "features", False, None),
        ("values", "values", True, 3),
        ("values", "logits", False, None),
        ("multi-label", "multi-label", True, 3),
        ("multi-label", "features", False, 3),
    ],
)
def test_what_answers_there_are_and_how_many_numbers_are_wanted(targets, outputs, answers, wanted):
    assert has_answers(description(targets), network(outputs)) == answers
    assert wanted_outputs(description(targets), network(outputs)) == wanted
    params = TrainParams.model_validate(TINY_PARAMS["train"])
    check_trainable(description(targets), network(outputs), params.model_copy(update={"epochs": 0}))
    if answers:
        check_trainable(description(targets), network(outputs), params)
        return
    with pytest.raises(StrataError) as caught:
        check_trainable(description(targets), network(outputs), params)
    assert "set train.epochs: 0" in str(caught.value) and len(str(caught.value)) < 190


@pytest.mark.parametrize(
    ("targets", "outputs"), [("classes", "values"), ("none", "multi-label"), ("values", "multi-label")]
)
def test_targets_that_the_data_does_not_have_are_no_outputs(targets, outputs):
    with pytest.raises(StrataError) as caught:
        wanted_outputs(description(targets), network(outputs))
    assert str(caught.value).startswith(f"network.outputs: {outputs}, but the data's targets are {targets}: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["a"]},
        {"classes": []},
        {"classes": ["a", "b"], "targets": "none"},
        {"classes": [], "targets": "values"},
        {"target_names": ["u"]},
        {"vocabulary": 3},
        {"image_shape": [8, 8]},
        {"mean": [0.1, 0.2, 0.3]},
    ],
)
def test_a_description_that_does_not_fit_together_is_damaged(changes):
    content = description("classes").model_dump(exclude_defaults=True)
    with pytest.raises(ValueError, match="Value error"):
        DatasetDescription.model_validate({**content, **changes})
