"""params.yaml means the same to DVC and to the stages: one reader, and a file that can mean two things is refused."""

import math
from typing import Any

import pytest
import yaml
from dvc.utils.serialize import ParseError, parse_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from strata.core.errors import StrataError
from strata.core.params import SECTIONS, load_section, read_params
from strata.core.strict_yaml import as_text, read_mapping
from strata.training.params import TrainParams
from tests.tiny_pipeline import ROOT

# What YAML 1.1 and 1.2 read as different values, or may.
SEAMS = [
    *("010", "0o10", "09", "0_1", "1_000", "0b11", "0x1F", "1:30", "1:30.5", "190:20:30", "+1", "-0", "+.5"),
    *("1e-3", "1e3", "1E5", "1.0e-3", ".5", "1.", "1.e3", "1e+3", ".inf", "-.INF", ".nan", "_1", "1__0", "0x_1"),
    *("yes", "No", "on", "OFF", "y", "n", "true", "TRUE", "null", "Null", "~", "''", "'010'", '"1e-3"', "=", "<"),
    *("2020-01-01", "2020-01-01 10:00:00", "2020-01-01T10:00:00Z", "!!int 010", "!!float 3", "!!str 010", "!!bool yes"),
]
SCALARS = st.one_of(
    st.sampled_from(SEAMS),
    st.text(alphabet="0123456789_+-.:eExob", min_size=1, max_size=8),
    st.integers().map(str),
    st.floats().map(repr),
    st.text(max_size=8),
)


def same(ours: Any, theirs: Any) -> bool:
    both_nan = isinstance(ours, float) and isinstance(theirs, float) and math.isnan(ours) and math.isnan(theirs)
    return type(ours) is type(theirs) and (ours == theirs or both_nan)


@given(SCALARS)
@settings(deadline=None, max_examples=400, derandomize=True, database=None)
@example("010")
@example("1:30")
def test_every_scalar_is_what_dvc_reads(scalar):
    text = f"train: {scalar}\nlayers: [{scalar}]\n"
    try:
        theirs = parse_yaml(text, "params.yaml")
    except (ParseError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError):
        with pytest.raises(StrataError):
            read_mapping(text, "params.yaml")
        return
    try:
        ours = read_mapping(text, "params.yaml")
    except StrataError as error:
        assert "a key must be a word or a number" in str(error) or "must be a mapping" in str(error)
        return
    assert list(ours) == list(theirs)
    assert same(ours["train"], theirs["train"])
    assert all(map(same, ours["layers"], theirs["layers"])) and len(ours["layers"]) == len(theirs["layers"])


@pytest.mark.parametrize(
    ("scalar", "value"),
    [("010", 10), ("1:30", "1:30"), ("1e-3", 0.001), ("1e3", 1000.0), ("yes", "yes"), ("0o10", 8), ("1_000", 1000)],
)
def test_a_scalar_is_what_yaml_1_2_says(scalar, value):
    read = read_mapping(f"train: {scalar}", "params.yaml")["train"]
    assert read == value and type(read) is type(value)


def with_train(tmp_path, line: str):
    """The project's params.yaml with a line of section train changed."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    before = next(each for each in text.splitlines() if each.startswith(f"  {line.partition(':')[0]}:"))
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(f"\n{before}\n", f"\n  {line}\n"), encoding="utf-8")
    return path


def test_the_stage_trains_as_many_epochs_as_dvc_records(tmp_path):
    path = with_train(tmp_path, "epochs: 010")
    assert parse_yaml(path.read_text(encoding="utf-8"), path)["train"]["epochs"] == 10
    assert load_section(path, "train", TrainParams).epochs == 10
    with pytest.raises(StrataError, match=r"train\.epochs: input should be a valid integer \(got '1:30'\)$"):
        load_section(with_train(tmp_path, "epochs: 1:30"), "train", TrainParams)
    assert load_section(with_train(tmp_path, "lr: 1e-3"), "train", TrainParams).lr == 0.001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 0\nseed: 1\n", "line 2: key 'seed' is given twice; keep one"),
        ("train:\n  epochs: 1\n  lr: 0.1\n  epochs: 2\n", "line 4: key 'epochs' is given twice; keep one"),
        ("train: {epochs: 1, 'epochs': 1}\n", "line 1: key 'epochs' is given twice; keep one"),
        ("train: {<<: {lr: 1}, <<: {lr: 2}}\n", "line 1: key '<<' is given twice; keep one"),
        ("trian: {epochs: 1}\n", f"trian: unknown section; did you mean 'train'? allowed: {', '.join(SECTIONS)}"),
        ("zzz: 1\n", f"zzz: unknown section; allowed: {', '.join(SECTIONS)}"),
        ("3: 1\n", f"3: unknown section; allowed: {', '.join(SECTIONS)}"),
        ("train: {? [a, b] : 1}\n", "is not YAML: line 1: a key must be a word or a number"),
        ("train: {a: b: c}\n", "is not YAML: line 1: "),
    ],
)
def test_what_could_mean_two_things_is_refused_in_one_line(text, said, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StrataError) as caught:
        read_params(path)
    assert str(caught.value).startswith(f"{path}: {said}") and len(str(caught.value).splitlines()) == 1


def test_keys_that_take_for_ever_to_compare_are_refused_unread():
    lists = "\n".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))
    with pytest.raises(StrataError, match="a key must be a word or a number"):
        read_mapping(f"layers:\n- &a0 x\n{lists}\ntrain: {{? *a11 : 1}}\n", "params.yaml")


def test_the_projects_file_is_the_same_in_both_versions_of_yaml():
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert read_mapping(text, "params.yaml") == yaml.safe_load(text) == parse_yaml(text, "params.yaml")
    assert tuple(yaml.safe_load(text)) == SECTIONS


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.sampled_from(SEAMS),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), parts, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES, min_size=1, max_size=4))
@settings(deadline=None, max_examples=200, derandomize=True, database=None)
def test_what_the_page_shows_reads_back_as_it_was(values):
    text = as_text(values)
    assert read_mapping(text, "the page") == parse_yaml(text, "the page") == values
    assert list(read_mapping(text, "the page")) == list(values)
