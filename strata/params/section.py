"""Read one section of params.yaml into its schema; any mistake is one line with file, key and what is allowed."""

import difflib
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from strata.errors import StrataError

Schema = TypeVar("Schema")

# How a value at fault is shown: in short, as YAML's aliases (*a) let a small file hold a value of gigabytes.
SHOWN = reprlib.Repr()
SHOWN.maxlevel, SHOWN.maxstring, SHOWN.maxother = 2, 200, 200


class Section(BaseModel):
    """Base of the sections: frozen, strict, unknown keys and infinite or undefined numbers refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def load_section(path: Path, name: str, schema: type[Schema]) -> Schema:
    """Return section `name` of a params file, validated by `schema` (a Section or an annotated type).

    Raises StrataError where the file cannot be read, the section is missing, or any key does not fit.
    """
    content = _read(path)
    if name not in content:
        raise StrataError(f"{path}: section '{name}' is missing")
    try:
        return TypeAdapter(schema).validate_python(content[name])
    except ValidationError as error:
        keys = list(schema.model_fields) if isinstance(schema, type) and issubclass(schema, Section) else []
        raise StrataError(f"{path}: " + "; ".join(_mistakes(name, error.errors(), keys))) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StrataError(f"{path}: cannot be read: {reason}") from None
    except RecursionError:
        raise StrataError(f"{path}: is not YAML: too deeply nested") from None
    except Exception as error:  # PyYAML ends in many kinds: ValueError for 2020-13-45, KeyError for `!!bool x`
        raise StrataError(f"{path}: is not YAML: " + " ".join(str(error).split())) from error
    if not isinstance(content, dict):
        raise StrataError(f"{path}: must be a mapping of sections, not {type(content).__name__}")
    return content


def _mistakes(section: str, errors: Sequence[ErrorDetails], keys: Sequence[str]) -> list[str]:
    """Return a text for each key at fault; where any of several types would do, one text names them all."""
    misfits: dict[str, list[ErrorDetails]] = {}
    texts = []
    for details in errors:
        place = details["loc"]
        if details["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(place[-1]), keys, n=1)
            meant = f"did you mean '{near[0]}'? " if near else ""
            texts.append(f"{_dotted(section, place)}: unknown key; {meant}allowed: {', '.join(keys)}")
        elif details["type"] == "missing":
            texts.append(f"{_dotted(section, place)}: missing")
        elif details["type"] == "value_error" and not place:
            texts.append(f"{section}: {_message(details)}")  # about several keys at once
        else:
            # Pydantic puts the alternatives of a union after the key's own place.
            own = [part for part in place if isinstance(part, int) or part in keys]
            misfits.setdefault(_dotted(section, own), []).append(details)
    return texts + [_misfit(key, alternatives) for key, alternatives in misfits.items()]


def _misfit(key: str, alternatives: Sequence[ErrorDetails]) -> str:
    messages = [_message(details) for details in alternatives]
    given = alternatives[0]["input"]
    text = f"{key}: {', or '.join(message[0].lower() + message[1:] for message in messages)} (got {_shown(given)})"
    if isinstance(given, str) and _is_number(given):
        text += "; YAML 1.1 reads 1e-3 as text: write 0.001 or 1.0e-3, without quotes"
    return text


def _shown(value: object) -> str:
    try:
        return SHOWN.repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a number of thousands of digits"


def _message(details: ErrorDetails) -> str:
    return details["msg"].removeprefix("Value error, ")


def _dotted(section: str, place: Sequence[int | str]) -> str:
    return " ".join(".".join([section, *map(str, place)]).split())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def sections_as_text(path: Path, names: Sequence[str]) -> str:
    """Return the values of the named sections as YAML, without the file's comments. Raises StrataError as above."""
    content = _read(path)
    try:
        return yaml.safe_dump({name: content.get(name) for name in names}, sort_keys=False, allow_unicode=True)
    except (RecursionError, ValueError):  # ValueError: a whole number of more than 4300 digits
        raise StrataError(f"{path}: a value is too deeply nested, or too long a number, to be shown") from None
