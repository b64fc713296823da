"""Which part of the data a folder, a file or an array holds, by the names that people give to splits."""

import re
from collections.abc import Mapping
from typing import TypeVar

from strata.core.errors import StrataError
from strata.sources.labelled_arrays import TEST, TRAIN, WHOLE

VALIDATION = "validation"
NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "test": TEST,
    "testing": TEST,
    "t10k": TEST,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
}

Source = TypeVar("Source")


def part_named(name: str) -> str | None:
    """Return TRAIN, TEST or VALIDATION if a name is one that people give to it, in any case of letters; else None."""
    return NAMES.get(name.casefold())


def parts_in(name: str) -> list[str]:
    """Return the words of a name that name parts, such as `train` of `mnist_train`."""
    return [word for word in re.split(r"[\W_]+", name) if part_named(word)]


def chosen_parts(sources: Mapping[str, Source], where: str) -> tuple[dict[str, Source], list[str]]:
    """Return part's name -> where it comes from, and a sentence for each choice that was made.

    `sources` maps the user's own names of splits. Validation data are left out, or are the test data if there are no
    others. Training data alone are WHOLE, to be split. Raises StrataError, with a line that begins with `where`, if two
    names mean the same part, or there are no training data.
    """
    names: dict[str, str] = {}
    for name in sources:
        part = part_named(name) or name
        if part in names:
            raise StrataError(f"{where}: '{names[part]}' and '{name}' both mean the {part} data: rename one")
        names[part] = name
    if TRAIN not in names:
        raise StrataError(f"{where}: has {', '.join(sources)}, but nothing to train on: name that part 'train'")
    if TEST in names:
        notes = [f"left out: '{names[VALIDATION]}', the validation data"] if VALIDATION in names else []
        return {part: sources[names[part]] for part in (TRAIN, TEST)}, notes
    if VALIDATION in names:
        note = f"no test data: '{names[VALIDATION]}', the validation data, are used to test"
        return {TRAIN: sources[names[TRAIN]], TEST: sources[names[VALIDATION]]}, [note]
    note = f"no test data: dataset.test_share of each class of '{names[TRAIN]}' is used to test"
    return {WHOLE: sources[names[TRAIN]]}, [note]
