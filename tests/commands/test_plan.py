"""The plan: it names what would fail before the run, and what it foretells is what the stages write."""

import os
import re
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from functools import wraps
from pathlib import Path

import psutil
import pytest
import yaml

from stages import measure
from strata.commands.plan import disk, faults, main, trial
from strata.commands.plan.estimate import stage_needs
from strata.commands.plan.needs import StageNeeds
from strata.commands.plan.settings import load_plan_settings
from strata.core.errors import StrataError
from strata.core.limits import MARGIN
from strata.dataset.description import describe, read_description, write_description
from strata.maps.params import EmbedParams
from strata.measures import run_tables
from strata.measures.plan_jobs import run_plan
from strata.sources.catalogue import CATALOGUE
from tests.tiny_pipeline import ROOT, TINY_PARAMS, run_embed, run_extract, run_train

MOST_CHARACTERS = 200
Usage = namedtuple("Usage", "free")
Memory = namedtuple("Memory", "available")


@pytest.fixture
def project(tmp_path, tiny_data) -> Path:
    """A project's folder with the tiny data set in data/raw; nothing has run on it."""
    (tmp_path / "data").mkdir()
    tiny_data.rename(tmp_path / "data/raw")
    return tmp_path


@pytest.fixture
def in_process(monkeypatch):
    """Let the plan try the network and a map here: a new process takes seconds to import what it needs."""
    monkeypatch.setattr("strata.commands.plan.memory_watch.in_new_process", lambda work, job, _: work(job))


def plan(params: Path, project: Path) -> None:
    main.main(["--params", str(params), "--data", str(project / "data")])


def plan_error(params: Path, project: Path) -> str:
    """Return the one line with which the plan fails, after `error: `."""
    with pytest.raises(StrataError) as caught:
        plan(params, project)
    line = str(caught.value)
    assert "\n" not in line and len(f"error: {line}") <= MOST_CHARACTERS
    return line


@pytest.mark.usefixtures("in_process")
def test_the_tables_name_layers_points_and_stages(project, write_params, capsys):
    plan(write_params(), project)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["embed", "embed.perplexity", "5.0", "16", "40"] in lines
    assert ["measure", "measure.neighbours", "5", "24", "30"] in lines  # 24 to measure at all, 11 by the neighbours
    assert ["measure", "measure.stability_perplexities", "3", "10", "30"] in lines
    assert ["h1", "432", "3", "x", "12", "x", "12", "h1"] in [line[:8] for line in lines]
    assert {"train", "replicate", "extract", "embed", "measure", "report"} <= {line[0] for line in lines if line}
    assert sorted(path.name for path in (project / "data").iterdir()) == ["raw"]  # nothing is left


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"embed": {"perplexity": 30}}, "embed.perplexity 30 is too large for 40 points: at most 13 with these"),
        (
            {"measure": {"neighbours": 15}},
            "measure.neighbours 15 is too large for 30 points: less than half of them can be neighbours; extract more,"
            " or lower it",
        ),
        (
            {"measure": {"stability_perplexities": [5, 30, 100]}},
            "measure.stability_perplexities: 100 is too large for 30 points: at most 9.66667; raise"
            " measure.stability_samples, extract more, or lower it",
        ),
        (
            {"report": {"sample_id": 40}},
            "report.sample_id 40 is not among the 40 samples of extract.split test; choose another",
        ),
        (
            {"layers": ["input", "h1", "h99"]},
            "layer 'h99': the network has no 'h99'; it has input, h1, h2, h3",
        ),
        (
            {"measure": {"stability_exaggeration_iterations": 10, "stability_iterations": 20}},
            "measure.stability_exaggeration_iterations 10, measure.stability_iterations 20: engine sklearn needs at"
            " least 250 iterations, exaggerated and plain together, not 30",
        ),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_what_a_stage_would_refuse_late_is_refused_now(project, write_params, changes, line):
    assert plan_error(write_params(**changes), project).startswith(line)


@pytest.mark.usefixtures("in_process")
def test_what_the_stages_refuse_is_refused_in_the_same_words(project, write_params):
    """300 images of a student's folder failed first in embed, then in measure."""
    perplexity = plan_error(write_params(embed={"perplexity": 14}), project)
    embedder = EmbedParams(**{**TINY_PARAMS["embed"], "perplexity": 14}).embedder()
    with pytest.raises(StrataError) as caught:
        embedder.check_count(40)
    assert str(caught.value) == perplexity


