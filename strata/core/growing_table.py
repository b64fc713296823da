"""A CSV table that grows at its final name while a stage runs, for tools that draw it meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from strata.core.files import write_csv
from strata.core.guard import removed_if_killed

if TYPE_CHECKING:
    import pandas as pd  # takes half a second, in every process


@contextmanager
def growing_table(path: Path) -> Iterator["Callable[[pd.DataFrame], None]"]:
    """Yield a function that writes the table so far, whole each time; the table stays only if the context succeeds.

    After an error or an interrupt, a table that was written in the context is removed, because nothing in it says that
    rows are missing. After SIGKILL, the stage's guard removes it.
    """
    written = False
    with ExitStack() as while_it_grows:

        def write(table: "pd.DataFrame") -> None:
            nonlocal written
            if not written:
                while_it_grows.enter_context(removed_if_killed(path))
            written = True
            write_csv(path, table)

        try:
            yield write
        except BaseException:
            if written:
                path.unlink(missing_ok=True)
            raise
