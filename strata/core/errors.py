"""The one exception that a user's mistake or a fault of the machine ends in."""


class StrataError(Exception):
    """A fault that a person can act on: its text is one line that says what is wrong, where, and what to do.

    >>> try:
    ...     open_run("/no/such/project")
    ... except StrataError as error:
    ...     print(error)
    /no/such/project is no project of Strata: it has no params.yaml
    """
