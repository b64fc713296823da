"""IDX files under the names that they come with: a dot, torchvision's folders, EMNIST; CIFAR-10's Python version."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from strata.dataset.idx import write_idx
from strata.sources.own_data import bring_own_data
from tests.sources.own_images import SIDE, bars, idx_folder
from tests.sources.reading import fault, read
from tests.sources.test_own_data import params


def emnist(folder: Path, name: str = "emnist-letters", packed: bool = True) -> None:
    """Write four files as EMNIST has them: labels from 1, and rows and columns exchanged."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", 9), ("test", 6)):
        images, labels = bars(count, colour=False, seed=count)
        for kind, content in (("images-idx3", images.swapaxes(1, 2)), ("labels-idx1", (labels + 1).astype(np.uint8))):
            path = folder / f"{name}-{split}-{kind}-ubyte"
            write_idx(path, content)
            if packed:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()


@pytest.mark.parametrize("packed", [True, False])
def test_names_may_have_a_dot(packed, tmp_path):
    expected = read(idx_folder(tmp_path / "dash", 9, 6, packed))
    folder = idx_folder(tmp_path / "dot", 9, 6, packed)
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    data = read(folder)
    assert data.sha256 == expected.sha256
    np.testing.assert_array_equal(data.parts["train"].images, bars(9, False, 9)[0], strict=True)
    np.testing.assert_array_equal(data.parts["test"].labels, bars(6, False, 6)[1])


@pytest.mark.parametrize("start", ["", "MNIST", "MNIST/raw"])
def test_torchvisions_root_is_read_from_any_of_its_folders(start, tmp_path):
    raw = idx_folder(tmp_path / "MNIST/raw", 9, 6, packed=False)
    for path in list(raw.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    (tmp_path / "MNIST/processed").mkdir()  # older versions write pickles there
    np.testing.assert_array_equal(read(tmp_path / start).parts["train"].images, bars(9, False, 9)[0], strict=True)


def test_a_root_of_several_data_sets_asks_which(tmp_path):
    for name in ("FashionMNIST", "MNIST"):
        idx_folder(tmp_path / name / "raw", 9, 6)
    assert fault(tmp_path) == "x: holds several data sets: FashionMNIST, MNIST; choose one: dataset.name=x/FashionMNIST"


@pytest.mark.parametrize("mapped", [True, False])
def test_emnist_is_turned_upright_and_its_classes_named(mapped, tmp_path):
    emnist(tmp_path / "EMNIST/raw")
    if mapped:
        text = "1 65 97\n2 66 98 \n3 67 99\n"
        (tmp_path / "EMNIST/raw/emnist-letters-mapping.txt").write_text(text, encoding="ascii")
    data = read(tmp_path)
    np.testing.assert_array_equal(data.parts["train"].images, bars(9, False, 9)[0])
    np.testing.assert_array_equal(data.parts["train"].labels, bars(9, False, 9)[1])
    assert data.classes == (("Aa", "Bb", "Cc") if mapped else ("1", "2", "3"))
    assert data.notes == (
        "EMNIST's images are stored with rows and columns exchanged: they were turned upright",
        f"labels start at 1, which is class '{data.classes[0]}'",
    )


def test_renamed_emnist_keeps_its_numbers_and_stays_as_it_is(tmp_path):
    emnist(tmp_path, "x")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.removeprefix("x-").replace("test", "t10k")))
    data = read(tmp_path)
    np.testing.assert_array_equal(data.parts["train"].images, bars(9, False, 9)[0].swapaxes(1, 2))
    np.testing.assert_array_equal(data.parts["train"].labels, bars(9, False, 9)[1])
    assert data.classes == ("1", "2", "3")


