"""The pages of made-up runs in a browser; a test fails if its page says an error or asks for a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.report.page.reader import COUNT_DELAYS, WINDOW, Explorer, wait_for
from tests.report.page.synthetic import NAMES, Run, make_run, write_page


@contextmanager
def opened(browser: Browser, path: Path, runs: Sequence[Run], scheme: str) -> Iterator[Explorer]:
    """Open a page without network, for a reader who likes it dark or light; `problems` tell what it should not do."""
    problems: list[str] = []
    with browser.new_context(viewport=WINDOW, offline=True, color_scheme=scheme) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.on("request", lambda request: _check_request(request.url, path.as_uri(), problems))
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("websocket", lambda socket: problems.append(f"socket: {socket.url}"))
        page.on(
            "console", lambda said: said.type in ("error", "warning") and problems.append(f"{said.type}: {said.text}")
        )
        page.add_init_script(COUNT_DELAYS)
        page.goto(path.as_uri())
        wait_for(page, "window.strata && window.strata.chartsReady", seconds=30)
        yield Explorer(page, runs, problems)


def _check_request(address: str, own: str, problems: list[str]) -> None:
    if address.partition("#")[0] != own and not address.startswith(("data:", "blob:")):
        problems.append(f"request: {address[:200]}")


def checked(explorer: Explorer) -> Iterator[Explorer]:
    """Give out a page; once the test is done, no error, warning or request may have come up."""
    yield explorer
    explorer.settle()
    found = explorer.problems.copy()
    explorer.problems.clear()
    assert not found


@pytest.fixture(scope="package")
def runs() -> tuple[Run, Run]:
    return make_run(0), make_run(1)


@pytest.fixture(scope="package")
def page_path(tmp_path_factory: pytest.TempPathFactory, runs: tuple[Run, Run]) -> Path:
    return write_page(tmp_path_factory.mktemp("page") / "index.html", {"this run": runs[0]})


@pytest.fixture(scope="package")
def compared_path(tmp_path_factory: pytest.TempPathFactory, runs: tuple[Run, Run]) -> Path:
    return write_page(tmp_path_factory.mktemp("page") / "compare.html", dict(zip(NAMES, runs, strict=True)))


@pytest.fixture(scope="package")
def shared_page(browser: Browser, page_path: Path, runs: tuple[Run, Run]) -> Iterator[Explorer]:
    with opened(browser, page_path, runs[:1], "dark") as explorer:
        yield explorer


@pytest.fixture
def explorer(shared_page: Explorer) -> Iterator[Explorer]:
    """The page of one run, as it is when it opens."""
    shared_page.reset()
    yield from checked(shared_page)


@pytest.fixture(scope="package")
def shared_compared_page(browser: Browser, compared_path: Path, runs: tuple[Run, Run]) -> Iterator[Explorer]:
    with opened(browser, compared_path, runs, "light") as explorer:
        yield explorer


@pytest.fixture
def compared(shared_compared_page: Explorer) -> Iterator[Explorer]:
    """The page of two runs, as it is when it opens."""
    shared_compared_page.reset()
    yield from checked(shared_compared_page)
