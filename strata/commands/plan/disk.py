"""The free disk where the artifacts lie, and whether DVC's cache needs a second copy of them there."""

import errno
import shutil
import sys
import tempfile
from pathlib import Path

CLONE = 0x40049409  # ioctl FICLONE of Linux: both files share their blocks


def makes_clones(folder: Path) -> bool:
    """Return whether two files can share their blocks in a folder, as DVC's cache does then (`reflink`)."""
    if sys.platform == "darwin":
        return True
    try:
        import fcntl

        with tempfile.TemporaryFile(dir=folder) as first, tempfile.TemporaryFile(dir=folder) as second:
            first.write(b"a")
            first.flush()
            fcntl.ioctl(second.fileno(), CLONE, first.fileno())
    except (ImportError, OSError):
        return False
    return True


def existing_above(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the file system that holds a folder."""
    return shutil.disk_usage(existing_above(folder)).free


def bytes_under(folder: Path) -> int:
    """Return the bytes of all files in a folder; 0 if there is none. DVC removes them before a stage runs."""
    try:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError as error:  # removed meanwhile
        if error.errno != errno.ENOENT:
            raise
        return 0
