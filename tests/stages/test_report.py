"""The report stage on tiny data."""

import json
import shutil

import pytest

from stages import report
from strata.errors import StrataError
from tests.tiny_pipeline import run_embed, run_measure


def run_report(params, data, out) -> None:
    reports = out / "reports"
    report.main(
        [
            *("--params", str(params), "--data", str(data), "--model", str(out / "model/mnist_cnn.pt")),
            *("--activations", str(out / "activations"), "--embeddings", str(out / "embeddings")),
            *("--training", str(reports / "training.json"), "--curve", str(reports / "learning_curve.csv")),
            *("--epochs", str(reports / "epochs.csv"), "--summary", str(reports / "network.txt")),
            *("--measures", str(out / "measures"), "--table", str(reports / "measures.csv")),
            *("--cka", str(reports / "cka.csv"), "--dimension", str(reports / "intrinsic_dimension.csv")),
            *("--stability", str(reports / "stability.csv"), "--pairs", str(reports / "class_pairs.csv")),
            *("--figures", str(reports / "figures"), "--page", str(reports / "index.html")),
        ]
    )


def test_all_figures_in_both_forms_and_the_page(extracted, tiny_data, write_params):
    params = write_params(layers=["input", "h1", "h6"])
    run_embed(params, extracted)
    run_measure(params, tiny_data, extracted)
    run_report(params, tiny_data, extracted)
    names = {path.name for path in (extracted / "reports/figures").iterdir()}
    stems = ["maps", "map_input", "map_h1", "map_h6", "learning_curve", "confusion", "misclassified", "sample_output"]
    stems += ["measures", "cka", "intrinsic_dimension", "perplexity_grid", "late_deciders"]
    assert names == {f"{stem}.{suffix}" for stem in [*stems, "features_h1"] for suffix in ("png", "svg")}
    page = (extracted / "reports/index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == len(stems) + 1
    accuracy = json.loads((extracted / "reports/training.json").read_text())["test_accuracy"]
    assert f"<td>{accuracy:.2%}</td>" in page
    assert str(extracted) not in page

    # A sample that is not there, and artifacts that do not belong together.
    with pytest.raises(StrataError, match=r"report\.sample_id 40 is not among the 40 samples of extract\.split test"):
        run_report(write_params(layers=["input"], report={"sample_id": 40}), tiny_data, extracted)
    shutil.copy(extracted / "embeddings/h6.parquet", extracted / "embeddings/input.parquet")
    (extracted / "model/mnist_cnn.pt").write_bytes(b"another model")
    with pytest.raises(StrataError, match="do not belong together: their model_sha256 differ"):
        run_report(params, tiny_data, extracted)
