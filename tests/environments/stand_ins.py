"""A clone of the working tree whose stages are stand-ins: DVC runs the whole pipeline in seconds."""

import subprocess
from pathlib import Path

from tests.environments.small_clone import commit_all, copy_working_tree, environment, run

# Writes what dvc.yaml says of a stage, in place of its work: only what Git and DVC do around it matters.
STAND_IN = """
import yaml
from pathlib import Path
name = Path(__file__).stem
stage = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"][name]
for entry in [*stage["outs"], *stage.get("metrics", []), *stage.get("plots", [])]:
    path = Path(entry if isinstance(entry, str) else next(iter(entry)))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_bytes(b'{"stage": 1}\\n' if path.suffix == ".json" else b"epoch\\n1\\n")
    else:
        path.mkdir(exist_ok=True)
        (path / "file").write_bytes(f"{name}\\n".encode())
"""


def copy_with_stand_ins(folder: Path) -> None:
    """Copy the working tree into `folder`, with stand-ins for the stages, as a Git repository with one commit."""
    copy_working_tree(folder)
    for path in (folder / "stages").glob("[a-z]*.py"):
        path.write_text(STAND_IN, encoding="utf-8")
    commit_all(folder, "as cloned")


def clone(origin: Path, folder: Path, *options: str) -> Path:
    """Clone a repository, with options for Git, into `folder`; the clone shares the cache. Return the folder."""
    run("git", "clone", "--quiet", *options, origin.as_uri(), str(folder), folder=origin)
    share_cache(origin, folder)
    return folder


def share_cache(origin: Path, folder: Path) -> None:
    """Let the project in `folder` use the cache of `origin`, as `dvc cache dir --local` does."""
    (folder / ".dvc/config.local").write_text(f"[cache]\n    dir = {origin}/.dvc/cache\n", encoding="utf-8")


def attempt(*command: str, folder: Path, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command that may fail, with environment variables set, or removed where they are None."""
    changed = {**environment(), **variables}
    plain = {name: value for name, value in changed.items() if value is not None}
    return subprocess.run(command, cwd=folder, env=plain, text=True, capture_output=True)


def doctor(folder: Path, *options: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Run the doctor in a project."""
    return attempt("python", "-m", "strata.commands.doctor", *options, folder=folder, **variables)
