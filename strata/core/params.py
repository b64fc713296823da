"""Read one section of params.yaml into its schema; a mistake gives one line with file, key and what is allowed."""

import difflib
import math
import reprlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from strata.core.errors import StrataError, in_short, listed
from strata.core.strict_yaml import as_text, read_mapping

Schema = TypeVar("Schema")

# Every section of params.yaml: those that stages share, then one for each stage.
STAGES = ("download", "train", "replicate", "extract", "embed", "measure", "report")
SECTIONS = ("seed", "reproducible", "dataset", "network", "layers", *STAGES)

# How a bad value is shown: abbreviated, because YAML's aliases (*a) let a small file hold a value of gigabytes.
SHOWN = reprlib.Repr()
SHOWN.maxlevel, SHOWN.maxstring, SHOWN.maxother = 2, 60, 60
MISTAKES_LONG = 175  # characters


class Section(BaseModel):
    """Base of the sections: frozen and strict; unknown keys, infinity and NaN are refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def load_section(path: Path, name: str, schema: type[Schema]) -> Schema:
    """Return section `name` of a params file, validated by `schema` (a Section or an annotated type).

    Raises StrataError if the file cannot be read, the section is missing, or a key does not fit.
    """
    content = read_params(path)
    if name not in content:
        raise StrataError(f"{path}: section '{name}' is missing")
    try:
        return TypeAdapter(schema).validate_python(content[name])
    except ValidationError as error:
        mistakes = listed(_mistakes(name, error.errors(), schema), MISTAKES_LONG, between="; ")
        raise StrataError(f"{path}: {mistakes}") from None


def read_params(path: Path) -> dict[str, Any]:
    """Return a params file's sections as plain values.

    Raises StrataError if it cannot be read, or has a section that Strata does not know.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StrataError(f"{path}: cannot be read: {reason}") from None
    content = read_mapping(text, str(path))
    for name in content:
        if name not in SECTIONS:
            close = difflib.get_close_matches(str(name), SECTIONS, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            raise StrataError(
                f"{path}: {_dotted(str(name), [])}: unknown section; {hint}allowed: {', '.join(SECTIONS)}"
            )
    return content


def _mistakes(section: str, errors: Sequence[ErrorDetails], schema: Any) -> list[str]:
    """Return one text for each wrong key; where several types are allowed, the text names them all."""
    misfits: dict[str, list[ErrorDetails]] = {}
    texts: list[str] = []
    missing: list[str] = []
    for details in errors:
        location = details["loc"]
        if details["type"] == "extra_forbidden":
            keys = _allowed_keys(schema, location)
            suggestions = difflib.get_close_matches(str(location[-1]), keys, n=1)
            hint = f"did you mean '{suggestions[0]}'?" if suggestions else f"allowed: {listed(keys)}"
            texts.append(f"{_dotted(section, location)}: unknown key; {hint}")
        elif details["type"] == "missing":
            missing.append(f"{_dotted(section, location)}: missing")
        elif details["type"] == "value_error" and not location:
            texts.append(f"{section}: {_message(details)}")  # about several keys at once
        else:
            misfits.setdefault(_dotted(section, _key_location(schema, location)), []).append(details)
    return [*texts, *(_misfit(key, alternatives) for key, alternatives in misfits.items()), *missing]


def first_mistake(error: Exception) -> str:
    """Return what a file's content has that its schema refuses: the first key, and how many more."""
    if not isinstance(error, ValidationError):
        return in_short(error)
    first, *more = error.errors()
    where = ".".join(map(str, first["loc"]))
    return in_short(f"{where}: {_message(first)}".removeprefix(": ")) + (f" and {len(more)} more" if more else "")


def _fields(schema: Any) -> Mapping[str, FieldInfo]:
    return schema.model_fields if isinstance(schema, type) and issubclass(schema, Section) else {}


def _allowed_keys(schema: Any, location: Sequence[int | str]) -> list[str]:
    """Return the keys allowed at a location's last part; for a section within a section, the inner section's keys."""
    for part in location[:-1]:
        schema = _inner(schema, part)
    return list(_fields(schema))


def _inner(schema: Any, part: int | str) -> Any:
    """Return the schema of a key, or of the values of a mapping."""
    field = _fields(schema).get(str(part))
    if field:
        return field.annotation
    if get_origin(schema) is Annotated:
        return _inner(get_args(schema)[0], part)
    return get_args(schema)[1] if get_origin(schema) is dict else None


def _key_location(schema: Any, location: Sequence[int | str]) -> list[int | str]:
    """Return a location without the alternatives of a union, which Pydantic appends to the key's location."""
    own: list[int | str] = []
    for part in location:
        inner = _inner(schema, part)
        if inner is not None or isinstance(part, int):
            own.append(part)
        if inner is not None:
            schema = inner
    return own


def _misfit(key: str, alternatives: Sequence[ErrorDetails]) -> str:
    messages = [_message(details) for details in alternatives]
    value = alternatives[0]["input"]
    text = f"{key}: {', or '.join(message[0].lower() + message[1:] for message in messages)} (got {_shown(value)})"
    if isinstance(value, str) and _is_number(value):
        text += "; write the number without quotes"
    return text


def _shown(value: object) -> str:
    try:
        return SHOWN.repr(value)
    except ValueError:  # Python does not print a whole number of more than 4300 digits
        return "a number of thousands of digits"


def _message(details: ErrorDetails) -> str:
    return details["msg"].removeprefix("Value error, ")


def _dotted(section: str, location: Sequence[int | str]) -> str:
    return " ".join(".".join([section, *map(str, location)]).split())


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def sections_as_text(path: Path, names: Sequence[str]) -> str:
    """Return the values of the named sections as YAML, without comments. Raises StrataError as `read_params` does."""
    content = read_params(path)
    try:
        return as_text({name: content.get(name) for name in names})
    except (RecursionError, ValueError):  # ValueError: a whole number of more than 4300 digits
        raise StrataError(f"{path}: a value is nested too deeply, or is too long a number, to be shown") from None


Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Device = Literal["cpu", "cuda", "mps"]
Dtype = Literal["float32", "float16"]
Precision = Literal["float32", "bfloat16"]
Threads = Annotated[int, Field(strict=True, ge=1, le=256)]


class Reproducible(StrEnum):
    """Where a run gives the same bytes: on machines of the same kind, or on all x86-64 processors with AVX2."""

    MACHINE = "machine"
    PORTABLE = "portable"
