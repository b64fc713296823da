"""Pointing at a sample: its card beside the pointer, and in every map rings around its true neighbours."""

import math

import numpy as np
import pytest

from tests.report.page.synthetic import CLASSES, LAYERS, SHOWN

AROUND = np.array([(math.cos(angle), math.sin(angle)) for angle in np.arange(8) * math.pi / 4])


def percent(share):
    return "not measured" if math.isnan(share) else f"{math.floor(100 * share + 0.5)}%"


def card_text(run, row, layer):
    """The names and texts of a sample's card."""
    label, predicted = CLASSES[run.labels[row]], CLASSES[run.predicted[row]]
    commit, wrong = run.commit[row], run.fields["false_neighbours"][layer][row]
    word = "good" if wrong < 0.2 else "fair" if wrong < 0.5 else "low"
    missing = percent(run.fields["missing_neighbours"][layer][row])
    trust = f"{word} trust: {percent(wrong)} false neighbours, {missing} missing"
    return {
        "sample": str(run.ids[row]),
        "label": label,
        "prediction": f"{predicted}{'' if label == predicted else ' ✗'}, {percent(run.confidence[row])} sure",
        "commit layer": "not measured" if commit is None else [*LAYERS, "after h6"][commit],
        f"spot at {LAYERS[layer]}": "not measured" if math.isnan(wrong) else trust,
    }


def told(explorer, place):
    terms = explorer.page.locator(f"{place} dt").all_inner_texts()
    return dict(zip(terms, explorer.page.locator(f"{place} dd").all_inner_texts(), strict=True))


def image(explorer, place):
    picture = explorer.pixels(f"{place} .sample canvas")
    assert (picture[..., 3] == 255).all()
    assert (picture[..., :1] == picture[..., :3]).all()
    return picture[..., 0]


def point_at(explorer, layer, row, shown=0):
    explorer.page.mouse.move(*explorer.in_window(0, layer, shown)[row])
    explorer.settle()


def ringed(explorer, layer, more, shown=0):
    """Which samples (n,) have a ring in a map, `more` pixels wider than their marker."""
    marker = (3.4 if layer is not None else 6) * min(1.6, (1000 / SHOWN) ** 0.22)
    places = explorer.inside_map(0, layer, shown)[:, None] + (marker / 2 + more) * AROUND
    return (explorer.overlay_at(0, layer, places, "marks")[..., 3] > 0).all(axis=1)


def assert_rings(explorer, row, neighbours, shown=0):
    for _, layer in explorer.maps:
        rings = ringed(explorer, layer, 1.5, shown)
        found = {sample for sample, ring in zip(explorer.ids, rings, strict=True) if ring}
        if layer is None:
            assert found - {explorer.ids[row]} == set(neighbours)
        else:  # in a small map rings lie on one another, and one at the border may be cut
            assert len(set(neighbours) - found) <= 1
    assert ringed(explorer, None, 4, shown)[row]


def rows_of_interest(run):
    """A misclassified measured sample, one that commits after the last layer, and one that was not measured."""
    measured = np.array([commit is not None for commit in run.commit])
    after = np.array([commit == 7 for commit in run.commit])
    wrong = (run.labels != run.predicted) & measured & ~after
    return [int(np.flatnonzero(kind)[1]) for kind in (wrong, after, ~measured)]


@pytest.mark.parametrize(("kind", "layer"), [(0, 3), (1, 6), (2, 0)])
def test_a_card_tells_of_the_sample_with_its_image_and_rings_are_around_its_true_neighbours(explorer, kind, layer):
    row = rows_of_interest(explorer.run)[kind]
    assert explorer.page.is_hidden("#tooltip")
    point_at(explorer, layer, row)
    neighbours = explorer.run.neighbours[layer][explorer.ids[row]]
    assert bool(neighbours) == (kind != 2)
    assert_rings(explorer, row, neighbours)
    assert explorer.page.is_visible("#tooltip")
    assert told(explorer, "#tooltip") == card_text(explorer.run, row, layer)
    np.testing.assert_array_equal(image(explorer, "#tooltip"), explorer.run.inputs.images[explorer.run.rows[row]])
    box = explorer.page.locator("#tooltip").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1440 and box["y"] >= 0 and box["y"] + box["height"] <= 900

    explorer.page.mouse.move(2, 2)
    explorer.settle()
    assert explorer.page.is_hidden("#tooltip")
    for run, each in explorer.maps:
        assert not explorer.pixels(f"{explorer.plot(run, each)} > canvas.marks").any()


