"""What `make` runs beside the stages: compare, export, verify, the list of experiments."""
