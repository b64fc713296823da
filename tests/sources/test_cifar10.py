"""CIFAR-10: the archive's bytes as images, from a folder or an address, and what is wrong with others."""

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from strata.core.errors import StrataError
from strata.dataset.description import IMAGE_FILES, LABEL_FILES
from strata.dataset.idx import read_images, read_labels
from strata.sources import cifar10
from strata.sources.cifar10 import ARCHIVE, acquire_cifar10
from strata.sources.params import DownloadParams
from tests.sources.loopback_server import files, serving

PATIENCE = DownloadParams(timeout_seconds=2, attempts=2, backoff_seconds=0)
BATCHES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
FAILED = (
    "no source has a valid cifar-10-binary.tar.gz of cifar-10; add one to dataset.mirrors,"
    " or use -S dataset.name=mnist-5k, which needs no network"
)


def some_records(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 32, 32, 3) and labels."""
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, count, dtype=np.uint8)


def record_bytes(count: int) -> bytes:
    """Return records by the format's words: the label, then 1,024 bytes each of red, green and blue, row by row."""
    return b"".join(
        bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))
        for image, label in zip(*some_records(count), strict=True)
    )


def archive_of(content: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, body in content.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return file.getvalue()


WHOLE = {name: record_bytes(number) for number, name in enumerate(BATCHES, start=2)}


@pytest.fixture
def known(monkeypatch):
    """A function that makes an archive's bytes the known ones; no test asks the published address."""
    monkeypatch.setattr(cifar10, "ADDRESS", "/nowhere")

    def make(archive: bytes) -> bytes:
        monkeypatch.setattr(cifar10, "MD5", hashlib.md5(archive, usedforsecurity=False).hexdigest())
        return archive

    return make


def check_written(folder: Path) -> None:
    pairs = [some_records(number) for number in range(2, 7)]
    for kind, read, names in ((0, read_images, IMAGE_FILES), (1, read_labels, LABEL_FILES)):
        train = np.concatenate([pair[kind] for pair in pairs])
        np.testing.assert_array_equal(read(folder / names["train"]), train, strict=True)
        np.testing.assert_array_equal(read(folder / names["test"]), some_records(7)[kind], strict=True)
    assert {path.name for path in folder.iterdir()} == {*IMAGE_FILES.values(), *LABEL_FILES.values()}


def test_the_published_archive_is_that_of_the_catalogue():
    assert cifar10.MD5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert f"{cifar10.ADDRESS}/{ARCHIVE}" == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"


def test_it_comes_from_a_folder(known, tmp_path, capsys):
    (tmp_path / ARCHIVE).write_bytes(known(archive_of(WHOLE)))
    acquire_cifar10(["/none", str(tmp_path)], tmp_path / "raw", PATIENCE)
    check_written(tmp_path / "raw")
    assert capsys.readouterr().err.splitlines() == [
        f"download: /none: {ARCHIVE}: no such file or folder",
        f"download: {ARCHIVE} from {tmp_path}",
    ]


def test_it_comes_from_an_address_and_the_archive_is_not_kept(known, tmp_path):
    (tmp_path / "raw").mkdir()
    with serving(files({ARCHIVE: known(archive_of(WHOLE))})) as server:
        acquire_cifar10([f"{server.address}/some/"], tmp_path / "raw", PATIENCE)
        assert [seen.path for seen in server.seen] == [f"/some/{ARCHIVE}"]
    check_written(tmp_path / "raw")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            archive_of({**WHOLE, "data_batch_3.bin": b"x" * 3074}),
            "data_batch_3.bin does not consist of records of 3,073 bytes",
        ),
        (archive_of({**WHOLE, "test_batch.bin": b""}), "test_batch.bin does not consist of records of 3,073 bytes"),
        (archive_of({"data_batch_1.bin": record_bytes(2)}), "the archive has no cifar-10-batches-bin/data_batch_2.bin"),
        (archive_of(WHOLE)[:-4000], "the archive is damaged ("),
        (b"text", "the archive is damaged ("),
    ],
)
def test_a_damaged_archive_is_told(content, reason, known, tmp_path, capsys):
    (tmp_path / ARCHIVE).write_bytes(known(content))
    with pytest.raises(StrataError) as caught:
        acquire_cifar10([str(tmp_path)], tmp_path / "raw", PATIENCE)
    assert str(caught.value) == FAILED
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(f"download: {tmp_path}: {ARCHIVE}: ")
    assert reason in first
    assert not (tmp_path / "raw").exists()


@pytest.mark.usefixtures("known")
def test_another_archive_is_refused_by_its_checksum(tmp_path, capsys):
    archive = archive_of(WHOLE)
    (tmp_path / ARCHIVE).write_bytes(archive)
    with pytest.raises(StrataError, match=r"^no source has a valid"):
        acquire_cifar10([str(tmp_path)], tmp_path / "raw", PATIENCE)
    found = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    assert f"wrong checksum: MD5 is {found}, should be {cifar10.MD5}" in capsys.readouterr().err
