"""The stages of the pipeline: one thin script each, run as `python -m stages.NAME` from the root."""

import sys
from importlib.util import find_spec

# DVC runs a stage with the `python` of the PATH, which is another one unless .venv is active.
if sys.version_info < (3, 11) or find_spec("pydantic") is None:
    sys.exit(
        f"error: `python` is {sys.executable}, which was not set up for Strata:"
        " type `. .venv/bin/activate`, or use `make repro`"
    )
