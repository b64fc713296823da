"""Damaged and hostile bytes for everything that Strata reads from outside: one file per reader, with `one_input`."""
