"""What the pool's tests run in other processes: a spawned process imports its work from a module like this."""

import os
import time
from typing import NoReturn

from strata.errors import StrataError


def square_after_a_while(number: int) -> int:
    """Return the square; the smaller the number, the later."""
    time.sleep(0.1 * (3 - number))
    return number * number


def fail_on_two(number: int) -> int:
    if number == 2:
        raise ValueError(f"cannot do {number}")
    return number


def give_up(name: str) -> NoReturn:
    raise StrataError(f"layer '{name}': nothing to embed")


def die(_: int) -> NoReturn:
    os._exit(1)


def environment(name: str) -> tuple[str | None, int]:
    """Return an environment variable and the process's number."""
    return os.environ.get(name), os.getpid()
