"""Section measure of params.yaml: the numbers that `auto` stands for."""

from pathlib import Path

import pytest

from strata.core.params import load_section
from strata.maps.params import EmbedParams
from strata.measures.params import MeasureParams
from strata.measures.preparation import check_enough
from strata.measures.stability import stability_embedders

PROJECT = Path(__file__).parents[2]


def defaults() -> MeasureParams:
    return load_section(PROJECT / "params.yaml", "measure", MeasureParams).model_copy(
        update={"neighbours": "auto", "stability_perplexities": "auto", "stability_samples": 320}
    )


@pytest.mark.parametrize(
    ("count", "neighbours", "perplexities"),
    [
        (24, 2, [5]),
        (60, 3, [5]),
        (91, 4, [5, 30]),
        (300, 15, [5, 30]),
        (301, 15, [5, 30, 100]),
        (5000, 15, [5, 30, 100]),
    ],
)
def test_auto_is_numbers_that_suit_the_points(count, neighbours, perplexities):
    numbered = defaults().for_points(count)
    assert numbered.neighbours == neighbours
    assert numbered.stability_perplexities == perplexities


def test_what_is_given_stays():
    given = defaults().model_copy(update={"neighbours": 7, "stability_perplexities": [9.0]})
    numbered = given.for_points(24)
    assert (numbered.neighbours, numbered.stability_perplexities) == (7, [9.0])
    assert numbered.samples == given.samples


@pytest.mark.parametrize("method", ["tsne", "umap", "pacmap"])
def test_auto_is_never_too_much_for_the_points(method):
    embed = load_section(PROJECT / "params.yaml", "embed", EmbedParams).model_copy(
        update={"method": method, "perplexity": "auto"}
    )
    embedder = embed.embedder()
    for count in (*range(24, 420), 1000, 10_000, 100_000):
        embedder.check_count(count)
        numbered = defaults().for_points(count)
        check_enough(count, numbered, stability_embedders(numbered, embedder))
