"""A headless Chromium, for pictures, tests and benchmarks: the system's, or the one that Playwright installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "no Chromium: install Debian's chromium, or run `python -m playwright install chromium`"


@contextmanager
def launched(*options: str) -> Iterator[Browser]:
    """Context of a browser with more command-line options; a process can have one at a time.

    Raises FileNotFoundError if there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            raise FileNotFoundError(INSTALL)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *options])
        try:
            yield browser
        finally:
            browser.close()
