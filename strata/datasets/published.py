"""Where the known data sets are published, and the MD5 of their compressed files: torchvision's own list."""

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Published:
    """The addresses of a data set's folders, and file name (without `.gz`) -> MD5 of the `.gz` file."""

    addresses: tuple[str, ...]
    md5: dict[str, str]


@cache
def published(name: str) -> Published:
    """Return torchvision's addresses and checksums of `mnist`, `fashion-mnist` or `kmnist` (KeyError otherwise)."""
    # Imported here because it takes seconds, and a data set that is at hand does not need it.
    from torchvision.datasets import KMNIST, MNIST, FashionMNIST

    listed = {"mnist": MNIST, "fashion-mnist": FashionMNIST, "kmnist": KMNIST}[name]
    md5 = {file.removesuffix(".gz"): checksum for file, checksum in listed.resources}
    return Published(tuple(listed.mirrors), md5)
