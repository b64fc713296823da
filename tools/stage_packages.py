"""The packages that each stage script imports, directly or not, which its `deps` in dvc.yaml must list.

python -m tools.stage_packages    # write the lists into dvc.yaml
"""

import ast
import re
from pathlib import Path

# The module that imports whatever network.target names, and the folder of the project's own networks.
CHOOSER, NETWORKS = Path("strata/network/make.py"), "networks"
# This file imports its names only when they are used; those imports are not followed.
FRONT_DOOR = Path("strata/__init__.py")
CODE = re.compile(r"(strata/|stages/|networks$)")


def imported_files(script: Path, root: Path) -> set[Path]:
    """Return the files of strata/ and stages/ that `script` imports, transitively, and itself, relative to `root`."""
    files: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in files and path != FRONT_DOOR:
            files.add(path)
            for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
                waiting.extend(_imported_by(node, root))
    return files


def code_deps(script: Path, root: Path) -> list[str]:
    """Return the code that a stage depends on, sorted: its script, the packages it imports, and the networks' folder.

    The names of `import strata` are imported only when they are used, so no stage may use them.
    """
    files = imported_files(script, root)
    packages = {Path(*path.parts[:2]).as_posix() for path in files if path.parts[0] == "strata" and len(path.parts) > 2}
    others = {path.as_posix() for path in files if path.parts[0] == "stages" and path.name != "__init__.py"}
    return sorted(packages | others | ({NETWORKS} if CHOOSER in files else set()))


def _imported_by(node: ast.AST, root: Path) -> list[Path]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            raise AssertionError("relative imports are not followed: use absolute ones")
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return []
    return [path for name in names if name.split(".")[0] in ("strata", "stages") for path in _files_of(name, root)]


def _files_of(name: str, root: Path) -> list[Path]:
    """Return a module's file and the __init__.py of its packages; the last part may be a name in a module."""
    parts = name.split(".")
    files = [Path(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    files += [Path(*parts[:depth]).with_suffix(".py") for depth in range(1, len(parts) + 1)]
    return [path for path in files if (root / path).is_file()]


def with_current_deps(pipeline: str, root: Path) -> str:
    """Return the text of dvc.yaml with each stage's code dependencies replaced, after its `deps:` line."""
    lines: list[str] = []
    stage = ""
    for line in pipeline.splitlines():
        if re.fullmatch(r"  \w+:", line):
            stage = line.strip(" :")
        if line.startswith("    - ") and CODE.match(line.removeprefix("    - ")):
            continue
        lines.append(line)
        if line == "    deps:":
            lines += [f"    - {path}" for path in code_deps(Path("stages", f"{stage}.py"), root)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    file = root / "dvc.yaml"
    file.write_text(with_current_deps(file.read_text(encoding="utf-8"), root), encoding="utf-8")
