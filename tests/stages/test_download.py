"""The download stage: four files and dataset.json, or one line that says why not."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages import download
from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.core.stage import run_stage
from strata.dataset.description import (
    IDX_FILES,
    IMAGE_FILES,
    LABEL_FILES,
    CatalogueEntry,
    load_images,
    read_description,
)
from strata.dataset.idx import write_idx
from strata.sources.catalogue import CATALOGUE, Published
from tests.sources.loopback_server import serving, status
from tests.tiny_pipeline import COUNTS, tiny_images

ALL_FILES = sorted([*IDX_FILES, "dataset.json"])


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of gzip files of the tiny images, which the catalogue then takes for Fashion-MNIST."""
    folder, checksums = tmp_path / "mirror", {}
    for split in COUNTS:
        images, labels = tiny_images(split)
        for name, content in ((IMAGE_FILES[split], images), (LABEL_FILES[split], labels)):
            write_idx(folder / name, content)
            checksums[name] = sha256_of(folder / name)
            (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
            (folder / name).unlink()
    entry = CatalogueEntry("fashion-mnist", "a test", tuple("abcdefghij"), "nobody", "none", checksums)
    monkeypatch.setitem(CATALOGUE, "fashion-mnist", entry)
    monkeypatch.setattr(download, "published", lambda _: Published((), {}))
    return folder


def run(params: Path, out: Path) -> None:
    download.main(["--params", str(params), "--out", str(out)])


def last_words(run_it: Callable[[], None]) -> str:
    """Return what a stage that fails ends with: one line for a person."""
    with pytest.raises(SystemExit) as caught:
        run_stage(run_it)
    message = str(caught.value.code)
    assert len(message.splitlines()) == 1
    return message


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_mnist_5k_needs_no_network_and_is_described(tmp_path, write_params, capsys, monkeypatch):
    monkeypatch.setattr("requests.get", lambda *_, **__: pytest.fail("asked the network"))
    run(write_params(), tmp_path / "data" / "raw")
    assert names(tmp_path / "data" / "raw") == ALL_FILES
    description = read_description(tmp_path / "data" / "raw")
    assert description.counts == {"train": 4000, "test": 1000}
    assert description.image_shape == [1, 28, 28]
    assert (description.mean, description.std) == (0.1307, 0.3081)
    assert description.sha256 == CATALOGUE["mnist-5k"].sha256
    assert np.bincount(load_images(tmp_path / "data" / "raw", "test").labels).tolist() == [100] * 10
    assert capsys.readouterr().err == "download: mnist-5k, 4000 training and 1000 test images\n"


def test_other_packaged_digits_than_the_known_are_refused(tmp_path, write_params, monkeypatch):
    digits = np.zeros((1010, 28, 28), np.uint8), np.repeat(np.arange(10, dtype=np.uint8), 101)
    monkeypatch.setattr(download, "packaged_digits", lambda: digits)
    expected = "^train-images-idx3-ubyte of mnist-5k has the wrong checksum; reinstall with `make clean-venv repro`$"
    with pytest.raises(StrataError, match=expected):
        run(write_params(), tmp_path / "raw")
    assert names(tmp_path / "raw") == sorted(IDX_FILES)


def test_fashion_mnist_comes_from_a_folder_and_is_described(tmp_path, write_params, mirror, capsys):
    params = write_params(dataset={"name": "fashion-mnist", "mirrors": [str(mirror)]})
    run(params, tmp_path / "raw")
    assert names(tmp_path / "raw") == ALL_FILES
    description = read_description(tmp_path / "raw")
    images, _ = tiny_images("train")
    assert description.counts == COUNTS
    assert description.classes == list("abcdefghij")
    assert description.mean == round(float((images / 255).mean()), 4)
    np.testing.assert_array_equal(load_images(tmp_path / "raw", "train").images, images)
    assert capsys.readouterr().err.splitlines() == [
        *[f"download: {name} from {mirror}" for name in IDX_FILES],
        "download: fashion-mnist, 60 training and 40 test images",
    ]


def test_a_mirror_that_has_all_needs_no_published_list(tmp_path, write_params, mirror, monkeypatch):
    monkeypatch.setattr(download, "published", lambda _: pytest.fail("torchvision was asked"))
    run(write_params(dataset={"name": "fashion-mnist", "mirrors": [str(mirror)]}), tmp_path / "raw")
    assert names(tmp_path / "raw") == ALL_FILES


def test_the_mirrors_are_asked_before_the_published_places(tmp_path, write_params, mirror, capsys, monkeypatch):
    monkeypatch.setattr(download, "published", lambda _: Published((str(mirror),), {}))
    run(write_params(dataset={"name": "fashion-mnist", "mirrors": ["/nowhere"]}), tmp_path / "raw")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "download: /nowhere: train-images-idx3-ubyte: no such folder"
    assert lines[1] == f"download: train-images-idx3-ubyte from {mirror}"


def test_shuffled_labels_are_those_of_the_training_images_only_and_told(tmp_path, write_params, mirror, capsys):
    given = {"name": "fashion-mnist", "mirrors": [str(mirror)]}
    run(write_params(dataset=given), tmp_path / "true")
    for seed in (0, 1):
        run(write_params(dataset={**given, "shuffle_labels": True}, seed=seed), tmp_path / str(seed))
    assert capsys.readouterr().err.endswith("60 training and 40 test images, training labels shuffled\n")
    true, first, second = (load_images(tmp_path / name, "train") for name in ("true", "0", "1"))
    np.testing.assert_array_equal(first.images, true.images)
    assert np.bincount(first.labels).tolist() == np.bincount(true.labels).tolist()
    assert len({each.labels.tobytes() for each in (true, first, second)}) == 3
    np.testing.assert_array_equal(
        load_images(tmp_path / "0", "test").labels, load_images(tmp_path / "true", "test").labels
    )
    assert [read_description(tmp_path / name).shuffled_labels_seed for name in ("true", "0", "1")] == [None, 0, 1]


def test_cifar_10_is_described_in_colour(tmp_path, write_params, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)

    def acquired(mirrors, folder, _):
        assert mirrors == ["/a mirror"]
        for split in COUNTS:
            write_idx(folder / IMAGE_FILES[split], images)
            write_idx(folder / LABEL_FILES[split], np.arange(6, dtype=np.uint8))

    monkeypatch.setattr(download, "acquire_cifar10", acquired)
    run(write_params(dataset={"name": "cifar-10", "mirrors": ["/a mirror"]}), tmp_path / "raw")
    description = read_description(tmp_path / "raw")
    assert description.image_shape == [3, 32, 32]
    assert description.classes[0] == "airplane"


def test_own_data_is_described_and_a_fault_in_it_is_one_line(tmp_path, write_params):
    images, labels = tiny_images("train")
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    params = write_params(dataset={"name": str(tmp_path / "mine.npz"), "test_share": 0.5})
    run(params, tmp_path / "raw")
    content = json.loads((tmp_path / "raw/dataset.json").read_text(encoding="utf-8"))
    assert {name: content[name] for name in ("name", "source", "counts", "citation", "licence", "source_sha256")} == {
        "name": "mine",
        "source": "a file of your own; no test data: 50% of each class were chosen to test, by seed 0",
        "counts": {"train": 30, "test": 30},
        "citation": "not stated",
        "licence": "not stated",
        "source_sha256": sha256_of(tmp_path / "mine.npz"),
    }
    np.savez(tmp_path / "mine.npz", images=images, labels=labels * 0)
    said = last_words(lambda: run(params, tmp_path / "again"))
    assert said == f"error: {tmp_path / 'mine.npz'}: a single class, '0': at least 2 are needed"
    assert names(tmp_path / "again") == []


def test_an_unknown_data_set_is_one_line(tmp_path, write_params):
    params = write_params(dataset={"name": "mnist5k"})
    assert last_words(lambda: run(params, tmp_path / "raw")) == (
        f"error: {params}: dataset.name: should be mnist-5k, mnist, fashion-mnist, kmnist, cifar-10, or a path:"
        " with a slash (./mnist5k), or to an .npz, .npy, .csv or .parquet file (got 'mnist5k')"
    )
    assert not (tmp_path / "raw").exists()


@pytest.mark.usefixtures("mirror")
def test_when_all_sources_fail_the_stage_ends_with_one_line_and_no_description(tmp_path, write_params, capsys):
    with serving(status(503)) as server:
        params = write_params(dataset={"name": "fashion-mnist", "mirrors": ["/nowhere", server.address]})
        said = last_words(lambda: run(params, tmp_path / "raw"))
    assert said == (
        "error: no source has a valid train-images-idx3-ubyte and 3 more of fashion-mnist; add one to dataset.mirrors,"
        " or use -S dataset.name=mnist-5k, which needs no network"
    )
    assert capsys.readouterr().err.splitlines() == [
        "download: /nowhere: train-images-idx3-ubyte: no such folder",
        f"download: {server.address}: train-images-idx3-ubyte: HTTP 503 Service Unavailable",
    ]
    assert names(tmp_path / "raw") == []
