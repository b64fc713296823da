"""Independent jobs in parallel: in processes on this machine, or on the workers of a cluster."""
