"""The experiments in a project's repository and what each changed, read from Git without checking them out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo
from dvc.scm import SCMError

from strata.artifacts.revisions import ProjectFiles
from strata.commands.compared import different_params
from strata.core.params import read_params
from strata.core.strict_yaml import read_mapping


@dataclass(frozen=True)
class Experiment:
    """An experiment: its name, the parameters that differ from the workspace's, as text, and training.json."""

    name: str
    changes: Mapping[str, str]
    training: Mapping[str, float]


def known_experiments(project: Path) -> list[Experiment]:
    """Return the experiments of all commits, by name, except those without metrics of training.

    A folder that is not a Git and DVC repository has none.
    """
    try:
        with Repo(str(project)) as repo:
            listed = [pair for pairs in repo.experiments.ls(all_commits=True).values() for pair in pairs]
    except (NotDvcRepoError, SCMError):
        return []
    workspace_params = read_params(project / "params.yaml")
    experiments = []
    for name, revision in sorted(listed):
        files = ProjectFiles(project, revision)
        try:
            params = read_mapping(files.read_text("params.yaml"), f"params.yaml of {name}")
            training = json.loads(files.read_text("reports/training.json"))
        except FileNotFoundError:
            continue
        changes = {parameter: value for parameter, _, value in different_params(workspace_params, params)}
        experiments.append(Experiment(name, changes, training))
    return experiments
