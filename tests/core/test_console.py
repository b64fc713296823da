"""What a stage says: on standard error, in plain lines where there is no terminal."""

import io
import sys

import pytest

from strata.core import console
from strata.core.console import progress, say


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_goes_to_standard_error_alone(capsys):
    say("train: epoch 1 of 2")
    assert capsys.readouterr() == ("", "train: epoch 1 of 2\n")


def test_progress_yields_every_item_in_order_and_says_nothing_when_quick(capsys):
    assert list(progress(iter("abc"), "extract", 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_progress_says_plain_lines_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", -1)
    assert list(progress([4, 5, 6], "extract", 3, unit="batch")) == [4, 5, 6]
    assert capsys.readouterr() == ("", "extract: 1 of 3\nextract: 2 of 3\n")


def test_progress_waits_between_two_lines(capsys, monkeypatch):
    clock = iter([0.0, 3.0, 6.0, 6.0, 9.0, 12.0, 12.0, 13.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    assert list(progress(range(5), "extract", 9)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == "extract: 2 of 9\nextract: 4 of 9\n"


def test_progress_shows_a_bar_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress([4, 5, 6], "extract", 3, unit="batch")) == [4, 5, 6]
    assert "extract:   0%" in terminal.getvalue() and "/3 [" in terminal.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_progress_lets_an_error_of_the_items_through(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream())
    with pytest.raises(ZeroDivisionError):
        list(progress((1 // number for number in (1, 0)), "extract", 2))
