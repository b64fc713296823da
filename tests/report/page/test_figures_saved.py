"""What is saved: the large map as PNG and SVG, a chart as SVG, ids as a list."""

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from tests.report.page.reader import wait_for
from tests.report.page.synthetic import COLOURS

SVG = "{http://www.w3.org/2000/svg}"


def saved(explorer, click):
    explorer.page.click("#more")
    with explorer.page.expect_download() as caught:
        click()
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()


def test_the_map_as_svg_has_every_sample_in_its_colour(explorer):
    name, content = saved(explorer, lambda: explorer.page.click("#save-svg"))
    assert name == "map-input-label.svg"
    root = ElementTree.fromstring(content)  # noqa: S314 - the page wrote it
    found = {path.get("stroke"): path.get("d").count("M") for path in root.iter(f"{SVG}path")}
    assert found == {COLOURS[label]: int((explorer.run.labels == label).sum()) for label in range(10)}
    text = root.find(f"{SVG}text").text
    assert text == "input: 16 × 16. Made-up of 200 samples, by label"
    first = root.find(f"{SVG}path").get("d").split("M")[1]
    place = [float(number) for number in re.match(r"([\d.]+) ([\d.]+)h0", first).groups()]
    row = next(row for row, label in enumerate(explorer.run.labels) if label == explorer.run.labels[0])
    np.testing.assert_allclose(place, explorer.inside_map(0, None)[row], atol=0.3)


def test_the_map_as_png_is_fine_enough_for_print(explorer):
    name, content = saved(explorer, lambda: explorer.page.click("#save-png"))
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    assert name == "map-input-label.png" and picture.width == 1600
    x, y = explorer.inside_map(0, None)[0] * 1600 / explorer.box(0, None)["width"]
    pure = np.array(list(bytes.fromhex(COLOURS[explorer.run.labels[0]][1:])))
    np.testing.assert_allclose(np.array(picture)[int(y), int(x)], 0.85 * pure + 0.15 * 255, atol=4)


def test_the_map_is_copied_as_png_and_as_svg_as_it_is_saved(explorer):
    page, read = explorer.page, "navigator.clipboard.readText()"
    _, wanted = saved(explorer, lambda: page.click("#save-svg"))
    page.click("#copy-svg")
    assert explorer.status() == "the map is copied as SVG, a text"
    assert page.evaluate(read) == wanted.decode()
    with page.expect_download() as caught:
        page.click("#save-png")
    page.click("#copy-png")
    wait_for(page, "document.getElementById('status').textContent === 'the map is copied as PNG'")
    code = """async () => {
      const [item] = await navigator.clipboard.read(), picture = await item.getType("image/png");
      const bytes = new Uint8Array(await picture.arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    }"""
    found, file = (Image.open(io.BytesIO(each)) for each in (base64.b64decode(page.evaluate(code)), png_of(caught)))
    np.testing.assert_array_equal(np.asarray(found.convert("RGB")), np.asarray(file.convert("RGB")))


def test_where_the_browser_cannot_copy_a_picture_it_says_so(explorer):
    explorer.page.click("#more")
    explorer.page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(Error()); }")
    explorer.page.click("#copy-png")
    wait_for(explorer.page, "document.getElementById('status').textContent === 'the browser refused to copy'")
    explorer.page.evaluate("delete navigator.clipboard.write")


def png_of(caught):
    return Path(caught.value.path()).read_bytes()


def test_ids_are_saved_one_in_a_line(explorer):
    explorer.select(explorer.ids[3:6])
    name, content = saved(explorer, lambda: explorer.page.click("#save-ids"))
    assert (name, content.decode()) == ("sample_ids.txt", "".join(f"{i}\n" for i in explorer.ids[3:6]))


def test_a_chart_is_saved_as_svg_in_the_colours_of_paper(explorer):
    button = explorer.page.locator("#measure-charts .save").first
    _, content = saved(explorer, lambda: button.evaluate("(each) => each.click()"))
    root = ElementTree.fromstring(content)  # noqa: S314 - the page wrote it
    assert root.get("color") == "#222222"
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "line"]) == 4


def test_images_replace_dots_when_the_map_is_zoomed_in(explorer):
    row = 50
    x, y = explorer.in_window(0, None)[row]
    explorer.page.mouse.move(x, y)
    for _ in range(6):
        explorer.page.mouse.wheel(0, -400)
    explorer.settle()
    explorer.settle()
    told = np.array(explorer.page.evaluate("(id) => strata.placeOf(id, 0, null)", explorer.ids[row]))
    box = explorer.box(0, None)
    place = told - [box["x"], box["y"]]
    picture = explorer.pixels("#large-0 .plot > canvas.points").astype(int)
    image = explorer.run.inputs.images[explorer.run.rows[row]].astype(int)
    side = 44
    left, top = place[0] - side / 2, place[1] - side / 2
    steps = (np.arange(16) + 0.5) * side / 16
    seen = picture[np.floor(top + steps).astype(int)[:, None], np.floor(left + steps).astype(int)[None], 0]
    assert np.corrcoef(seen.ravel(), image.ravel())[0, 1] > 0.95
