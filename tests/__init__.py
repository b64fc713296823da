"""Tests; run all with `make test`."""
