"""A stage's messages to the user: plain lines, and progress bars on a terminal."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 5.0


def say(line: str) -> None:
    """Print one line for the user, on standard error, without breaking a progress bar."""
    tqdm.write(line, file=sys.stderr)


def progress(items: Iterable[Item], title: str, total: int, unit: str = "it") -> Iterator[Item]:
    """Yield the items, showing a bar on a terminal and otherwise a plain line every few seconds.

    `total` is the number of items; `unit` is the bar's word for one item.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, desc=title, total=total, unit=unit, leave=False, file=sys.stderr)
        return
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - last > SECONDS_BETWEEN_LINES and done < total:
            last = time.monotonic()
            say(f"{title}: {done} of {total}")
