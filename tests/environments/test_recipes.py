"""The experiments that the documents recommend: DVC takes their settings, and the networks and layers exist."""

import shlex

import pytest
from dvc.cli import parse_args

from strata.core.errors import StrataError
from strata.network.capture import resolved_layers
from strata.network.make import initialized_network
from tests.documents import blocks_of, commands_of
from tests.overrides import overridden, runs_of, section_of, settings_problem
from tests.tiny_pipeline import ROOT

PAGES = ["README.md", "docs/experiments.md"]
DIGITS = (1, 28, 28)
WITHOUT_SETTINGS = ["dvc", "exp", "run", "--run-all", "--jobs", "1"]


def recipes(page: str) -> list[list[str]]:
    """Return the commands `dvc exp run` of a page that set something."""
    blocks = blocks_of(page, (ROOT / page).read_text(encoding="utf-8"))
    commands = [words for block in blocks if block.language == "sh" for words in commands_of(block.text)]
    return [words for words in commands if words[:3] == ["dvc", "exp", "run"] and words != WITHOUT_SETTINGS]


RECIPES = [words for page in PAGES for words in recipes(page)]


def check_network(params: dict) -> None:
    """Make the network that the parameters name and look for its layers, as the stages do before any work."""
    network = initialized_network(section_of(params, "network"), DIGITS, 10, seed=0)
    known = {name for name, _ in network.named_modules()} | {"input"}
    layers = section_of(params, "layers")
    assert {chosen.module for chosen in resolved_layers(layers, network).values()} <= known


@pytest.mark.parametrize("words", RECIPES, ids=shlex.join)
def test_a_recipe_gives_parameters_that_the_stages_take(words):
    options = parse_args(words[1:])
    assert settings_problem(options.set_param, options.queue) is None
    for run in runs_of(options.set_param):
        check_network(overridden(run))


def test_the_recipes_are_those_that_were_asked_for():
    settings = [setting for words in RECIPES for setting in parse_args(words[1:]).set_param]
    keys = {setting.partition("=")[0] for setting in settings}
    assert keys >= {"embed.perplexity", "network.arguments.fc1_units", "train.momentum", "dataset.shuffle_labels"}
    assert keys >= {"dataset.name", "network.target", "+network.arguments", "~network.arguments", "seed"}


def test_several_values_are_several_runs_and_lists_one():
    assert runs_of(["embed.perplexity=5,100"]) == [["embed.perplexity=5"], ["embed.perplexity=100"]]
    assert len(runs_of(["seed=1,2,3", "train.momentum=0,0.9"])) == 6
    assert runs_of(["layers=[h1,h2]"]) == [["layers=[h1,h2]"]]


def test_a_map_is_given_anew_only_by_taking_it_out_first():
    given = "network.arguments={hidden: [300, 100]}"
    assert "Could not override" in str(settings_problem([given], queue=False))
    added = overridden([f"+{given}"])["network"]["arguments"]
    assert added["hidden"] == [300, 100] and added["fc1_units"] == 500
    assert overridden(["~network.arguments", f"+{given}"])["network"]["arguments"] == {"hidden": [300, 100]}
    named = overridden(["~layers", "+layers={input: input, hidden: relu1, output: fc2}"])["layers"]
    assert named == {"input": "input", "hidden": "relu1", "output": "fc2"}


def test_another_network_with_the_arguments_of_the_first_is_refused_in_one_line():
    params = overridden(["network.target=networks.mlp:Mlp", "network.outputs=logits"])
    with pytest.raises(StrataError, match=r"^network\.arguments: networks\.mlp:Mlp: .* it takes: hidden$"):
        check_network(params)
