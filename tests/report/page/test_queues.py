"""Queues of samples that somebody should look at: what is in them, in which order, why, and walked by keyboard."""

import numpy as np
import pytest

from tests.report.page.synthetic import CLASSES, LAYERS
from tests.report.page.test_first_screen import listed
from tests.report.page.test_hover import percent
from tests.report.page.test_maps import ids_where


def wanted(run, name):
    """The rows of a queue, the most urgent first."""
    wrong = run.labels != run.predicted
    order = {"labels": -run.confidence, "mistakes": -run.confidence}.get(name)
    if name == "mistakes":
        rows = np.flatnonzero(wrong)
    elif name == "labels":
        points = run.inputs.measures.points[LAYERS[-2]]
        vote = dict(zip(points.sample_id.tolist(), points.vote.tolist(), strict=True))
        rows = np.flatnonzero(
            wrong & np.array([vote.get(int(i)) == p for i, p in zip(run.ids, run.predicted, strict=True)])
        )
    elif name == "late":
        flips = dict(
            zip(
                run.inputs.measures.decisions.sample_id.tolist(),
                run.inputs.measures.decisions.flips.tolist(),
                strict=True,
            )
        )
        rows = np.flatnonzero(run.late)
        order = np.array(
            [0 if c is None else -10 * c - flips[int(i)] for i, c in zip(run.ids, run.commit, strict=True)]
        )
    else:
        rows = np.flatnonzero(run.fields["false_neighbours"][0] >= 0.5)
        order = -run.fields["false_neighbours"][0]
    return sorted(rows.tolist(), key=lambda row: (order[row], row))


def short(run, name, row):
    """The words below a sample of a queue: why it is there."""
    if name in ("labels", "mistakes"):
        return f"{CLASSES[run.labels[row]]} → {CLASSES[run.predicted[row]]}"
    return [*LAYERS, "after h6"][run.commit[row]] if name == "late" else percent(run.fields["false_neighbours"][0][row])


@pytest.mark.parametrize("name", ["labels", "mistakes", "late", "trust"])
def test_one_click_opens_a_queue_in_its_order_with_why(explorer, name):
    rows = wanted(explorer.run, name)
    button = f"#queues button[data-queue={name}]"
    assert explorer.page.inner_text(button).split()[-1] == str(len(rows))
    explorer.page.click(button)
    assert listed(explorer) == [explorer.ids[row] for row in rows]
    assert explorer.page.locator("#thumbs .thumb .short").all_inner_texts() == [
        short(explorer.run, name, r) for r in rows
    ]
    assert rows
    if name == "labels":
        why = explorer.page.get_attribute("#thumbs .thumb", "title")
        assert why.endswith(f"its neighbours at h5 say {CLASSES[explorer.run.predicted[rows[0]]]}")
    explorer.page.click(button)
    assert set(listed(explorer)) == set(explorer.ids)


def test_j_and_k_walk_the_queue_and_show_each_sample(explorer):
    rows = wanted(explorer.run, "mistakes")
    explorer.page.click("#queues button[data-queue=mistakes]")
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        explorer.page.keyboard.press(key)
        assert explorer.selected() == [explorer.ids[rows[place]]]
        assert "labelled" in explorer.page.inner_text("#details .hint")
        assert explorer.page.get_attribute("#thumbs .thumb[aria-pressed=true]", "data-row") == str(rows[place])
    explorer.page.keyboard.press("Escape")
    assert explorer.selected() == []
    assert explorer.page.get_attribute("#queues button[data-queue=mistakes]", "aria-pressed") == "false"


def test_a_queue_has_only_what_the_filters_show(explorer):
    explorer.page.uncheck("#classes input[value='1']")
    explorer.page.click("#queues button[data-queue=mistakes]")
    rows = [row for row in wanted(explorer.run, "mistakes") if explorer.run.labels[row] != 1]
    assert listed(explorer) == [explorer.ids[row] for row in rows]
    assert set(listed(explorer)) < set(ids_where(explorer, explorer.run.labels != 1))
