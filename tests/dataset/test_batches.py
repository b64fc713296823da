"""Batches that people have, as arrays of all samples."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from strata.core.errors import StrataError
from strata.dataset.batches import collected

INPUTS = np.arange(60, dtype=np.float32).reshape(10, 3, 2)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])


def batches(*arrays, size=4):
    return DataLoader(TensorDataset(*map(torch.from_numpy, arrays)), batch_size=size)


@pytest.mark.parametrize(
    "given",
    [
        INPUTS,
        torch.from_numpy(INPUTS),
        [INPUTS[:7], INPUTS[7:]],
        batches(INPUTS),
        (torch.from_numpy(INPUTS[rows]) for rows in (slice(0, 5), slice(5, 10))),
        [{"pixel_values": INPUTS[:6]}, {"pixel_values": INPUTS[6:]}],
    ],
    ids=["array", "tensor", "list", "loader", "generator", "names"],
)
def test_inputs_alone(given):
    found = collected(given)
    np.testing.assert_array_equal(found.inputs, INPUTS, strict=True)
    assert found.labels is None and found.mask is None


def test_pairs_are_inputs_and_labels():
    found = collected(batches(INPUTS, LABELS))
    np.testing.assert_array_equal(found.inputs, INPUTS, strict=True)
    np.testing.assert_array_equal(found.labels, LABELS)


def test_labels_that_are_given_come_first():
    np.testing.assert_array_equal(collected(batches(INPUTS, LABELS), LABELS + 5).labels, LABELS + 5)
    np.testing.assert_array_equal(collected(INPUTS, LABELS.tolist()).labels, LABELS)


def test_names_as_hugging_face_has_them():
    ids, mask = np.arange(40).reshape(10, 4), np.ones((10, 4), dtype=np.int64)
    given = [
        {
            "input_ids": torch.from_numpy(ids[rows]),
            "attention_mask": torch.from_numpy(mask[rows]),
            "labels": LABELS[rows],
        }
        for rows in (slice(0, 4), slice(4, 10))
    ]
    found = collected(given)
    np.testing.assert_array_equal(found.inputs, ids)
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_array_equal(found.labels, LABELS)
    assert (found.input_name, found.mask_name) == ("input_ids", "attention_mask")


def test_half_precision_becomes_float32():
    assert collected(torch.ones(3, 2, dtype=torch.bfloat16)).inputs.dtype == np.float32


@pytest.mark.parametrize(
    ("given", "labels", "said"),
    [
        ([], None, "batches: there are none; a generator that was read once is empty the next time"),
        ("data", None, "batches: a str is no DataLoader, list of batches, array or tensor"),
        ({"x": INPUTS}, None, "batches: a dict is no DataLoader, list of batches, array or tensor"),
        (
            [(INPUTS, LABELS, LABELS)],
            None,
            "batches: a batch has 3 parts; yield inputs, (inputs, labels), or a dict such",
        ),
        ([{"pixels": INPUTS}], None, "batches: a batch has pixels; name its inputs one of input_ids, pixel_values, in"),
        (
            [{"x": INPUTS, "token_type_ids": INPUTS}],
            None,
            "batches: leave token_type_ids out of the batches: only inpu",
        ),
        ([INPUTS, INPUTS[:, :2]], None, "batches: inputs of different sizes, 2 x 2 and 3 x 2: pad or crop them to one"),
        (
            [INPUTS, (INPUTS, LABELS)],
            None,
            "batches: they differ in their parts: some have labels, a mask or names that",
        ),
        (INPUTS, LABELS[:9], "batches: 10 inputs, but 9 labels"),
        (INPUTS, ["cat"] * 10, "batches: labels are no array of numbers, but of <U3 with 1 dimensions"),
    ],
)
def test_what_is_no_such_batch_is_one_line(given, labels, said):
    with pytest.raises(StrataError) as caught:
        collected(given, labels)
    assert str(caught.value).startswith(said)
