"""The commands that `make` runs besides the stages: compare, export, verify, the list of experiments."""
