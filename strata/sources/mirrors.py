"""Download a data set's four IDX files into a folder, each from the first source that has it intact."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from strata.core.console import say
from strata.core.errors import StrataError, listed
from strata.core.files import path_of, whole_file
from strata.dataset.description import IDX_FILES, CatalogueEntry
from strata.dataset.idx import check_idx
from strata.sources.compression import decompressed_pieces
from strata.sources.params import DownloadParams
from strata.sources.transfer import MissingFileError, SourceError, fetch

SUFFIXES = (".gz", "", ".xz", ".bz2")
LIMIT = 64 << 20  # bytes per file, compressed or not; MNIST's largest has 47 million


def acquire(
    entry: CatalogueEntry,
    sources: Iterable[str],
    md5: Callable[[str], str | None],
    folder: Path,
    patience: DownloadParams,
) -> None:
    """Write the four files of a data set to `folder`, asking the sources (addresses or folders) in turn.

    A file is accepted if its decompressed bytes have the catalogue's SHA-256, or its compressed bytes the MD5 that
    `md5` returns for its name. `md5` is called only if the SHA-256 differs or is unknown. Prints a line for each source
    that fails. Raises StrataError when none is left; no file is then half-written.
    """
    wanted = dict(IDX_FILES)
    for source in sources:
        for name in list(wanted):
            try:
                _acquire_file(source, name, entry.sha256.get(name), md5, folder, patience)
            except SourceError as error:
                say(f"download: {source}: {name}: {error}")
                break  # the next source
            say(f"download: {name} from {source}")
            del wanted[name]
        if not wanted:
            return
    raise StrataError(
        f"no source has a valid {listed(wanted, 40)} of {entry.name}; add one to dataset.mirrors,"
        " or use -S dataset.name=mnist-5k, which needs no network"
    )


def _acquire_file(
    source: str,
    name: str,
    sha256: str | None,
    md5: Callable[[str], str | None],
    folder: Path,
    patience: DownloadParams,
) -> None:
    packed = folder / f".{name}.download.part"
    for suffix in SUFFIXES:
        try:
            if "://" in source:
                fetch(f"{source.rstrip('/')}/{name}{suffix}", packed, LIMIT, patience)
                _unpack(packed, name, sha256, md5, folder)
            else:
                _unpack(_local_file(source, name + suffix), name, sha256, md5, folder)
            return
        except MissingFileError as error:
            missing = error
        finally:
            packed.unlink(missing_ok=True)
    raise SourceError(f"{missing}, with {', '.join(s or 'no suffix' for s in SUFFIXES)}")


def _local_file(source: str, name: str) -> Path:
    folder = path_of(source)
    if not folder.is_dir():
        raise SourceError("no such folder")
    path = folder / name
    if not path.is_file():
        raise MissingFileError("no such file")
    return path


def _unpack(packed: Path, name: str, sha256: str | None, md5: Callable[[str], str | None], folder: Path) -> None:
    content = hashlib.sha256()
    try:
        with whole_file(folder / name) as part:
            with part.open("wb") as file:
                for piece in decompressed_pieces(packed, LIMIT):
                    content.update(piece)
                    file.write(piece)
            check_idx(part, IDX_FILES[name])
            if content.hexdigest() != sha256 and ((expected := md5(name)) is None or _md5_of(packed) != expected):
                reason = f"the MD5 of the compressed file is not {expected}"
                if sha256:
                    reason = f"SHA-256 is {content.hexdigest()}, should be {sha256}"
                raise ValueError(f"wrong checksum: {reason}")
    except ValueError as error:
        raise SourceError(str(error)) from None


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
