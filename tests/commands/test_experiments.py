"""The table of experiments: what was changed, what came out, in 100 columns; from records as DVC gives them."""

import json

import pytest

from strata.commands.experiment_list import Baseline, Run, read_experiments
from strata.commands.experiments import LEGEND, WIDTH, changed, figures, table
from strata.core.errors import StrataError

PARAMS = {
    "seed": 0,
    "layers": ["input", "h6"],
    "network": {"target": "networks.mnist_cnn:MnistCnn", "arguments": {"fc1_units": 500, "kernel_size": 5}},
    "train": {"momentum": 0.9, "init_from": None},
}
METRICS = {
    "training.json": {"train_accuracy": 0.9975, "test_accuracy": 0.981},
    "measures.json": {
        "points": 200,
        "late": 15,
        "neighbourhood_hit": {"input": 0.7287, "h6": 0.9285},
        "map_trustworthiness": {"input": 0.9586, "h1": 0.9495, "h6": 0.9956},
    },
}
MAIN = Run("main", params=PARAMS, metrics=METRICS, code={"strata/maps/engines.py": "a", "networks": "b"})


def changed_run(name: str, section: str, **values) -> Run:
    params = {**PARAMS, section: {**PARAMS[section], **values}}
    return Run(name, params=params, metrics=METRICS, code=MAIN.code)


def test_a_line_an_experiment():
    workspace = Run("workspace", params=PARAMS, metrics=METRICS, code=MAIN.code)
    queued = Run("wide", state="queued", params={**PARAMS, "seed": 3})
    lines = table([Baseline(workspace, []), Baseline(MAIN, [changed_run("plain", "train", momentum=0), queued])])
    assert lines == [
        "experiment  test    train  hit          worst map  late  changed",
        "main        0.981   0.998  0.729→0.928  0.950 h1   8%",
        "  plain     0.981   0.998  0.729→0.928  0.950 h1   8%    train.momentum=0",
        "  wide      queued                                       seed=3",
        "",
        *LEGEND,
    ]


def test_the_workspace_is_shown_where_it_differs():
    changed_here = Run("workspace", params={**PARAMS, "seed": 1}, metrics=METRICS, code=MAIN.code)
    other_result = Run("workspace", params=PARAMS, metrics={}, code=MAIN.code)
    assert table([Baseline(changed_here, []), Baseline(MAIN, [])])[1].endswith("seed=1")
    assert table([Baseline(other_result, []), Baseline(MAIN, [])])[1] == "workspace"


def test_other_commits_are_shown_where_experiments_started_from_them():
    older, oldest = Run("1234567", params=PARAMS), Run("89abcde", params=PARAMS)
    lines = table([Baseline(MAIN, []), Baseline(oldest, []), Baseline(older, [Run("old", params=PARAMS)])])
    assert [line.split()[0] for line in lines[1:4] if line] == ["main", "1234567", "old"]


def test_no_line_is_wider_than_the_table():
    arguments = {"hidden": list(range(300, 340))}
    long = changed_run("a-name-that-nobody-would-type-twice", "network", target="networks.mlp:Mlp", arguments=arguments)
    lines = table([Baseline(MAIN, [long])])
    assert max(map(len, lines)) <= WIDTH
    assert "  a-name-that-nobody-wo…  " in lines[2]
    text = "".join(line[lines[0].index("changed") :] for line in lines[2:-3])
    assert text.replace(" ", "") == changed(long, MAIN).replace(" ", "")


@pytest.mark.parametrize(
    ("section", "values", "text"),
    [
        ("train", {"momentum": 0}, "train.momentum=0"),
        ("train", {"init_from": "a: b.pt"}, "train.init_from=a: b.pt"),
        ("network", {"arguments": {"fc1_units": 9, "kernel_size": 5}}, "network.arguments.fc1_units=9"),
        ("network", {"arguments": {"hidden": [9, 8]}}, "network.arguments={hidden: [9, 8]}"),
        ("train", {}, ""),
    ],
)
def test_what_was_changed_is_named_as_it_is_typed(section, values, text):
    assert changed(changed_run("x", section, **values), MAIN) == text


def test_changed_code_is_named_by_file():
    code = {"strata/maps/engines.py": "c", "networks": "b", "strata/new.py": "d"}
    assert changed(Run("x", params=PARAMS, code=code), MAIN) == "strata/maps/engines.py, strata/new.py"
    assert changed(Run("x", params={**PARAMS, "layers": ["h6"]}), MAIN) == "layers=[h6]"  # queued: code is not known


def test_what_is_not_measured_is_empty():
    assert figures(Run("x", metrics={"training.json": {"test_accuracy": 0.5}})) == ("0.500", "", "", "", "")
    assert figures(Run("x", state="failed")) == ("failed", "", "", "", "")


def state(rev: str, name: str | None = None, when: str = "2026-01-01T00:00:00", **more) -> dict:
    """A run as `dvc exp show --json` gives it."""
    data = {
        "timestamp": when,
        "params": {"params.yaml": {"data": PARAMS}},
        "metrics": {f"reports/{file}": {"data": values} for file, values in METRICS.items()},
        "deps": {"strata/maps/engines.py": {"hash": "a"}, "networks": {"hash": "b"}, "data/raw": {"hash": "c"}},
    }
    return {"rev": rev, "name": name, "data": data, "error": None, **more}


def experiment(name: str, progress: str | None, **more) -> dict:
    executor = None if progress is None else {"state": progress}
    return {"name": name, "executor": executor, "revs": [state("f" * 40, name, **more)]}


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """A function that reads a list as if DVC had printed it."""

    def read(states: list[dict], status: int = 0, message: str = "") -> list[Baseline]:
        class Done:
            returncode, stdout, stderr = status, json.dumps(states), message

        monkeypatch.setattr("strata.commands.experiment_list.subprocess.run", lambda *_, **__: Done)
        return read_experiments(tmp_path)

    return read


def test_experiments_are_in_order_of_time_those_not_done_last(listed):
    found = listed(
        [
            state("workspace", experiments=None),
            state(
                "0123456789",
                "main",
                experiments=[
                    experiment("running", "running"),
                    experiment("late", None, when="2026-01-03T00:00:00"),
                    experiment("early", "success", when="2026-01-02T00:00:00"),
                    experiment("running", "queued"),
                ],
            ),
        ]
    )
    assert [baseline.run.name for baseline in found] == ["workspace", "main"]
    assert found[1].run == Run("main", "", "2026-01-01T00:00:00", PARAMS, METRICS, MAIN.code)
    assert [(run.name, run.state) for run in found[1].experiments] == [
        ("early", ""),
        ("late", ""),
        ("running", "running"),
    ]
    # DVC shows the metrics of the commit until it is done.
    assert found[1].experiments[0].metrics == METRICS and found[1].experiments[2].metrics == {}


def test_what_cannot_be_read_and_commits_without_names(listed):
    broken = {"rev": "0123456789", "name": None, "data": None, "error": {"msg": "no dvc.yaml"}, "experiments": None}
    assert listed([broken]) == [Baseline(Run("0123456", "failed"), [])]


def test_dvc_s_own_error_is_one_line(listed):
    with pytest.raises(StrataError, match=r"^dvc exp show: ERROR: not a repository$"):
        listed([], 253, "ERROR: not\n a repository\n")