def test_the_large_map_tells_of_the_layer_it_shows(explorer):
    row = rows_of_interest(explorer.run)[0]
    for layer in (5, 0):
        explorer.set_slider(layer)
        point_at(explorer, None, row, shown=layer)
        assert told(explorer, "#tooltip") == card_text(explorer.run, row, layer)
        assert_rings(explorer, row, explorer.run.neighbours[layer][explorer.ids[row]], shown=layer)


def test_all_samples_can_be_pointed_at_in_the_smallest_maps(explorer):
    places = explorer.in_window(0, 4)
    for row in range(0, SHOWN, 8):
        explorer.page.mouse.move(*places[row])
        assert explorer.page.inner_text("#tooltip dd >> nth=0") == str(explorer.ids[row])


def test_every_kind_of_trust_is_told(explorer):
    wrong = explorer.run.fields["false_neighbours"][0]
    for share in sorted(set(wrong[~np.isnan(wrong)])):
        row = int(np.flatnonzero(wrong == share)[0])
        explorer.select([explorer.ids[row]])
        assert told(explorer, "#details") == card_text(explorer.run, row, 0)
    assert 0.5 in wrong


def test_hidden_samples_cannot_be_pointed_at_and_have_no_rings(explorer):
    run, row = explorer.run, rows_of_interest(explorer.run)[0]
    neighbours = run.neighbours[3][explorer.ids[row]]
    hidden = next(n for n in neighbours if run.labels[explorer.ids.index(n)] != run.labels[row])
    label = run.labels[explorer.ids.index(hidden)]
    explorer.page.uncheck(f"#classes input[value='{label}']")
    point_at(explorer, 3, row)
    assert_rings(explorer, row, [n for n in neighbours if run.labels[explorer.ids.index(n)] != label])
    explorer.page.uncheck(f"#classes input[value='{run.labels[row]}']")
    point_at(explorer, 3, row)
    assert explorer.page.is_hidden("#tooltip") or told(explorer, "#tooltip")["sample"] != str(explorer.ids[row])


def test_the_card_goes_when_its_sample_is_hidden_below_a_resting_pointer(explorer):
    row = rows_of_interest(explorer.run)[0]
    explorer.page.focus(f"#classes input[value='{explorer.run.labels[row]}']")
    point_at(explorer, 3, row)
    explorer.page.keyboard.press("Space")
    explorer.settle()
    assert explorer.page.is_hidden("#tooltip")


def test_the_card_does_not_outlive_a_move_of_the_large_map_below_a_resting_pointer(explorer):
    row = rows_of_interest(explorer.run)[0]
    explorer.page.focus("#depth")
    point_at(explorer, None, row)
    assert "spot at input" in told(explorer, "#tooltip")
    explorer.page.keyboard.press("ArrowRight")
    explorer.settle()
    assert explorer.page.is_hidden("#tooltip") or "spot at h1" in told(explorer, "#tooltip")


def test_a_sample_selected_alone_keeps_its_card_and_rings_which_follow_the_slider(explorer):
    row = rows_of_interest(explorer.run)[0]
    assert explorer.page.is_hidden("#details")
    explorer.select([explorer.ids[row]])
    for layer in (0, 4):
        explorer.set_slider(layer)
        assert told(explorer, "#details") == card_text(explorer.run, row, layer)
        picture = image(explorer, "#details")
        np.testing.assert_array_equal(picture, explorer.run.inputs.images[explorer.run.rows[row]])
    for _, each in explorer.maps:
        places = explorer.inside_map(0, each, 4)
        at_rings = explorer.overlay_at(0, each, places[:, None] + np.array([(0, 0)]))
        assert (at_rings[..., 3] >= 199).all()
    explorer.select(explorer.ids[:2])
    assert explorer.page.is_hidden("#details")
