"""Git without user.name and user.email: the pipeline works, and the doctor says which experiments do not."""

from tests.environments.stand_ins import attempt, doctor

NOTE = (
    "note: with changes that are not committed, `dvc exp run --temp` needs to know you: git config user.name NAME;"
    " git config user.email ADDRESS\n"
)
EXPERIMENT = ("dvc", "exp", "run", "-S", "train.epochs=2")


def nobody(tmp_path) -> dict[str, str | None]:
    """Return the environment of a person for whom Git has no configuration."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    keys = [f"GIT_{who}_{key}" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")]
    removed: dict[str, str | None] = dict.fromkeys([*keys, "EMAIL", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"])
    return removed | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


def test_the_pipeline_and_experiments_in_the_workspace_work(project, tmp_path):
    who = nobody(tmp_path)
    done = doctor(project, "--repro", **who)
    assert (done.returncode, done.stderr) == (0, "")
    done = attempt(*EXPERIMENT, "-n", "here", "train", folder=project, **who)
    assert "Running stage 'train'" in done.stdout and "Ran experiment(s): here" in done.stdout


def test_the_doctor_says_which_fail_and_the_remedy_helps(project, tmp_path):
    who = nobody(tmp_path)
    with (project / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("# a note\n")
    done = attempt(*EXPERIMENT, "--temp", "train", folder=project, **who)
    assert done.returncode != 0 and "Git user name and email must be configured" in done.stderr
    assert "Running stage" not in done.stdout
    assert doctor(project, **who).stderr == NOTE and len(NOTE) <= 200
    for command in (["user.name", "Me"], ["user.email", "me@example.org"]):
        assert attempt("git", "config", *command, folder=project, **who).returncode == 0
    assert doctor(project, **who).stderr == ""
    done = attempt(*EXPERIMENT, "--temp", "-n", "apart", "train", folder=project, **who)
    assert "Ran experiment(s): apart" in done.stdout