@pytest.mark.usefixtures("in_process")
def test_without_labels_the_plan_names_what_is_left_out_and_refuses_to_train(project, write_params, capsys):
    raw = project / "data/raw"
    write_description(raw, describe(raw, replace(CATALOGUE["mnist-5k"], targets="none", classes=())))
    network = {**TINY_PARAMS["network"], "arguments": {**TINY_PARAMS["network"]["arguments"], "classes": 10}}
    assert plan_error(write_params(network=network), project) == (
        "train.epochs 2: the data has no labels; to train nothing, set train.epochs: 0"
    )
    assert plan_error(write_params(train={"epochs": 0}), project) == (
        "network.arguments: networks.mnist_cnn:MnistCnn takes `classes`, and the data has none: set"
        " network.arguments.classes"
    )
    plan(write_params(network=network, train={"epochs": 0}), project)
    left_out = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 1 and left_out[0].endswith("(the data has no labels)")
    assert "neighbourhood hit" in left_out[0] and "linear probe accuracy" in left_out[0]
    assert "participation ratio" not in left_out[0]


@pytest.mark.usefixtures("in_process")
def test_data_that_are_not_there_yet_are_named(tmp_path, write_params):
    assert plan_error(write_params(), tmp_path) == (
        f"{tmp_path}/data/raw/dataset.json is missing; run `dvc repro download`"
    )


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("batch_size", "available", "start"),
    [
        (16, 1 << 10, "extract.batch_size 16: the layers of a batch take "),
        (16, 1 << 27, "train may need "),
    ],
)
def test_what_does_not_fit_into_memory_is_refused(project, write_params, monkeypatch, batch_size, available, start):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(available))
    line = plan_error(write_params(extract={"batch_size": batch_size}), project)
    assert line.startswith(start) and "lower" in line


@pytest.mark.usefixtures("in_process")
def test_what_does_not_fit_on_the_disk_is_refused(project, write_params, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: Usage(100_000))
    line = plan_error(write_params(), project)
    assert line.endswith("give layer h1 a pool or project, or leave out layers")


def needs(stage: str, disk_bytes: float = 0, scratch: float = 0, worker: float = 0, workers: int = 0) -> StageNeeds:
    return StageNeeds(stage, disk_bytes, scratch, 100.0 * 2**30, worker, workers)


def test_a_stage_fits_if_it_fits_with_one_worker():
    """Fewer worker processes start where there is less memory."""
    stages = [needs("embed", worker=2.0**30, workers=8)]
    faults.check_memory(stages, 101 * MARGIN * 2**30, "h1")
    with pytest.raises(StrataError) as caught:
        faults.check_memory(stages, 101 * MARGIN * 2**30 - 1, "h1")
    assert str(caught.value) == (
        "embed may need 136.4 GiB of memory, and 136.3 GiB are free: give layer h1 a pool or project,"
        " lower embed.perplexity, or extract less"
    )


@pytest.mark.parametrize("stage", ["train", "replicate", "extract", "embed", "measure", "report"])
def test_refusals_are_short_whatever_the_layer_is_called(stage):
    with pytest.raises(StrataError) as caught:
        faults.check_memory([needs(stage)], 2**30, "a" * 64)
    assert len(f"error: {caught.value}") <= MOST_CHARACTERS
    with pytest.raises(StrataError) as caught:
        faults.check_disk([needs(stage, 2.0**40)], 2**30, 2, "a" * 64)
    assert len(f"error: {caught.value}") <= MOST_CHARACTERS


def test_the_disk_holds_what_is_left_its_copies_and_the_scratch_folder():
    gib = 2.0**30
    stages = [needs("extract", 3 * gib), needs("measure", 0, 4 * gib)]
    faults.check_disk(stages, 7.71 * gib, 1, "h1")  # a tenth more than is estimated
    with pytest.raises(StrataError, match=r"measure: 7\.7 GiB of disk needed, 6\.5 GiB free: lower measure\.samples"):
        faults.check_disk(stages, 6.5 * gib, 1, "h1")
    with pytest.raises(StrataError, match=r"measure: 11\.0 GiB of disk needed"):
        faults.check_disk(stages, 9 * gib, 2, "h1")
    with pytest.raises(StrataError, match=r"extract: with DVC's cache 6\.6 GiB of disk needed, 5\.0 GiB free"):
        faults.check_disk(stages, 5 * gib, 2, "h1")


