"""The page of a run without labels, or without predictions: what is missing is not shown, and the rest works."""

from dataclasses import replace

import numpy as np
import pytest

from strata.artifacts.measured import MeasuredSamples
from strata.report.page.explorer import page_payload, render_explorer
from tests.report.page.conftest import checked, opened
from tests.report.page.reader import wait_for
from tests.report.page.synthetic import CLASSES, COUNT, write_page


def test_samples_that_are_no_images_are_shown_as_text(browser, runs, tmp_path):
    texts = [f"{row} <b>2 3</b>" for row in range(len(runs[0].rows))]
    payload = page_payload(CLASSES, runs[0].labels, texts, {"this run": runs[0].payload()})
    (tmp_path / "index.html").write_text(render_explorer("tokens", payload, [], None, []), encoding="utf-8")
    with opened(browser, tmp_path / "index.html", runs[:1], "dark") as explorer:
        for page in checked(explorer):
            page.page.fill("#search", str(page.ids[3]))
            page.page.press("#search", "Enter")
            page.settle()
            assert page.page.inner_text("#details .sample p") == texts[3]
            page.page.wait_for_selector("#selection tbody td p")
            assert page.page.inner_text("#selection tbody td p") == texts[3]
            assert page.page.locator("canvas[role=img]").count() == 0


def lacking(run, *, labels, predictions):
    """Return a run of the page without labels, or predictions, or both; commit layers need both."""
    inputs, found, known = run.inputs, run.inputs.samples, {}
    if not labels:
        known |= {"label": None, "log_probability": None}
    if not predictions:
        known |= {"predicted": None, "confidence": None, "log_probability": None}
    points = inputs.measures.points
    if not labels:
        points = {layer: replace(each, vote=None, hit=None) for layer, each in points.items()}
    measures = replace(inputs.measures, decisions=MeasuredSamples(inputs.measures.decisions.sample_id), points=points)
    dataset = inputs.dataset if labels else inputs.dataset.model_copy(update={"targets": "none", "classes": []})
    if not labels:
        measures = replace(measures, pairs=inputs.measures.pairs.iloc[:0])
        inputs = replace(inputs, epochs=inputs.epochs.iloc[:0], batches=inputs.batches.iloc[:0])
    changed = replace(inputs, samples=replace(found, **known), measures=measures, dataset=dataset)
    return replace(run, inputs=changed, labels=run.labels if labels else None)


def test_maps_are_coloured_by_the_targets(browser, runs, tmp_path):
    run = lacking(runs[0], labels=False, predictions=False)
    targets = np.stack([np.arange(COUNT), np.arange(COUNT) % 2], axis=1).astype(np.float32)
    dataset = run.inputs.dataset.model_copy(update={"targets": "values", "target_names": ["price <b>", "odd"]})
    inputs = replace(run.inputs, samples=replace(run.inputs.samples, targets=targets), dataset=dataset)
    run = replace(run, inputs=inputs)
    with opened(browser, write_page(tmp_path / "index.html", {"this run": run}), [run], "dark") as explorer:
        for page in checked(explorer):
            page.settle()
            shown = targets[run.rows, 0]
            colours = page.page.evaluate("() => Object.values(strata.largeMap(0)).map(each => Array.from(each))")
            by_place = next(
                column for column in colours if len(column) == len(shown) and str(column[0]).startswith("#")
            )
            assert len(set(by_place)) > 20 and by_place[int(shown.argmin())] != by_place[int(shown.argmax())]
            assert "price <b>" in page.page.inner_text("#key") and f"{shown.max():.0f}" in page.page.inner_text("#key")
            page.page.select_option("#colour", "target odd")
            page.settle()
            assert "odd" in page.page.inner_text("#key")


@pytest.mark.parametrize(
    ("labels", "predictions", "colours"),
    [
        (False, True, ["predicted", "confidence", "trust", "stability", "drift"]),
        (True, False, ["label", "trust", "stability", "drift"]),
        (False, False, ["trust", "stability", "drift"]),
    ],
)
def test_the_page_shows_what_there_is(labels, predictions, colours, browser, runs, tmp_path):
    run = lacking(runs[0], labels=labels, predictions=predictions)
    path = write_page(tmp_path / "index.html", {"this run": run})
    with opened(browser, path, [run], "dark") as explorer:
        for page in checked(explorer):
            wait_for(page.page, "strata.chartsReady")
            found = page.page.eval_on_selector_all("#colour option", "options => options.map(each => each.value)")
            assert found == colours
            for colour in colours:
                page.page.select_option("#colour", colour)
            assert page.page.locator("#classes").count() == page.page.locator("#pairs").count() == int(labels)
            assert page.page.locator("#only-wrong").count() == page.page.locator("#only-late").count() == 0
            page.page.click("#more")
            page.page.check("#only-doubtful")
            page.page.uncheck("#only-doubtful")
            page.page.fill("#search", str(page.ids[3]))
            page.page.press("#search", "Enter")
            page.settle()
            terms = page.page.eval_on_selector_all("#details dt", "terms => terms.map(each => each.textContent)")
            expected = ["sample", *(["label"] if labels else []), *(["prediction"] if predictions else [])]
            assert terms[:-1] == expected and terms[-1].startswith("spot at")
            heads = page.page.eval_on_selector_all("#selection th", "heads => heads.map(each => each.textContent)")
            assert len(heads) == 2 + int(labels) + 2 * int(predictions)
            said = page.page.inner_text("#training-charts")
            assert ("Nothing was trained" in said) == (not labels)
            keys = page.page.inner_text("#measure-key")
            assert ("shuffled labels" in keys) == labels
