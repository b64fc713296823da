"""Reduce a layer to its leading principal components before t-SNE, as the field does (no scaling per feature)."""

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

# Up to this many units the covariance matrix is small, and its eigenvectors are exact.
EXACT_UNITS = 1000


def principal_components(values: NDArray[np.float32], components: int, seed: int) -> NDArray[np.float32]:
    """Return the scores (n, k) of the leading k = min(components, n, D) principal components of values (n, D).

    Exact through the covariance matrix where D is at most 1,000; else randomized subspace iteration (Halko, Martinsson
    & Tropp 2011), drawn from `seed`, with seven power iterations. Signs are fixed by the loadings.
    """
    components = min(components, *values.shape)
    solver = "covariance_eigh" if values.shape[1] <= EXACT_UNITS else "randomized"
    pca = PCA(components, svd_solver=solver, iterated_power=7, random_state=seed)
    return pca.fit_transform(values).astype(np.float32)


def reduced(values: NDArray[np.float32], components: int, seed: int) -> NDArray[np.float32]:
    """Return `values` (n, D) as they are where D is at most `components`, else their leading principal components."""
    return values if values.shape[1] <= components else principal_components(values, components, seed)
