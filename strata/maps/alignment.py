"""Rotate or reflect a map to match another as closely as possible, without changing any distance in it."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes


def aligned(points: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centred `points` (n, 2), rotated and perhaps reflected to be closest to centred `reference` (n, 2).

    Orthogonal Procrustes (Schoenemann 1966): all distances among the points stay as they are.
    """
    centred = points - points.mean(axis=0)
    rotation, _ = orthogonal_procrustes(centred, reference - reference.mean(axis=0))
    return centred @ rotation


def aligned_chain(maps: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return the maps, each aligned to the aligned one before it; the first is only centred."""
    chain: list[NDArray[np.float64]] = []
    for points in maps:
        chain.append(aligned(points, chain[-1]) if chain else points - points.mean(axis=0))
    return chain