def test_several_sets_or_a_missing_file_or_mapping_are_one_line(tmp_path):
    emnist(tmp_path / "a")
    emnist(tmp_path / "a", "emnist-digits")
    assert fault(tmp_path / "a") == (
        "x: holds 2 sets of IDX files; put one into a folder of its own: mkdir emnist-letters;"
        " mv emnist-letters-* emnist-letters/"
    )
    emnist(tmp_path / "b")
    (tmp_path / "b/emnist-letters-test-labels-idx1-ubyte.gz").unlink()
    name = "emnist-letters-test-labels-idx1-ubyte"
    assert fault(tmp_path / "b") == f"x: {name} is missing, and so is {name}.gz"
    emnist(tmp_path / "c")
    for text in ("1 A", "1 99999999999", "\n", "1 -5"):
        (tmp_path / "c/emnist-letters-mapping.txt").write_text(text, encoding="ascii")
        assert fault(tmp_path / "c") == (
            "x/emnist-letters-mapping.txt: a line is not a label and codes of characters, such as `1 65 97`"
        )


def test_what_was_decided_is_said_and_stays_with_the_data(tmp_path, capsys):
    emnist(tmp_path / "mine")
    entry, _ = bring_own_data(tmp_path / "mine", params(), 0, tmp_path / "out")
    notes = [
        "EMNIST's images are stored with rows and columns exchanged: they were turned upright",
        "labels start at 1, which is class '1'",
    ]
    assert entry.source == "; ".join(["a folder of your own", *notes])
    assert capsys.readouterr().err.splitlines() == [f"download: {tmp_path / 'mine'}: {note}" for note in notes]


def short_text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode("ascii")


def batch(images: np.ndarray, labels: np.ndarray, name: str) -> bytes:
    """A batch as Python 2 pickled it: labels before the array, whose bytes are a text, and names of files after it."""
    planes = images.transpose(0, 3, 1, 2).tobytes()
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87R"
    array += b"(K\x01K" + bytes([len(images)]) + b"M\x00\x0c\x86cnumpy\ndtype\n" + short_text("u1") + b"K\x00K\x01\x87R"
    array += b"(K\x03" + short_text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
    array += struct.pack("<I", len(planes)) + planes + b"tb"
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    files = short_text("filenames") + b"](" + b"".join(short_text(f"a_s_{label:06}.png") for label in labels) + b"e"
    content = short_text("batch_label") + short_text(name) + short_text("labels") + b"](" + numbers + b"e"
    return b"\x80\x02}q\x01(" + content + short_text("data") + array + files + b"u."


def cifar(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write six batches of ten images; return images and labels of those to train on."""
    rng, parts = np.random.default_rng(0), []
    folder.mkdir(parents=True)
    for name in ("test_batch", *(f"data_batch_{number}" for number in range(1, 6))):
        parts.append((rng.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8), rng.permutation(10)))
        (folder / name).write_bytes(batch(*parts[-1], name))
    (folder / "batches.meta").write_bytes(b"\x80\x02}.")
    return tuple(np.concatenate(arrays) for arrays in zip(*parts[1:], strict=True))


def test_the_batch_of_this_test_is_a_pickle_of_python_2():
    """Its opcodes are those of the published files; NumPy reads it, so the reader without pickle can be compared."""
    import pickle

    images, labels = bars(3, colour=True)
    images = np.zeros((3, 32, 32, 3), np.uint8) + images[:, :1, :1]
    found = pickle.loads(batch(images, labels, "x"), encoding="latin1")  # noqa: S301 - made above
    np.testing.assert_array_equal(found["data"], images.transpose(0, 3, 1, 2).reshape(3, -1))
    assert found["labels"] == labels.tolist()


@pytest.mark.parametrize("start", ["", "cifar-10-batches-py"])
def test_cifar_10s_python_version_is_read_without_unpickling(start, tmp_path):
    images, labels = cifar(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-python.tar.gz").touch()
    data = read(tmp_path / start)
    np.testing.assert_array_equal(data.parts["train"].images, images, strict=True)
    np.testing.assert_array_equal(data.parts["train"].labels, labels)
    assert len(data.parts["test"].labels) == 10
    assert data.classes[3] == "cat"


def cifar_100(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write CIFAR-100's files, with coarse labels beside the fine ones; return the images and labels to train on."""
    rng, parts = np.random.default_rng(0), {}
    folder.mkdir(parents=True)
    for name in ("train", "test"):
        images, fine = rng.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8), rng.permutation(200) % 100
        parts[name] = images, fine
        content = batch(images, fine, name).replace(short_text("labels"), short_text("fine_labels"))
        coarse = short_text("coarse_labels") + b"](" + b"K\x07" * len(fine) + b"e"
        (folder / name).write_bytes(content.replace(short_text("data"), coarse + short_text("data")))
    names = {"fine": [f"kind{number}" for number in range(100)], "coarse": ["plants", "people"]}
    listed = (
        short_text(f"{kind}_label_names") + b"](" + b"".join(map(short_text, each)) + b"e"
        for kind, each in names.items()
    )
    (folder / "meta").write_bytes(b"\x80\x02}(" + b"".join(listed) + b"u.")
    return parts["train"]


