"""YAML as DVC reads it, by ruamel.yaml as YAML 1.2: `010` is ten, `1e-3` a number, `1:30` and `yes` are text."""

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from strata.core.errors import StrataError


class PlainKeys(SafeConstructor):
    """Refuses keys that are lists or mappings: with aliases, a short one could take for ever to compare."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        for key, _ in node.value if isinstance(node, MappingNode) else []:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key must be a word or a number", key.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_mapping(text: str, source: str) -> dict[str, Any]:
    """Return the mapping that a YAML text holds, as plain values; `source` names the text in errors.

    Raises StrataError if the text is not YAML or not a mapping, or if a key is given twice.
    """
    try:
        content = _yaml().load(text)
    except DuplicateKeyError as error:
        raise StrataError(f"{source}: {_line(error)}key {_key(error)} is given twice; keep one") from None
    except MarkedYAMLError as error:
        raise StrataError(f"{source}: is not YAML: {_line(error)}{_in_one_line(error.problem)}") from None
    except RecursionError:
        raise StrataError(f"{source}: is not YAML: too deeply nested") from None
    except Exception as error:  # ruamel.yaml raises many kinds: ValueError for 2020-13-45, KeyError for `!!bool x`
        raise StrataError(f"{source}: is not YAML: {_in_one_line(error)}") from error
    if not isinstance(content, dict):
        raise StrataError(f"{source}: must be a mapping of sections, not {type(content).__name__}")
    return content


def as_text(values: Mapping[str, Any]) -> str:
    """Return values as YAML, in their order.

    Raises RecursionError or ValueError if they are nested too deeply, or hold a number of more than 4300 digits.
    """
    stream = io.StringIO()
    _yaml().dump(dict(values), stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml: Any = YAML(typ="safe")
    yaml.Constructor = PlainKeys
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False
    return yaml


def _line(error: MarkedYAMLError) -> str:
    return f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""


def _key(error: DuplicateKeyError) -> str:
    found = re.search(r'"(.*?)"', str(error.problem), re.DOTALL)
    return f"'{_in_one_line(found[1])[:100]}'" if found else ""


def _in_one_line(text: object) -> str:
    return " ".join(str(text).split())
