"""Tests of the stage scripts on tiny data."""
