"""Exports of a run's artifacts for other tools, with one module per tool."""
