"""The temporary folder of an experiment (`dvc exp run --temp` or `--queue`), which lacks files that nothing tracks."""

from pathlib import Path

INSIDE = (".dvc", "tmp", "exps")  # where DVC makes these folders, in the project that they are copies of


def left_behind(path: Path, remedy: str = "") -> str:
    """Return what to do about a file that the project has and this temporary folder lacks; else an empty text.

    `path` is relative to the current folder. `remedy` ends the text, by default `git add` of the path.
    """
    parts = Path.cwd().parts
    places = [place for place in range(len(parts)) if parts[place : place + len(INSIDE)] == INSIDE]
    if path.is_absolute() or path.exists() or not places or not Path(*parts[: places[-1]], path).exists():
        return ""
    return f"an experiment in a temporary folder has tracked files only: {remedy or f'git add {path.as_posix()}'}"
