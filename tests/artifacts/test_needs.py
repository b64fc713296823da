"""What is left out, by one rule: each with the reasons why, said once."""

import pytest

from strata.artifacts.needs import NOTHING, Need, is_there, lacking, left_out
from strata.measures.registry import REGISTRY
from tests.training.test_losses import description

LACKS = {Need.LABELS: "no labels", Need.PREDICTIONS: "no predictions"}


@pytest.mark.parametrize("targets", ["none", "values", "multi-label"])
def test_a_run_lacks_classes_and_predictions_for_a_reason(targets):
    assert lacking(description("classes"), predicts_classes=True) == {}
    found = lacking(description(targets), predicts_classes=False)
    assert list(found) == [Need.LABELS, Need.PREDICTIONS] and all(found.values())


def test_what_is_left_out_is_listed_by_its_reasons():
    named = [
        ("a", (Need.LABELS,)),
        ("b", ()),
        ("c", (Need.LABELS, Need.PREDICTIONS)),
        ("d", (Need.MAP, Need.LABELS)),
        ("e", (Need.PREDICTIONS,)),
    ]
    assert left_out(named, LACKS) == [
        "left out: a, d (no labels)",
        "left out: c (no labels; no predictions)",
        "left out: e (no predictions)",
    ]
    assert left_out(named, NOTHING) == []
    assert [title for title, needs in named if is_there(needs, LACKS)] == ["b"]


def test_the_registry_without_what_is_lacking():
    assert REGISTRY.without(NOTHING) == REGISTRY
    kept = REGISTRY.without(LACKS)
    assert all(Need.LABELS not in measure.needs for measure in kept.measures)
    titles = [panel.title for panel in kept.panels]
    assert "Linear probe" not in titles and "The map against its layer" in titles
    (of_map,) = [panel for panel in kept.panels if panel.key == "map"]
    assert "map_hit" not in [measure.key for measure in kept.shown_in(of_map)] and kept.shown_in(of_map)