def test_disk_and_scratch_are_those_of_the_files_that_stages_write(tmp_path, tiny_data, write_params, monkeypatch):

    params = write_params(measure={"samples": 32}, replicate={"networks": 1})
    dataset = read_description(tiny_data)
    settings = load_plan_settings(params, dataset.counts)
    (tmp_path / "trial").mkdir()
    measured = settings.measured
    job = trial.TrialJob(
        tiny_data,
        tmp_path / "trial",
        0,
        measured.layers,
        measured.network,
        settings.train,
        settings.extract,
    )
    worker = trial.WorkerTrial(0, 0, 0)
    stages = {each.stage: each for each in stage_needs(settings, dataset, trial.try_network(job), worker)}

    run_train(params, tiny_data, tmp_path)
    run_extract(params, tiny_data, tmp_path)
    written = sum(path.stat().st_size for path in (tmp_path / "activations").glob("h*.parquet"))
    written += (tmp_path / "activations/input.parquet").stat().st_size
    assert written / 1.2 < stages["extract"].disk < written * 1.2
    assert abs((tmp_path / "model/mnist_cnn.pt").stat().st_size - stages["train"].disk) < 8000  # names, and a header

    scratch: list[int] = []

    @wraps(run_plan)
    def run_and_look(plan, *arguments):
        results = run_plan(plan, *arguments)
        scratch.extend(path.stat().st_size - 128 for path in plan.files.folder.iterdir())  # less the arrays' headers
        return results

    monkeypatch.setattr(run_tables, "run_plan", run_and_look)
    run_embed(params, tmp_path)
    folders = ("--data", str(tmp_path), "--raw", str(tiny_data), "--reports", str(tmp_path / "reports"))
    measure.main(["--params", str(params), *folders, "--out", str(tmp_path / "measures")])
    once = 8 * 32 * 33  # the untrained network's input is the trained one's, which the plan cannot know
    assert sum(scratch) + once == stages["measure"].scratch


def test_a_real_plan_ends_in_one_line(project, write_params):
    """The command, in new processes: tables on standard output, one line on standard error, status 1."""
    params = write_params(measure={"stability_perplexities": [20]})
    command = [sys.executable, "-m", "strata.commands.plan.main", "--params", str(params)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project, env=environment, text=True, capture_output=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("error: measure.stability_perplexities: 20 is too large for 30 points")
    values = yaml.safe_load(params.read_text(encoding="utf-8"))
    values["measure"]["stability_perplexities"] = [5]
    params.write_text(yaml.safe_dump(values), encoding="utf-8")
    done = subprocess.run(command, cwd=project, env=environment, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "free: " in done.stdout


@pytest.mark.usefixtures("in_process")
def test_in_brief_it_is_one_line_of_the_largest_stage(project, write_params, capsys):
    main.main(["--params", str(write_params()), "--data", str(project / "data"), "--brief"])
    printed = capsys.readouterr()
    amount = r"[\d.]+ [KMG]iB"
    words = rf"plan: {amount} of memory in \w+, {amount} of disk, and {amount} more meanwhile; `make plan` says more\n"
    assert printed.out == "" and re.fullmatch(words, printed.err)


@pytest.mark.usefixtures("in_process")
def test_layers_that_are_proposed_are_in_the_table(project, write_params, capsys):
    network = {"target": "networks.mlp:Mlp", "arguments": {"hidden": [12, 6]}, "outputs": "logits"}
    plan(write_params(network=network, layers="auto"), project)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in lines if line[-1:] == ["KiB"]] == [
        ["input", "256"],
        ["relu1", "12"],
        ["relu2", "6"],
        ["fc3", "10"],
    ]
    params = write_params(network=network, layers="auto", embed={"initialization_layer": "h1"})
    assert plan_error(params, project).startswith("embed.initialization_layer") or "h1" in plan_error(params, project)


def test_training_needs_what_a_step_keeps_of_its_batch(tmp_path, tiny_data, write_params):
    dataset = read_description(tiny_data)
    settings = load_plan_settings(write_params(), dataset.counts)
    measured = settings.measured
    job = trial.TrialJob(tiny_data, tmp_path, 0, measured.layers, measured.network, settings.train, settings.extract)
    network, worker = trial.try_network(job), trial.WorkerTrial(0, 0, 0)
    found = []
    for batch_size in (20, 60):
        train = settings.train.model_copy(update={"batch_size": batch_size, "test_batch_size": 1})
        stages = {each.stage: each for each in stage_needs(replace(settings, train=train), dataset, network, worker)}
        found.append((stages["train"].main, stages["replicate"].worker))
    (few, few_again), (many, many_again) = found
    of_sample = network.kept + 2 * network.passing
    assert network.kept > 4 * 256 and many - few == many_again - few_again == pytest.approx(of_sample * 40)
    assert network.given == 4 * 256
    with pytest.raises(StrataError) as caught:
        faults.check_memory([needs("train")], 2**30, "h1")
    assert str(caught.value) == (
        "train may need 135.0 GiB of memory, and 1.0 GiB are free: lower train.batch_size or train.test_batch_size,"
        " or resize the images (dataset.image_side)"
    )


def test_replicates_all_start_at_once():
    """Their pool does not look at the memory: two that do not fit together are refused."""
    two = StageNeeds("replicate", 0, 0, 0, 2.0**30, 2, fewer=False)
    faults.check_memory([replace(two, workers=1)], 1.5 * MARGIN * 2**30, "h1")
    with pytest.raises(
        StrataError, match=r"replicate may need 2\.7 GiB .* set replicate.networks: 1, or STRATA_PROCESSES=1"
    ):
        faults.check_memory([two], 1.5 * MARGIN * 2**30, "h1")
