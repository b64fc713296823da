"""The page by keyboard alone: every control is reached, seen, and does its work."""

from tests.report.page.reader import wait_for
from tests.report.page.synthetic import LAYERS

# Every control that the tabulator should reach; of radio buttons that belong together, the one that is chosen.
WATCH = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")].filter((each) =>
    each.tabIndex >= 0 && !each.disabled && each.checkVisibility() && (each.type !== "radio" || each.checked));
  const seen = [];
  const watch = (event) => {
    const look = getComputedStyle(event.target);
    seen.push([all.indexOf(event.target), look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2]);
  };
  document.addEventListener("focusin", watch);
  window.watched = () => { document.removeEventListener("focusin", watch); return seen; };
  return all.map((each) => each.outerHTML.slice(0, 90));
}"""
AT = "document.activeElement"


def test_the_tabulator_reaches_every_control_in_the_pages_order_and_shows_where_it_is(explorer):
    explorer.select(explorer.ids[:5])
    explorer.click("#more")
    explorer.wait_for_table()
    controls = explorer.page.evaluate(WATCH)
    for _ in range(len(controls) + 5):
        explorer.page.keyboard.press("Tab")
    seen = explorer.page.evaluate("watched()")
    reached = [place for place, _ in seen if place >= 0][: len(controls)]
    assert [controls[place] for place in range(len(controls)) if place not in reached] == []
    assert reached == list(range(len(controls)))
    assert [controls[place] for place, outlined in seen if place >= 0 and not outlined] == []
    text = "\n".join(controls)
    parts = ["#maps", "theme", "colour", "only-wrong", "only-late", "only-doubtful", 'value="9"', "no-classes", "lasso"]
    parts += [
        "reset-view",
        "search",
        "clear",
        "play",
        "copy",
        "download",
        "depth",
        "scroll",
        "pair-depth",
        'data-pair="9 9"',
        "<summary>",
    ]
    assert [part for part in parts if part not in text] == []
    assert text.count("data-pair") == 55


def test_the_first_stop_leads_past_the_controls_to_the_maps(explorer):
    explorer.page.keyboard.press("Tab")
    assert explorer.page.evaluate(f"{AT}.className") == "skip"
    assert explorer.page.locator(".skip").bounding_box()["x"] >= 0
    explorer.page.keyboard.press("Enter")
    explorer.page.keyboard.press("Tab")
    assert explorer.page.evaluate(f"{AT}.id") == "colour"
    explorer.page.evaluate("history.replaceState(null, '', location.pathname)")


def test_a_sort_button_keeps_the_focus(explorer):
    explorer.select(explorer.ids[:5])
    explorer.wait_for_table()
    for column in ("id", "label", "prediction", "confidence", "commits"):
        explorer.page.focus(f"#selection thead button:text-matches('^{column}')")
        for arrow in "▼▲" if column == "id" else "▲▼":
            explorer.page.keyboard.press("Enter")
            assert explorer.page.evaluate(f"{AT}.textContent") == f"{column} {arrow}"


def test_filters_tools_colours_and_theme_by_keyboard(explorer):
    explorer.page.focus("#more")
    explorer.page.keyboard.press("Enter")
    explorer.page.focus("#only-wrong")
    explorer.page.keyboard.press("Space")
    wrong = explorer.run.labels != explorer.run.predicted
    assert explorer.visible() == [i for i, bad in zip(explorer.ids, wrong, strict=True) if bad]
    explorer.page.focus("input[value=lasso]")
    explorer.page.keyboard.press("ArrowRight")
    assert explorer.page.is_checked("input[value=box]")
    explorer.page.focus("#colour")
    explorer.page.keyboard.press("ArrowDown")
    assert explorer.page.input_value("#colour") == "predicted"
    explorer.page.focus("#theme")
    explorer.page.keyboard.press("Enter")
    assert explorer.page.get_attribute("html", "data-theme") == "dark"


def test_a_pair_a_sample_and_play_by_keyboard(explorer):
    explorer.page.focus("#ladder-0 button[data-pair='8 1']")
    explorer.page.keyboard.press("Enter")
    labels = zip(explorer.ids, explorer.run.labels, strict=True)
    assert explorer.selected() == [i for i, label in labels if label in (1, 8)]
    explorer.page.focus("#search")
    explorer.page.keyboard.type(str(explorer.ids[7]))
    explorer.page.keyboard.press("Enter")
    assert explorer.selected() == [explorer.ids[7]]
    explorer.set_slider(5.9)
    explorer.page.focus("#play")
    explorer.page.keyboard.press("Space")
    wait_for(explorer.page, "document.getElementById('play').getAttribute('aria-pressed') === 'false'")
    assert explorer.page.inner_text("#large-0 .layer") == LAYERS[6]


def test_the_parameters_open(explorer):
    explorer.page.focus("#run summary")
    assert explorer.page.is_hidden("#run pre")
    explorer.page.keyboard.press("Enter")
    assert "seed: 0" in explorer.page.inner_text("#run pre")


def test_names_are_told_to_those_who_cannot_see(explorer):
    kinds = "button, input, select, [role=img], [role=region], section, nav"
    code = """(all) => all.filter((each) => !(each.ariaLabel || each.getAttribute("aria-labelledby")
      || each.textContent.trim() || each.labels?.length)).map((each) => each.outerHTML.slice(0, 90))"""
    assert explorer.page.eval_on_selector_all(kinds, code) == []
