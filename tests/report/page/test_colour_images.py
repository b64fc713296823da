"""Colour images on the page: the hover card and the table show them in their colours, and keep their proportions."""

from dataclasses import replace

import numpy as np

from tests.report.page.conftest import checked, opened
from tests.report.page.synthetic import COUNT, write_page


def test_the_card_shows_a_colour_image_of_any_proportions(browser, runs, tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (COUNT, 12, 20, 3), dtype=np.uint8)
    run = replace(runs[0], inputs=replace(runs[0].inputs, images=images))
    path = write_page(tmp_path / "index.html", {"this run": run})
    with opened(browser, path, [run], "dark") as explorer:
        for page in checked(explorer):
            row = 7
            page.page.fill("#search", str(page.ids[row]))
            page.page.press("#search", "Enter")
            page.settle()
            shown = page.pixels("#details .sample canvas")
            np.testing.assert_array_equal(shown[..., :3], images[run.rows[row]])
            assert (
                page.page.locator("#details .sample canvas").evaluate("(c) => getComputedStyle(c).objectFit")
                == "contain"
            )
