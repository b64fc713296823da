"""Git, asked about the project; without Git, the answer is empty."""

import subprocess
from pathlib import Path


def git_says(project: Path, *command: str, or_error: bool = False) -> str:
    """Return what Git prints, '' where it fails or is not installed; with `or_error`, its error."""
    try:
        done = subprocess.run(
            ["git", *command], cwd=project, capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return ""
    return (done.stderr if done.returncode and or_error else done.stdout).strip()
