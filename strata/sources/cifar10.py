"""CIFAR-10 from its binary version: records of one label and 3,072 bytes (red, green, blue) in a tar archive.

Format: https://www.cs.toronto.edu/~kriz/cifar.html. The Python version, which torchvision reads, consists of pickles.
"""

import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import md5_of, path_of
from strata.dataset.description import IMAGE_FILES, LABEL_FILES
from strata.dataset.idx import write_idx
from strata.sources.params import DownloadParams
from strata.sources.transfer import SourceError, fetch

ADDRESS = "https://www.cs.toronto.edu/~kriz"
ARCHIVE = "cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
LIMIT = 256 << 20  # bytes; the archive has 170 million
FOLDER = "cifar-10-batches-bin"
MEMBERS = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE


def acquire_cifar10(sources: Iterable[str], folder: Path, patience: DownloadParams) -> None:
    """Write CIFAR-10 as four IDX files to `folder`, from the first source (address or folder) with the known archive.

    Prints a line for each source that fails. Raises StrataError when none is left.
    """
    packed = folder / f".{ARCHIVE}.download.part"
    for source in [*sources, ADDRESS]:
        try:
            archive = path_of(source) / ARCHIVE
            if "://" in source:
                archive = packed
                fetch(f"{source.rstrip('/')}/{ARCHIVE}", packed, LIMIT, patience)
            elif not archive.is_file():
                raise SourceError("no such file or folder")
            if (checksum := md5_of(archive)) != MD5:
                raise SourceError(f"wrong checksum: MD5 is {checksum}, should be {MD5}")
            _unpack(archive, folder)
        except SourceError as error:
            say(f"download: {source}: {ARCHIVE}: {error}")
            continue
        finally:
            packed.unlink(missing_ok=True)
        say(f"download: {ARCHIVE} from {source}")
        return
    raise StrataError(
        f"no source has a valid {ARCHIVE} of cifar-10; add one to dataset.mirrors,"
        " or use -S dataset.name=mnist-5k, which needs no network"
    )


def _unpack(archive: Path, folder: Path) -> None:
    """Write the four files; the archive is not unpacked to disk."""
    records: dict[str, NDArray[np.uint8]] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for split, names in MEMBERS.items():
                records[split] = np.concatenate([_records(tar, f"{FOLDER}/{name}") for name in names])
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SourceError(f"the archive is damaged ({error})") from None
    for split, rows in records.items():
        planes = rows[:, 1:].reshape(-1, 3, SIDE, SIDE)
        write_idx(folder / IMAGE_FILES[split], planes.transpose(0, 2, 3, 1))
        write_idx(folder / LABEL_FILES[split], rows[:, 0])


def _records(tar: tarfile.TarFile, name: str) -> NDArray[np.uint8]:
    try:
        member = tar.getmember(name)
    except KeyError:
        raise SourceError(f"the archive has no {name}") from None
    file = tar.extractfile(member) if member.isfile() else None
    if file is None or not member.size or member.size % RECORD:
        raise SourceError(f"{name} does not consist of records of {RECORD:,} bytes")
    return np.frombuffer(file.read(), dtype=np.uint8).reshape(-1, RECORD)
