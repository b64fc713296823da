"""The one exception for a user's mistake or a fault of the machine."""


class StrataError(Exception):
    """A fault that the user can fix: its text is one line that says what is wrong, where, and what to do.

    >>> try:
    ...     open_run("/no/such/project")
    ... except StrataError as error:
    ...     print(error)
    /no/such/project is not a Strata project: it has no params.yaml; name the folder that has it
    """
