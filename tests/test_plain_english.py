"""The project's texts avoid the worst habits: unidiomatic phrases that make a reader stop."""

import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

from tests.tiny_pipeline import ROOT

THINGS = "batch|class|core|experiment|file|image|job|layer|line|map|measure|network|page|panel|point|process|row|sample"
THINGS += "|side|split|stage|tensor|time|value|worker"
# Pattern -> what to write instead.
HABITS = {
    rf"\b(a|an|one|[0-9]+) ({THINGS})s? an? ({THINGS})\b": "`one row per sample`",
    r"\bput(s|ting)? out\b": "`outputs`",
    r"(?<!there )\b(is|are) (?-i:none)\b": "`there are no ...`",
    r"\bas (it is|they are) from [0-9]+ on\b": "`unchanged if it is 1 or more`",
    r"\bdeaf\b": "`blocked`, `ignored`",
    r"\bcould give\b": "`has`, `provides`",
    r"\b(is|are) told\b": "`is reported`, `is added to`",
    r"\bof one's own\b": "`your own`, `user data`",
    r"\banew\b": "`again`",
    r"\bwhat (\w+ ){1,3}says? of\b": "name the thing: `the description`, `the prediction`",
}
SUFFIXES = (".css", ".html", ".ipynb", ".js", ".md", ".py", ".toml", ".yaml", "Makefile")
# Texts that are data, or that show the habits themselves.
EXEMPT = {
    "strata/sources/catalogue.py": "500 a class",  # goes into dataset.json, whose bytes stay
    "tests/test_plain_english.py": "",
    "dvc.lock": "",
}


def texts_of(name: str, content: str) -> list[tuple[int, str]]:
    """Return number and text of the lines that people read: all of a document, strings and comments of Python."""
    if not name.endswith(".py"):
        return list(enumerate(content.splitlines(), start=1))
    texts = []
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if tokenize.tok_name[token.type] in ("COMMENT", "FSTRING_MIDDLE", "STRING"):
            texts += enumerate(token.string.splitlines(), start=token.start[0])
    return texts


def habits_in(name: str, content: str) -> list[str]:
    """Return one line per habit in a file: where it is, what it is, and what to write instead."""
    exempt = EXEMPT.get(name)
    return [
        f"{name}:{number}: '{match[0]}': write {advice}"
        for number, text in texts_of(name, content)
        for pattern, advice in HABITS.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
        if exempt is None or exempt not in text
    ]


def tracked_files() -> list[str]:
    """Return the project's text files: those in Git, or, outside a repository, those in its folders."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True, capture_output=True)
    names = done.stdout.splitlines() or [path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/**/*.py")]
    return [name for name in names if name.endswith(SUFFIXES) and (ROOT / name).is_file()]


def test_texts_are_plain_english():
    files = {name: Path(ROOT / name).read_text(encoding="utf-8") for name in tracked_files()}
    assert len(files) > 100
    assert [line for name, content in files.items() for line in habits_in(name, content)] == []


@pytest.mark.parametrize(
    "text",
    [
        "one row a sample",
        "a job a layer",
        "what the layer puts out",
        "images are none",
        "as they are from 1 on",
        "no source could give it",
        "the user is told",
        "data of one's own",
        "set up anew",
        "what the network says of a class",
    ],
)
def test_a_habit_is_found_with_its_place(text):
    assert habits_in("a.md", f"A title\n\n{text.capitalize()}.\n")[0].startswith("a.md:3: ")
    assert habits_in("a.py", f"x = 1\n\n# {text}\n")[0].startswith("a.py:3: ")
    assert habits_in("a.py", f"{text.replace(' ', '_').replace(chr(39), '')} = 1\n") == []


@pytest.mark.parametrize("text", ["one row per sample", "half an hour a day", "a layer and a map", "the output"])
def test_plain_text_passes(text):
    assert habits_in("a.md", text) == []
