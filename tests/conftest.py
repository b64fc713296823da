"""Fixtures that many tests share: tiny data, parameters for it, and a folder where the stages before have run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata import pool
from strata.datasets.catalogue import CATALOGUE, IMAGE_FILES, LABEL_FILES
from strata.datasets.description import describe, write_description
from strata.datasets.idx import write_idx
from tests.pool_jobs import PoolHere
from tests.small_clone import commit_all, copy_working_tree, run
from tests.tiny_pipeline import (
    COUNTS,
    MEASURED,
    ODD_CLASSES,
    ROOT,
    TINY_PARAMS,
    run_embed,
    run_extract,
    run_measure,
    run_train,
    tiny_images,
)

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
        path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
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


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with params.yaml and data/ of the layers input, h4 and h6. Tests do not change it."""
    folder = tmp_path_factory.mktemp("tiny run")
    raw, data, params = folder / "data/raw", folder / "data", folder / "params.yaml"
    for split in COUNTS:
        images, labels = tiny_images(split)
        write_idx(raw / IMAGE_FILES[split], images)
        write_idx(raw / LABEL_FILES[split], labels)
    write_description(raw, describe(raw, CATALOGUE["mnist-5k"]).model_copy(update={"classes": ODD_CLASSES}))
    measure = {**TINY_PARAMS["measure"], "samples": MEASURED, "half_samples": 2, "stability_perplexities": [3]}
    values = {**TINY_PARAMS, "layers": ["input", "h4", "h6"], "measure": measure}
    params.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "Pool", PoolHere)
        run_train(params, raw, data)
        run_extract(params, raw, data)
        run_embed(params, data)
        run_measure(params, raw, data)
    return folder


@pytest.fixture(scope="session")
def small_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Git repository in a folder with a space and an accent, where a small pipeline has run; tests leave it so."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the Git checkout: this is a copy without .git")
    folder = tmp_path_factory.mktemp("a clöne")
    copy_working_tree(folder)
    run("dvc", "repro", "--quiet", folder=folder)
    commit_all(folder, "small run")
    return folder
