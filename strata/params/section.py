"""Read one section of params.yaml into its schema; any mistake is one line with file, key and what is allowed."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from strata.errors import StrataError

Schema = TypeVar("Schema")


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
        mistakes = [_mistake(name, details, keys) for details in error.errors()]
        raise StrataError(f"{path}: " + "; ".join(mistakes)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StrataError(f"{path}: cannot be read: {reason}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none, such as 2020-13-45
        raise StrataError(f"{path}: is not YAML: " + " ".join(str(error).split())) from None
    if not isinstance(content, dict):
        raise StrataError(f"{path}: must be a mapping of sections, not {type(content).__name__}")
    return content


def _mistake(section: str, details: ErrorDetails, keys: Sequence[str]) -> str:
    key = " ".join(".".join([section, *map(str, details["loc"])]).split())
    if details["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(details["loc"][-1]), keys, n=1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        return f"{key}: unknown key; {meant}allowed: {', '.join(keys)}"
    if details["type"] == "missing":
        return f"{key}: missing"
    if details["type"] == "value_error" and not details["loc"][:1]:
        return f"{key}: {details['msg'].removeprefix('Value error, ')}"  # about several keys at once
    given = details["input"]
    message = details["msg"].removeprefix("Value error, ")
    text = f"{key}: {message[0].lower()}{message[1:]} (got {given!r})"
    if isinstance(given, str) and _is_number(given):
        text += "; YAML 1.1 reads 1e-3 as text: write 0.001 or 1.0e-3, without quotes"
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def sections_as_text(path: Path, names: Sequence[str]) -> str:
    """Return the values of the named sections as YAML, without the file's comments. Raises StrataError as above."""
    content = _read(path)
    return yaml.safe_dump({name: content.get(name) for name in names}, sort_keys=False, allow_unicode=True)
