"""The stages of the pipeline: one thin script each, run as `python -m stages.NAME` from the root."""
