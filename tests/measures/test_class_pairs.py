"""Influences on how separable two classes are, and the table of pairs with its intervals."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from strata.measures import class_pairs
from strata.measures.class_pairs import pair_influences
from strata.measures.labels import LabelledSets, class_pair_hits


@pytest.mark.parametrize("classes", [(0, 1), (2, 1), (1, 1)])
def test_a_pairs_influences_are_its_change_where_a_sample_counts_a_little_more(classes):
    rng, labels = np.random.default_rng(0), np.repeat([0, 1, 2], 20)
    neighbours = np.stack([rng.choice(np.delete(np.arange(60), row), 5, replace=False) for row in range(60)])

    def separability(weights):
        shares = []
        for mine, other in (classes, classes[::-1]):
            rows = labels == mine
            weight = weights[rows][:, None] * weights[neighbours[rows]]
            near = labels[neighbours[rows]]
            own = (weight * (near == mine)).sum()
            shares.append(own / (own + (weight * ((near == other) if mine != other else (near != mine))).sum()))
        return np.mean(shares)

    assert separability(np.ones(60)) == pytest.approx(class_pair_hits(labels[neighbours], labels, 3)[classes])
    found, step = pair_influences(labels, neighbours, classes), 1e-6
    wanted = [(separability(1 + step * (np.arange(60) == row)) - separability(np.ones(60))) / step for row in range(60)]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_class_without_neighbours_of_the_pair_has_no_influences():
    labels, neighbours = np.array([0, 1, 2, 2]), np.array([[2], [3], [3], [2]])
    assert np.isnan(pair_influences(labels, neighbours, (0, 1))).all()


def test_influences_tell_how_far_the_separability_of_other_samples_would_lie():
    """The spread over 200 drawn data sets, of a value and of a rise, within a third of what one of them says."""
    rng, middles = np.random.default_rng(3), np.random.default_rng(1).normal(0, 1, (4, 5))
    values, errors = [], []
    for _ in range(200):
        labels = rng.integers(0, 4, 300)
        noise = rng.normal(0, 1, (300, 5))
        near = [
            cKDTree(by * middles[labels] + noise).query(noise + by * middles[labels], 11)[1][:, 1:] for by in (1, 1.5)
        ]
        hits = [class_pair_hits(labels[each], labels, 4)[0, 1] for each in near]
        own = [pair_influences(labels, each, (0, 1)) for each in near]
        values.append((*hits, hits[1] - hits[0]))
        errors.append([np.sqrt(each @ each) for each in (*own, own[1] - own[0])])
    np.testing.assert_allclose(np.mean(errors, axis=0), np.std(values, axis=0), rtol=0.33)


def table_of(classes):
    """Return the table of points in a ring: neighbours are of the next and the own class at a, of those beside at b."""
    labels = (np.arange(2 * classes) % classes).astype(np.int16)
    sets = LabelledSets(labels, labels, labels, classes)
    steps = {"a": np.array([1, classes]), "b": np.array([1, classes - 1])}
    geometries = {
        (control, layer): SimpleNamespace(neighbours=(np.arange(2 * classes)[:, None] + step) % (2 * classes))
        for control in ("none", "untrained")
        for layer, step in steps.items()
    }
    plan = SimpleNamespace(labels={"none": sets}, layers=list(steps))
    return class_pairs.class_pair_table(plan, SimpleNamespace(geometries=geometries))


def test_the_table_has_both_networks_and_no_rise_in_the_first_layer():
    table = table_of(3)
    assert table["control"].tolist() == ["none"] * 12 + ["untrained"] * 12
    assert table["layer"].tolist() == 2 * (["a"] * 6 + ["b"] * 6)
    first = table["layer"] == "a"
    assert table.loc[first, ["rise", "rise_low", "rise_high"]].isna().all(axis=None)
    # At a, of 0's neighbours in 0 or 1 half are its own, of 1's all; at b none.
    pairs = table[(table["class"] == 0) & (table["other_class"] == 1) & (table["control"] == "none")]
    assert pairs["separability"].tolist() == [0.75, 0.0]
    assert pairs["rise"].tolist()[1] == -0.75
    assert (table["low"].dropna() >= 0).all() and (table["high"].dropna() <= 1).all()


def test_pairs_of_many_classes_have_values_without_intervals():
    few, many = table_of(40), table_of(41)
    known = few["separability"].notna()
    assert known.any() and (few["low"].notna() == known).all()
    assert len(many) == 2 * 2 * 41 * 42 // 2 and many["separability"].notna().any()
    assert many[["low", "high", "rise_low", "rise_high"]].isna().all(axis=None)
    assert many["rise"].notna().any()