@pytest.mark.parametrize("start", ["", "cifar-100-python"])
def test_cifar_100s_fine_labels_are_the_classes(start, tmp_path):
    import pickle

    folder = tmp_path / "cifar-100-python"
    images, labels = cifar_100(folder)
    found = pickle.loads((folder / "train").read_bytes(), encoding="latin1")  # noqa: S301 - made above
    assert found["fine_labels"] == labels.tolist() and set(found["coarse_labels"]) == {7}
    data = read(tmp_path / start)
    np.testing.assert_array_equal(data.parts["train"].images, images, strict=True)
    np.testing.assert_array_equal(data.parts["train"].labels, labels)
    assert data.classes[42] == "kind42" and len(data.classes) == 100
    assert data.notes == ("left out: the 20 coarse labels; the 100 fine ones are the classes",)
    (folder / "meta").write_bytes(b"\x80\x02}.")
    assert fault(folder) == "x/meta: does not name CIFAR-100's classes; download the archive again"
    cifar_100(tmp_path / "other")
    (tmp_path / "other/test").write_bytes(b"")
    said = "x/test: is not a batch of CIFAR-100's Python version; download the archive again"
    assert fault(tmp_path / "other") == said


def test_idx_files_without_labels_are_images_alone(tmp_path):
    idx_folder(tmp_path, 9, 6)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    assert fault(tmp_path) == "x: train-labels-idx1-ubyte is missing, and so is train-labels-idx1-ubyte.gz"
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    data = read(tmp_path)
    assert (data.targets, data.classes) == ("none", ()) and data.parts["train"].labels is None
    np.testing.assert_array_equal(data.parts["train"].images, bars(9, colour=False, seed=9)[0])


def test_what_is_no_batch_is_one_line_and_runs_nothing(tmp_path):
    folder = tmp_path / "cifar"
    cifar(folder)
    path = folder / "data_batch_2"
    said = "x/data_batch_2: is not a batch of CIFAR-10's Python version; use dataset.name=cifar-10"
    trap = b"cposix\nsystem\n(" + short_text(f"touch {tmp_path}/sprung"[:250]) + b"tR."
    for content in (trap, b"", path.read_bytes()[:900], b"\x80\x02}.", path.read_bytes()[:-200] + b"."):
        path.write_bytes(content)
        assert fault(folder) == said or content.endswith(b".")
    assert not (tmp_path / "sprung").exists()
    path.unlink()
    assert fault(folder) == "x/data_batch_2 is missing; download the archive again, or use dataset.name=cifar-10"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.zip", "is an archive: unpack it, and name the folder"),
        ("a.pkl", "is a pickle, which can run code: where you trust it, np.savez('mine.npz', images=..., labels=...)"),
        ("a.mat", "is Matlab's: read it with scipy.io.loadmat, then np.savez('mine.npz', images=..., labels=...)"),
        ("a.arrow", "is in Arrow's form: dataset.to_parquet('train.parquet')"),
    ],
)
def test_other_forms_are_named_with_what_to_type(name, said, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    assert fault(tmp_path / name) == f"dataset.name: x {said}"
    assert fault(tmp_path) == f"x/{name} {said}"


def test_what_hugging_face_saves_to_disk_is_named(tmp_path):
    for name in ("dataset_dict.json", "train/data-00000-of-00001.arrow", "test/data-00000-of-00001.arrow"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert fault(tmp_path) == "x is in Arrow's form: dataset.to_parquet('train.parquet')"


def test_a_folder_that_only_leads_to_the_data_is_entered(tmp_path):
    idx_folder(tmp_path / "archive/archive", 9, 6)
    assert read(tmp_path).parts["train"].images.shape == (9, SIDE, SIDE)
