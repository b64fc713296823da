"""Arrays that somebody gives, as a data set in the files that stage download writes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strata.core.errors import StrataError
from strata.dataset.batches import Collected, input_kind
from strata.dataset.description import (
    GIVEN,
    INPUT_FILES,
    LABEL_FILES,
    MASK_FILES,
    PICTURES,
    TARGET_FILES,
    CatalogueEntry,
    Targets,
    describe,
    write_description,
)
from strata.dataset.idx import write_idx
from strata.sources.targets import checked_labels, checked_targets, kind_of


@dataclass(frozen=True)
class RawData:
    """A data set, and the files of its parts: name -> content."""

    entry: CatalogueEntry
    files: dict[str, NDArray[Any]]
    training: bool


def described_data(
    test: Collected,
    train: Collected | None,
    outputs: int | None,
    names: Sequence[str] | None,
    pictures: NDArray[np.uint8] | None = None,
) -> RawData:
    """Return batches as a data set; `outputs` is how many classes the model tells apart, and `names` theirs, if known.

    `pictures` uint8 (n, h, w) or (n, h, w, 3) show the test samples.

    Raises StrataError if test and training samples, labels and names do not fit together.
    """
    parts = {"test": test} if train is None else {"train": train, "test": test}
    kind = input_kind(test.inputs)
    forms = {(input_kind(part.inputs), part.inputs.shape[1:], part.mask is None) for part in parts.values()}
    if len(forms) > 1:
        raise StrataError("train: its inputs are of another kind or size than those of the batches")
    labelled = {part: each.labels for part, each in parts.items() if each.labels is not None}
    if train is not None and len(labelled) == 1:
        raise StrataError(f"only the {next(iter(labelled))} batches have labels: give them to both, or to none")
    if train is not None and not labelled:
        raise StrataError("train: probes learn from labels, and there are none: leave it out, or pass train_labels")
    targets: Targets = kind_of(labelled, None, "labels") if labelled else "none"
    known = names
    files: dict[str, NDArray[Any]] = {}
    target_names: tuple[str, ...] = ()
    for part, each in parts.items():
        files[INPUT_FILES[part]] = each.inputs.astype(np.int32 if kind == "tokens" else np.float32)
        if each.mask is not None:
            files[MASK_FILES[part]] = each.mask.astype(np.uint8)
    if targets == "classes":
        found = {part: checked_labels(values, "labels: ") for part, values in labelled.items()}
        count = max(outputs or 0, 2, *(int(values.max()) + 1 for values in found.values()))
        known = list(names) if names is not None else [str(place) for place in range(count)]
        if len(known) < count:
            raise StrataError(f"classes: {len(known)} names, but there are {count} classes: name all")
        wide = np.int32 if len(known) > np.iinfo(np.uint8).max + 1 else np.uint8
        files |= {LABEL_FILES[part]: values.astype(wide) for part, values in found.items()}
    elif targets != "none":
        columns, target_names = checked_targets(labelled, targets, names, "labels")
        files |= {TARGET_FILES[part]: values for part, values in columns.items()}
    entry = CatalogueEntry(
        name="own data",
        source=GIVEN,
        classes=tuple(known or ()) if targets == "classes" else (),
        citation="none",
        licence="its owner's",
        sha256={},
        targets=targets,
        target_names=target_names,
        inputs=kind,
        masked=test.mask is not None,
        pictures=pictures is not None,
    )
    if pictures is not None:
        files[PICTURES] = pictures
    return RawData(entry, files, training=train is not None)


def write_raw(folder: Path, data: RawData) -> None:
    """Write a data set as stage download would."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in data.files.items():
        write_idx(folder / name, content)
    description = describe(folder, data.entry, training=data.training)
    sums = "".join(description.sha256[name] for name in sorted(description.sha256))
    source = hashlib.sha256(sums.encode("ascii")).hexdigest()
    write_description(folder, description.model_copy(update={"source_sha256": source}))
