"""Independent jobs in parallel: processes of this machine, or the workers of a cluster."""
