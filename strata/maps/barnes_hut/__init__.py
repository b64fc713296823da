"""t-SNE of Strata's own, compiled by numba: the same bytes on every processor and for any number of threads."""
