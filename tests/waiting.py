"""Wait for another process, with a limit."""

import time
from collections.abc import Callable


def wait_until(happens: Callable[[], object], seconds: float = 20) -> None:
    """Wait until a function returns something true, at most so many seconds."""
    begin = time.monotonic()
    while not happens():
        assert time.monotonic() - begin < seconds
        time.sleep(0.02)
