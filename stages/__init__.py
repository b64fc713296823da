"""The stages of the pipeline: one thin script each, run as `python -m stages.NAME` from the root."""

import gc
import sys
from importlib.util import find_spec

# What a stage imports stays, so it is not looked through for garbage until the stage begins (strata/core/stage.py).
# While `python -m` imports this file, the name of the script is "-m".
if sys.argv[:1] == ["-m"]:
    gc.disable()

# DVC runs a stage with the `python` of the PATH, which is another one unless .venv is active.
if sys.version_info < (3, 11) or find_spec("pydantic") is None:
    sys.exit(
        f"error: `python` is {sys.executable}, which was not set up for Strata:"
        " type `. .venv/bin/activate`, or use `make repro`"
    )
