"""registry.json: what is written is read; what does not fit together is refused, damage in one line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from strata.artifacts.measure_registry import (
    Interval,
    MeasureEntry,
    MeasureRegistry,
    Need,
    Panel,
    read_registry,
    write_registry,
)
from strata.core.errors import StrataError


def entry(key="a", panel="p", **changes):
    told = {
        "title": f"measure {key}",
        "unit": "share",
        "interval": Interval.MEAN,
        "meaning": "One.",
        "source": "own",
        "not_shown": "More.",
    }
    return MeasureEntry(key=key, panel=panel, **{**told, **changes})


PANEL = Panel(key="p", title="P", axis="share", end=1.0)
REGISTRY = MeasureRegistry(
    measures=(entry(needs=(Need.MAP, Need.LABELS), legend="A", chief=True), entry("b", None, title="Wert für „b“")),
    panels=(PANEL,),
)


@pytest.fixture
def written(tmp_path):
    write_registry(tmp_path / "registry.json", REGISTRY)
    return tmp_path / "registry.json"


def test_what_is_written_is_read(written):
    assert read_registry(written) == REGISTRY


def test_a_panel_shows_its_measures_in_the_tables_order():
    both = Panel(key="p", title="P", axis="share", lines="measures")
    registry = MeasureRegistry(measures=(entry("b"), entry("x", None), entry("a")), panels=(both,))
    assert [measure.key for measure in registry.shown_in(both)] == ["b", "a"]


@pytest.mark.parametrize(
    ("measures", "panels", "problem"),
    [
        ((entry(), entry(panel=None)), (PANEL,), "measure 'a' is listed twice"),
        ((entry(),), (PANEL, PANEL), "panel 'p' is listed twice"),
        ((entry(panel="q"),), (PANEL,), "measure 'a' names panel 'q', which is not listed"),
        ((entry(panel=None),), (PANEL,), "panel 'p' shows 0 measures"),
        ((entry(), entry("b")), (PANEL,), "panel 'p' shows 2 measures, but has one line per control: give it one"),
    ],
)
def test_what_does_not_fit_together_is_refused(measures, panels, problem):
    with pytest.raises(ValidationError, match=problem):
        MeasureRegistry(measures=measures, panels=panels)


def read_error(path):
    """Return the text, one line, of the StrataError that reading ends in."""
    with pytest.raises(StrataError) as caught:
        read_registry(path)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    assert read_error(tmp_path / "registry.json") == f"{tmp_path / 'registry.json'} is missing; run `dvc repro`"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"measures": []}'])
def test_what_is_no_registry_is_refused(written, content):
    written.write_bytes(content)
    message = read_error(written)
    assert message.startswith(f"{written} is damaged: ") and message.endswith("; run `dvc repro -f measure`")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"interval": "about right"}, "measures.0.interval: Input should be "),
        ({"needs": ["luck"]}, "measures.0.needs.0: Input should be "),
        ({"title": ""}, "measures.0.title: String should have at least 1 character"),
        ({"key": 3}, "measures.0.key: Input should be a valid string"),
        ({"colour": "red"}, "measures.0.colour: Extra inputs are not permitted"),
        ({"panel": "q"}, "measure 'a' names panel 'q', which is not listed"),
    ],
)
def test_a_field_that_does_not_fit_is_named(written, change, problem):
    content = json.loads(written.read_text(encoding="utf-8"))
    content["measures"][0] |= change
    written.write_text(json.dumps(content), encoding="utf-8")
    assert read_error(written).startswith(f"{written} is damaged: {problem}")


@given(start=st.integers(0, 500), removed=st.integers(0, 40), added=st.binary(max_size=8))
@settings(deadline=None)
def test_any_bytes_are_a_registry_or_one_line(tmp_path_factory, start, removed, added):
    path = tmp_path_factory.getbasetemp() / "damaged registry.json"
    write_registry(path, REGISTRY)
    content = path.read_bytes()
    path.write_bytes(content[:start] + added + content[start + removed :])
    try:
        assert isinstance(read_registry(path), MeasureRegistry)
    except StrataError as error:
        assert len(str(error).splitlines()) == 1
