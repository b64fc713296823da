"""The files of a run: how each artifact is written and read, and the check that artifacts belong together."""
