"""The one exception for a user's mistake or a fault of the machine, and what keeps its text short."""

from collections.abc import Iterable


class StrataError(Exception):
    """A fault that the user can fix: its text is one line that says what is wrong, where, and what to do.

    >>> try:
    ...     open_run("/no/such/project")
    ... except StrataError as error:
    ...     print(error)
    /no/such/project is not a Strata project: it has no params.yaml; name the folder that has it
    """


def in_short(text: object, most: int = 100) -> str:
    """Return a text, such as another program's error, as one line of at most so many characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def listed(names: Iterable[object], most: int = 100, between: str = ", ") -> str:
    """Return names as text: the first, those after it that fit into so many characters, and how many more there are."""
    texts = [in_short(name, most) for name in names]
    shown = texts[:1]
    for text in texts[1:]:
        if len(between.join([*shown, text])) > most:
            break
        shown.append(text)
    more = len(texts) - len(shown)
    return between.join(shown) + (f" and {more:,} more" if more else "")
