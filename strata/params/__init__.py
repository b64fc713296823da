"""One frozen, strict schema for each section of params.yaml, and their loader."""
