"""Download: a data set as four decompressed IDX files and dataset.json.

python -m stages.download --out data/raw
"""

from collections.abc import Sequence
from pathlib import Path

from strata.checksum import sha256_of
from strata.console import say
from strata.datasets.acquire import acquire
from strata.datasets.catalogue import CATALOGUE, IDX_FILES, IMAGE_FILES, LABEL_FILES, CatalogueEntry
from strata.datasets.description import describe, write_description
from strata.datasets.idx import write_idx
from strata.datasets.mnist_5k import TEST_IMAGES_PER_CLASS, packaged_digits, stratified_split
from strata.datasets.published import published
from strata.entry import run_stage, stage_parser
from strata.errors import StrataError
from strata.params.dataset import DatasetParams
from strata.params.download import DownloadParams
from strata.params.section import load_section


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    options = parser.parse_args(arguments)
    dataset = load_section(options.params, "dataset", DatasetParams)
    patience = load_section(options.params, "download", DownloadParams)
    entry = CATALOGUE[dataset.name]

    options.out.mkdir(parents=True, exist_ok=True)
    if dataset.name == "mnist-5k":
        write_packaged(options.out, entry)
    else:
        known = published(dataset.name)
        acquire(entry, [*dataset.mirrors, *known.addresses], known.md5, options.out, patience)

    description = describe(options.out, entry)
    write_description(options.out, description)
    say(f"download: {entry.name}, {description.counts['train']} training and {description.counts['test']} test images")


def write_packaged(folder: Path, entry: CatalogueEntry) -> None:
    parts = stratified_split(*packaged_digits(), TEST_IMAGES_PER_CLASS)
    for split, (images, labels) in zip(("train", "test"), parts, strict=True):
        write_idx(folder / IMAGE_FILES[split], images)
        write_idx(folder / LABEL_FILES[split], labels)
    for name in IDX_FILES:
        if sha256_of(folder / name) != entry.sha256[name]:
            raise StrataError(f"{name} of {entry.name} is not the known one; reinstall with `make clean-venv repro`")


if __name__ == "__main__":
    run_stage(main)
