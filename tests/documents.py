"""Blocks of code in the documents, and what of a shell command in them the project knows."""

import importlib
import importlib.util
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import yaml
from dvc.cli import DvcParserError, parse_args
from pydantic import TypeAdapter, ValidationError

from strata.params.common import Layers, Seed
from tests.tiny_pipeline import ROOT

DOCUMENTS = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
LANGUAGES = {"sh", "python"}
LISTING = ""  # a block of no language: a tree of files, a formula
MARK = re.compile(r"<!-- not run: (\S.*) -->")
PLACEHOLDER = "placeholder"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced block: document, line of its fence, language, text, and why it is not run, if it is not."""

    document: str
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks_of(document: str, text: str) -> list[Block]:
    """Return the fenced blocks of a document; the line before a fence may say why the block is not run."""
    found: list[Block] = []
    lines = text.splitlines()
    fence, start = "", 0
    for place, line in enumerate(lines):
        opening = re.match(r" *(`{3,}|~{3,})", line)
        if not fence and opening:
            fence, start = opening[1], place
        elif fence and line.strip() == fence:
            mark = MARK.fullmatch(lines[start - 1].strip()) if start else None
            language = lines[start].strip().removeprefix(fence).strip()
            body = "\n".join(lines[start + 1 : place])
            found.append(Block(document, start + 1, language, body, mark[1] if mark else None))
            fence = ""
    if fence:
        raise AssertionError(f"{document}:{start + 1}: a block without an end")
    return found


def commands_of(text: str) -> list[list[str]]:
    """Return a shell text's commands as words, without comments and settings before them; <...> is a placeholder."""
    found: list[list[str]] = []
    for line in re.sub(r"<[^<>\n]*>", PLACEHOLDER, text).replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set(";&|"):
                while words and re.match(r"[A-Z_]+=", words[0]):
                    words.pop(0)
                found += [words] if words else []
                words = []
            else:
                words.append(word)
    return found


def problem_of(words: list[str]) -> str | None:
    """Return why the project does not know a command, None if it does."""
    if words[0] == "make":
        return _make_problem(words[1:])
    if words[0] == "dvc":
        return _dvc_problem(words[1:])
    if words[:2] == ["python", "-m"]:
        return None if importlib.util.find_spec(words[2]) else f"no module {words[2]}"
    return f"no rule for '{words[0]}'"


def _make_problem(words: list[str]) -> str | None:
    for word in words:
        name, setting, _ = word.partition("=")
        if setting and f"$({name})" not in MAKEFILE:
            return f"the Makefile knows no {name}"
        if not setting and not re.search(rf"^{re.escape(name)}:", MAKEFILE, re.MULTILINE):
            return f"the Makefile has no target {name}"
    return None


def _dvc_problem(words: list[str]) -> str | None:
    try:
        options = parse_args(words)
    except DvcParserError:
        return f"dvc knows no {' '.join(words)}"
    settings = [setting.partition("=")[::2] for setting in getattr(options, "set_param", None) or []]
    for key, text in settings:
        values = text.split(",") if options.queue and not text.startswith("[") else [text]
        for value in values:
            if problem := _parameter_problem(key, value, settings):
                return problem
    return None


def _parameter_problem(key: str, value: str, others: Sequence[tuple[str, str]]) -> str | None:
    """Return what the schemas say against a value of params.yaml, given as text, beside the other values given."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    section, _, name = key.partition(".")
    if section not in params or (name and name not in params[section]):
        return f"params.yaml has no {key}"
    given = {other.partition(".")[2]: yaml.safe_load(text) for other, text in others if other.startswith(f"{section}.")}
    given = {other: text for other, text in given.items() if other in params[section]}
    values = {**params[section], **given, name: yaml.safe_load(value)} if name else yaml.safe_load(value)
    schema = {"seed": Seed, "layers": Layers}.get(section)
    if schema is None:
        schema = getattr(importlib.import_module(f"strata.params.{section}"), f"{section.title()}Params")
    try:
        TypeAdapter(schema).validate_python(values)
    except ValidationError as error:
        return f"{key}={value}: {error.errors()[0]['msg']}"
    return None
