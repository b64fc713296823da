"""Every stream of random numbers in Strata, by name: each depends on `seed` and on its purpose, and on nothing else.

NumPy pads a short seed with zeros, so `default_rng([seed, 0])` and `default_rng(seed)` are the same stream. Here 128
bits of the name's SHA-256 go into the seed: two names cannot share a stream, nor can one name with two keys.
"""

import hashlib

import numpy as np

Stream = np.random.Generator
NUMPY_SEEDS = 2**32
TORCH_SEEDS = 1 << 63  # torch takes seeds below this
REPLICATE_SEEDS = 1 << 31


def points(seed: int) -> Stream:
    """Choose the samples that are measured."""
    return _stream(seed, "points")


def reference_images(seed: int) -> Stream:
    """Choose the training images that readouts are fitted to."""
    return _stream(seed, "reference images")


def held_out_images(seed: int) -> Stream:
    """Choose the test images that readouts are tested on, if the measured samples are not test images."""
    return _stream(seed, "held-out images")


def shuffled_labels(seed: int) -> Stream:
    """Shuffle the labels for the control of that name."""
    return _stream(seed, "shuffled labels")


def half_samples(seed: int) -> Stream:
    """Draw the half-samples that intervals are made from."""
    return _stream(seed, "half-samples")


def disjoint_parts(seed: int, number: int) -> Stream:
    """Divide the points into `number` parts, for the dimension against the number of points."""
    return _stream(seed, "disjoint parts", number)


def stability_points(seed: int) -> Stream:
    """Choose the measured samples whose maps are drawn again."""
    return _stream(seed, "stability points")


def stability_start(seed: int, run: int) -> Stream:
    """Draw the random start of one of the maps that are drawn again."""
    return _stream(seed, "stability start", run)


def correlated_points(seed: int) -> Stream:
    """Choose the measured samples whose distances on the map and in the layer are compared."""
    return _stream(seed, "correlated points")


def random_projection(seed: int, dimensions: int) -> Stream:
    """Draw the matrix that projects the input to `dimensions` dimensions, the same for every set of images."""
    return _stream(seed, "random projection", dimensions)


def principal_directions(seed: int) -> Stream:
    """Draw the first directions of randomized principal components."""
    return _stream(seed, "principal directions")


def page_samples(seed: int) -> Stream:
    """Choose the samples that the page shows besides the measured ones."""
    return _stream(seed, "page samples")


def probe_validation(seed: int) -> Stream:
    """Choose the training images on which a linear probe's penalty is chosen."""
    return _stream(seed, "probe validation")


def probe_directions(seed: int) -> Stream:
    """Draw the first directions of the leading components on which a linear probe's penalty is chosen."""
    return _stream(seed, "probe directions")


def map_optimization(seed: int, run: int = 0) -> int:
    """Return the seed that an embedding method uses while it optimizes a map, below 2**30.

    This leaves room for methods that add the number of a point to it.
    """
    return int(_stream(seed, "map optimization", run).integers(1 << 30))


def start_axis(seed: int) -> Stream:
    """Draw the second axis of a map's start, where the map's own layer varies in one direction only."""
    return _stream(seed, "start axis")


def weights(seed: int) -> int:
    """Return torch's seed of the initial weights, for the trained network and for its untrained twin."""
    return int(_stream(seed, "weights").integers(TORCH_SEEDS))


def untrained_weights(seed: int) -> int:
    """Return torch's seed of the untrained twin's weights that the network's own constructor does not draw."""
    return int(_stream(seed, "untrained weights").integers(TORCH_SEEDS))


def replicate(seed: int, network: int) -> int:
    """Return the seed that network 2, 3, ... is trained from in place of `seed`: all its random numbers are others."""
    return int(_stream(seed, "replicate", network).integers(REPLICATE_SEEDS))


def trial_images(seed: int) -> int:
    """Return torch's seed of the images that a new network is tried on."""
    return int(_stream(seed, "trial images").integers(TORCH_SEEDS))


def layer_projection(seed: int, units: int, dimensions: int) -> int:
    """Return NumPy's seed of the sparse random projection of a layer's units."""
    return int(_stream(seed, "layer projection", units, dimensions).integers(NUMPY_SEEDS))


def trial_points(seed: int) -> Stream:
    """Draw the points of the small map that the plan of a run draws, to see what memory a map takes."""
    return _stream(seed, "trial points")


def batch_order(seed: int) -> int:
    """Return torch's seed of the order of the training images."""
    return int(_stream(seed, "batch order").integers(TORCH_SEEDS))


def training_noise(seed: int) -> int:
    """Return torch's seed of the random numbers that a network draws in training, such as dropout."""
    return int(_stream(seed, "training noise").integers(TORCH_SEEDS))


def _stream(seed: int, *name: str | int) -> Stream:
    digest = hashlib.sha256(" ".join(map(str, name)).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16], "big")])
