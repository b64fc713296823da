"""Text in CSV tables that a spreadsheet would take for a formula: an apostrophe before it, which reading takes away."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd  # takes half a second, in every process

# Signs that begin a formula, also as full-width letters, and what spreadsheets skip before one. A text that begins with
# apostrophes gets one more, so that none is lost. A number, such as the class name -1, is no formula.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def escaped(cell: Any) -> Any:
    """Return a cell with an apostrophe before a text that a spreadsheet would take for a formula."""
    is_formula = isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def unescaped(cell: Any) -> Any:
    """Return a cell without the apostrophe that `escaped` wrote."""
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and FORMULA.match(cell) else cell


def with_cells(table: "pd.DataFrame", change: Callable[[Any], Any]) -> "pd.DataFrame":
    """Return a table with `change` applied to the cells of columns that are not numbers, and to the columns' names."""
    changed = table.copy(deep=False)
    for name in table:
        if table[name].dtype.kind == "O":
            changed[name] = table[name].map(change)
    return changed.rename(columns=change)
