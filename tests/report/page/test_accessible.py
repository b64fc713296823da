"""What axe-core finds: nothing serious, in both themes, on a desk and on a phone, with all panels open."""

from importlib.resources import files

import pytest
import torch

from networks.mnist_cnn import MnistCnn
from tests.report.page.conftest import checked, opened
from tests.report.page.reader import WINDOW, wait_for
from tests.report.page.synthetic import SIDE, make_run, write_page
from tests.report.page.test_try_it import with_network

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
PHONE = {"width": 390, "height": 844}
RUN = """async () => (await axe.run({ resultTypes: ["violations"] })).violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 100)).join("; ")}`)"""


@pytest.fixture(scope="module")
def with_try_it(browser, runs, tmp_path_factory):
    """The page of a run whose network it holds."""
    torch.manual_seed(0)
    run = with_network(runs[0], MnistCnn(image_shape=(1, SIDE, SIDE), classes=10), {"input": "input", "h1": "relu1"})
    path = write_page(tmp_path_factory.mktemp("axe") / "index.html", {"this run": run})
    with opened(browser, path, [run], "light") as explorer:
        explorer.page.click("#load-network")
        explorer.page.wait_for_selector("#pad", timeout=60_000)
        explorer.page.click("#pad-take")
        wait_for(explorer.page, "document.querySelectorAll('#try .near .thumb').length > 0", seconds=30)
        yield from checked(explorer)


@pytest.fixture(scope="module")
def sweep(browser, tmp_path_factory):
    """The page of three runs."""
    of_three = {f"run {seed}": make_run(seed) for seed in range(3)}
    path = write_page(tmp_path_factory.mktemp("axe") / "sweep.html", of_three)
    with opened(browser, path, list(of_three.values()), "light") as explorer:
        yield from checked(explorer)


@pytest.mark.parametrize(
    ("kind", "window", "selected"),
    [
        ("with_try_it", WINDOW, (1, 30)),
        ("with_try_it", PHONE, (1,)),
        ("compared", WINDOW, (30,)),
        ("sweep", PHONE, (0,)),
    ],
    ids=["one run on a desk", "one run on a phone", "two runs", "three runs on a phone"],
)
def test_axe_finds_nothing_serious(kind, window, selected, request):
    reader = request.getfixturevalue(kind)
    reader.page.set_viewport_size(window)
    reader.page.evaluate(f"() => {{ {AXE} }}")
    reader.page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    if reader.page.get_attribute("#more", "aria-expanded") == "false":
        reader.click("#more")
    for _ in range(2):
        for count in selected:
            reader.select(reader.ids[:count])
            reader.wait_for_table()
            assert reader.page.evaluate(RUN) == []
        reader.click("#theme")
