"""Run a reader's `one_input` again on files: python -m fuzz.again idx .fuzz/idx-crash-..."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    target = importlib.import_module(f"fuzz.{sys.argv[1]}")
    for name in sys.argv[2:]:
        target.one_input(Path(name).read_bytes())
