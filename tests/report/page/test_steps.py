"""The count of steps counts what a person does, and nothing passes that no person did; what is seen is seen."""

import pytest

from tests.report.page.steps import all_seen, counted


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("clicks", lambda page: page.click("h1")),  # not on a map, where a click may choose a sample
        ("clicks", lambda page: page.uncheck("#classes input[value='3']")),
        (
            "drags",
            lambda page: (page.mouse.move(700, 400), page.mouse.down(), page.mouse.move(720, 400), page.mouse.up()),
        ),
        ("hovers", lambda page: page.mouse.move(700, 400)),
        ("keys", lambda page: page.keyboard.press("x")),
        ("scrolls", lambda page: page.evaluate("document.getElementById('thumbs').scrollTo(0, 40)")),
        ("scripted", lambda page: page.evaluate("document.getElementById('theme').click()")),
        ("scripted", lambda page: page.evaluate("strata.select([])")),
        ("scripted", lambda page: page.evaluate("document.getElementById('depth').dispatchEvent(new Event('input'))")),
    ],
)
def test_the_count_counts_each_kind_of_step(explorer, kind, act):
    with counted(explorer.page) as steps:
        act(explorer.page)
    assert steps.taken() == {kind: 1}


def test_two_steps_are_two_and_none_is_none(explorer):
    page = explorer.page
    with counted(page) as steps:
        page.click("#more")
        page.click("#more")
        page.mouse.move(500, 500)
        page.mouse.move(600, 500)
        page.mouse.wheel(0, -100)
        page.keyboard.press("x")
        page.fill("#search", "two")
        page.press("#search", "2")
    assert steps.taken() == {"clicks": 2, "hovers": 2, "scrolls": 1, "keys": 1 + 3 + 1}
    page.fill("#search", "")
    page.click("#reset-view")
    with counted(page) as steps:
        pass
    assert steps.taken() == {}


def test_what_is_cut_covered_or_outside_is_not_seen(explorer):
    page = explorer.page
    assert all_seen(page, "#findings button") and not all_seen(page, "#nothing-of-this-name")
    assert not all_seen(page, "#measures h2")  # below the window
    assert not all_seen(page, "#thumbs .thumb")  # of all samples, the last ones lie below the list's end
    assert not all_seen(page, "#tooltip")
    page.evaluate("document.getElementById('findings').style.opacity = 0")
    assert not all_seen(page, "#findings button")
    page.evaluate("document.getElementById('findings').style.opacity = ''")
    cover = "document.body.insertAdjacentHTML('beforeend', '<div id=cover style=\"position:fixed;inset:0\"></div>')"
    page.evaluate(cover)
    assert not all_seen(page, "#findings button")
    page.evaluate("document.getElementById('cover').remove()")
    assert all_seen(page, "#findings button")
