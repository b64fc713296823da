"""Writes docs/guided_exercise.ipynb from its text form, docs/guided_exercise.py; the same text gives the same bytes.

python -m tools.notebook    # make notebook
"""

import hashlib
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parent.parent

TEXT = ROOT / "docs/guided_exercise.py"
NOTEBOOK = TEXT.with_suffix(".ipynb")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook_of(text: str) -> nbformat.NotebookNode:
    """Return the notebook for a text in percent format, without outputs; a cell's id comes from its source."""
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.id = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    nbformat.validate(notebook)
    return notebook


def notebook_bytes(text: str) -> bytes:
    """Return the bytes of the notebook file for a text."""
    return (nbformat.writes(notebook_of(text)) + "\n").encode()


def main(text: Path = TEXT, notebook: Path = NOTEBOOK) -> None:
    notebook.write_bytes(notebook_bytes(text.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
