"""Fixtures that many tests share: tiny data, parameters for it, and a folder where the stages before have run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.datasets.catalogue import CATALOGUE, IMAGE_FILES, LABEL_FILES
from strata.datasets.description import describe, write_description
from strata.datasets.idx import write_idx
from tests.tiny_pipeline import COUNTS, TINY_PARAMS, run_extract, run_train, tiny_images

WriteParams = Callable[..., Path]


@pytest.fixture
def write_params(tmp_path: Path) -> WriteParams:
    """A function that writes TINY_PARAMS with changes, `write_params(train={"epochs": 1})`, and returns the path."""

    def write(**changes: Any) -> Path:
        params = {
            name: {**section, **changes.get(name, {})} if isinstance(section, dict) else changes.get(name, section)
            for name, section in TINY_PARAMS.items()
        }
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(params), encoding="utf-8")
        return path

    return write


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    """A folder as the download stage leaves it, with 60 training and 40 test images of 16 x 16."""
    folder = tmp_path / "raw"
    for split in COUNTS:
        images, labels = tiny_images(split)
        write_idx(folder / IMAGE_FILES[split], images)
        write_idx(folder / LABEL_FILES[split], labels)
    write_description(folder, describe(folder, CATALOGUE["mnist-5k"]))
    return folder


@pytest.fixture
def extracted(tmp_path: Path, tiny_data: Path, write_params: WriteParams) -> Path:
    """A folder with model/, reports/ and activations/ of the tiny data set under TINY_PARAMS."""
    params = write_params()
    run_train(params, tiny_data, tmp_path)
    run_extract(params, tiny_data, tmp_path)
    return tmp_path
