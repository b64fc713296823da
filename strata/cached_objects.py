"""DVC's cache: are the bytes that dvc.lock names those that lie there? DVC itself trusts write-protected files."""

import json
from collections.abc import Mapping
from pathlib import Path

from strata.checksum import md5_of
from strata.lock_file import LockedStage


def cached(repository: Path, md5: str) -> Path:
    """Return where DVC's cache keeps the object of a hash."""
    return repository / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def damaged_objects(repository: Path, stages: Mapping[str, LockedStage]) -> list[str]:
    """Return a line for every artifact of dvc.lock whose bytes in the cache are others than its hash says.

    What is not in the cache is not damaged: it is in Git, or elsewhere.
    """
    lines = []
    for name, stage in stages.items():
        for path, md5 in files_of(repository, stage.outs).items():
            found = cached(repository, md5)
            if found.is_file() and md5_of(found) != md5.removesuffix(".dir"):
                where = found.relative_to(repository)
                lines.append(f"{name}: {path} is damaged in DVC's cache; delete {where}, then `dvc repro -f {name}`")
    return lines


def files_of(repository: Path, outs: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of artifacts, and of every file of those that are folders whose listing is in the cache."""
    files = dict(outs)
    for path, md5 in outs.items():
        listing = cached(repository, md5)
        if md5.endswith(".dir") and listing.is_file() and md5_of(listing) == md5.removesuffix(".dir"):
            entries = json.loads(listing.read_text(encoding="utf-8"))
            files |= {f"{path}/{entry['relpath']}": entry["md5"] for entry in entries}
    return files
