"""Synthetic layers whose truth is known or can be drawn again and again: what the coverage of intervals is tried on."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES, HIDDEN = 10, 40


@dataclass(frozen=True)
class Setting:
    """A law that samples are drawn from: n points, k neighbours, and a layer of `units`.

    `separation` is the distance of the classes' centres from their middle, 0 for one Gaussian cloud, whose variances
    fall as 1 / i^`decay` where that is not 0.
    """

    name: str
    points: int
    k: int
    units: int
    separation: float
    decay: float = 0.0


@dataclass(frozen=True)
class Sample:
    """A layer (n, D), the next layer (n, D'), a map (n, 2), and labels (n,)."""

    layer: NDArray[np.float32]
    following: NDArray[np.float32]
    map: NDArray[np.float32]
    labels: NDArray[np.int16]


SETTINGS = (
    Setting("5 dimensions", 400, 15, 5, 4),
    Setting("5 dimensions", 1000, 15, 5, 4),
    Setting("5 dimensions", 400, 5, 5, 4),
    Setting("30 dimensions", 400, 15, 30, 5),
    Setting("30 dimensions", 1000, 15, 30, 5),
    Setting("1,000 dimensions", 400, 15, 1000, 0, decay=0.7),
    Setting("1,000 dimensions", 1000, 15, 1000, 0, decay=0.7),
)


def stream(*name: str | int) -> np.random.Generator:
    """Return the random numbers of that name."""
    digest = hashlib.sha256(" ".join(map(str, name)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def deviations(setting: Setting) -> NDArray[np.float64]:
    """Return the standard deviation of each unit (D,) within a class, but for the class's own size."""
    if setting.decay:
        return np.arange(1, setting.units + 1) ** (-setting.decay / 2)
    return np.linspace(1.5, 0.5, setting.units)


def centres(setting: Setting) -> NDArray[np.float64]:
    """Return the centres of the classes (CLASSES, D): all in the leading 5 units."""
    places = np.zeros((CLASSES, setting.units))
    places[:, :5] = stream("centres").normal(size=(CLASSES, 5)) * setting.separation / 5**0.5
    return places


def sizes() -> NDArray[np.float64]:
    """Return by how much each class (CLASSES,) is wider than the deviations say."""
    return np.exp(stream("sizes").normal(size=CLASSES) * 0.3)


def draw(setting: Setting, rng: np.random.Generator, count: int | None = None) -> Sample:
    """Return a sample of the setting's number of points, or of `count`.

    The next layer is what a random ReLU layer with noise makes of the layer, the map two of its units with noise.
    """
    points = count or setting.points
    labels = rng.integers(CLASSES, size=points)
    noise = rng.normal(size=(points, setting.units)) * deviations(setting)
    layer = centres(setting)[labels] + noise * sizes()[labels][:, None]
    weights = stream("weights", setting.units).normal(size=(setting.units, HIDDEN)) / setting.units**0.5
    following = np.maximum(layer @ weights + 0.3 * rng.normal(size=(points, HIDDEN)), 0)
    flat = layer[:, :2] + 0.5 * rng.normal(size=(points, 2))
    return Sample(*(part.astype(np.float32) for part in (layer, following, flat)), labels.astype(np.int16))


def participation_ratio(setting: Setting) -> float:
    """Return the participation ratio of the law itself, from its covariance."""
    means = centres(setting) - centres(setting).mean(axis=0)
    covariance = means.T @ means / CLASSES + np.diag(deviations(setting) ** 2 * (sizes() ** 2).mean())
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())
