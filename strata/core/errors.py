"""The one exception that a user's mistake or a fault of the machine ends in."""


class StrataError(Exception):
    """A fault that a person can act on: its text is one line that says what is wrong, where, and what to do."""
