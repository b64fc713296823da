"""Which of the project's files a stage script imports, directly or not: what its `deps` in dvc.yaml must list.

python -m tests.project_imports    # write the lists into dvc.yaml
"""

import ast
import re
from pathlib import Path

PACKAGES = ("strata", "stages")
# The module that imports whatever network.target names, and the folder where the project's own networks are.
CHOOSER, NETWORKS = Path("strata/network.py"), Path("networks")


def imported_files(script: Path, root: Path) -> set[Path]:
    """Return the project files that `script` imports, transitively, and itself, relative to `root`.

    Package files `__init__.py` count only where they hold more than a docstring. A module that reads a file of its own
    folder by a string ending in .html, .js or .css depends on that file too, and who makes networks on their folder.
    """
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path == CHOOSER:
            found.add(NETWORKS)
        tree = ast.parse((root / path).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            waiting.extend(_imported_by(node, root))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                neighbour = path.parent / node.value if node.value.endswith((".html", ".js", ".css")) else None
                if neighbour and (root / neighbour).is_file():
                    found.add(neighbour)
    return {path for path in found if path.name != "__init__.py" or _has_code(root / path)}


def _imported_by(node: ast.AST, root: Path) -> list[Path]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            raise AssertionError("relative imports are not followed: write them out")
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return []
    return [path for name in names if name.split(".")[0] in PACKAGES for path in _files_of(name, root)]


def _files_of(name: str, root: Path) -> list[Path]:
    """The module's file and the packages' __init__.py on the way to it; the last part may be a name in a module."""
    parts = name.split(".")
    files = [Path(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    files += [Path(*parts[:depth]).with_suffix(".py") for depth in range(1, len(parts) + 1)]
    return [path for path in files if (root / path).is_file()]


def _has_code(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)


def with_current_deps(pipeline: str, root: Path) -> str:
    """Return the text of dvc.yaml with each stage's project files listed anew, after its `deps:` line."""
    lines: list[str] = []
    stage = ""
    for line in pipeline.splitlines():
        if re.fullmatch(r"  \w+:", line):
            stage = line.strip(" :")
        if re.match(r"      - (strata/|stages/|networks$)", line):
            continue
        if re.match(r"    deps:", line):
            files = imported_files(Path("stages", f"{stage}.py"), root)
            lines += ["    deps:", *(f"      - {path}" for path in sorted(path.as_posix() for path in files))]
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    file = here / "dvc.yaml"
    file.write_text(with_current_deps(file.read_text(encoding="utf-8"), here), encoding="utf-8")
