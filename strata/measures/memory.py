"""How many bytes the measure stage takes, from the numbers of points, units, layers and networks.

Memory that is mapped from the scratch folder does not count: the system takes it back when it needs it. Each count of
copies is that of the arrays that are alive at once in the function that is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from strata.maps.memory import reading_bytes, reduction_bytes
from strata.measures.distances import ROWS, UNITS
from strata.measures.input_projection import MOST_DENSE, MOST_INPUTS, projections_of
from strata.measures.space_files import keeps_distances
from strata.measures.spectrum import MOST_POINTS

DISTANCES = 8  # blocks of squared distances in float64 (`measure_geometry`)
BYTES_OF_SPECTRUM = 13  # per value (`eigenvalues`)
BYTES_OF_PROCRUSTES = 21  # per value (`procrustes_distance`)
VARIABLES = 40  # copies of a probe's weights in float64 (L-BFGS with ten pairs of steps)
PROBE_ROWS = 600  # images that a probe's directions come from, at least 2 per component
BYTES_PER_AFFINITY = 100  # `affinities`, and their transpose and sum
LIBRARIES = 250e6  # of a process that has loaded an engine of t-SNE, NumPy and pandas
SUMS = 10  # arrays of all pairs of layers by point (`GramSums`, `cka_influences`)


@dataclass(frozen=True)
class Sizes:
    """What the memory depends on: numbers of mapped and measured points, reference and held-out images, and classes.

    `units` are those of each layer. `networks` are compared with each other, trained, untrained and replicates;
    `earlier` counts the weights kept in training; `held_out_apart` says whether these images are not the points.
    `group` samples are a row group of the activations.
    """

    mapped: int
    points: int
    reference: int
    held_out: int
    classes: int
    units: Mapping[str, int]
    networks: int
    earlier: int
    held_out_apart: bool
    correlated: int
    perplexity: float
    components: int
    group: int

    @property
    def widest(self) -> int:
        """The number of units of the widest layer."""
        return max(self.units.values())


def scratch_bytes(sizes: Sizes, inputs: int) -> int:
    """Return the bytes of all arrays in the scratch folder: every space, set of images and layer, and distances.

    `inputs` is how many numbers the network gets for an image.
    """
    images = sizes.points + sizes.reference + (sizes.held_out if sizes.held_out_apart else 0)
    units = sum(sizes.units.values())
    projected = [min(sizes.units[name], inputs) for name in set(projections_of(sizes.units, inputs).values())]
    mapped = sizes.mapped if sizes.points < sizes.mapped else 0
    compared = [*sizes.units.values()] * sizes.networks + projected
    distances = 8 * sizes.points * (sizes.points + 1) * sum(keeps_distances(sizes.points, each) for each in compared)
    values = images * (units * (sizes.networks + sizes.earlier) + sum(projected)) + mapped * units
    return 4 * values + distances


def distance_bytes(points: int, units: int) -> float:
    """Return the bytes of squared distances among n points, a block of rows at a time."""
    rows, columns = min(points, ROWS), min(units, UNITS)
    return 8.0 * (DISTANCES * rows * points + 2 * points * columns + rows * columns)


def geometry_bytes(points: int, units: int) -> float:
    """Return the bytes of `measure_geometry`: distances, or after them the spectrum, or a mask of zeros."""
    few = min(points, MOST_POINTS)
    spectrum = float(BYTES_OF_SPECTRUM) * few * units + 3 * 8.0 * min(few, units) ** 2
    return max(distance_bytes(points, units), spectrum, float(points * units))


def readout_bytes(points: int, reference: int, held_out: int, units: int, classes: int) -> float:
    """Return the bytes of `measure_readout`: what the probe reads, with the largest of what is made from it."""
    features = 4.0 * (reference + held_out) * units
    distances = DISTANCES * 8.0 * min(held_out, ROWS) * reference
    directions = 2 * 4.0 * min(PROBE_ROWS, reference) * units
    fit = VARIABLES * 8.0 * units * classes + 6 * 8.0 * reference * classes
    collapse = 4.0 * points * units + 4 * 8.0 * classes * units
    return features + max(distances, directions, fit, collapse)


def gram_bytes(points: int, units: int, arrays: int) -> float:
    """Return the bytes of `sum_gram_rows`: rows of a matrix of every array, and one array centred after another."""
    return 8.0 * (arrays + 3) * min(points, ROWS) * points + 9.0 * points * units


def job_bytes(sizes: Sizes) -> float:
    """Return the most bytes that a process takes for its jobs: what it reads of a layer's file, and the largest job."""
    widest, count = sizes.widest, sizes.points
    file = (sizes.mapped, widest, sizes.components, sizes.group)
    read = reading_bytes(*file) if sizes.perplexity else 0.0  # t-SNE's divergence is measured from the file
    affinities = BYTES_PER_AFFINITY * 3 * sizes.perplexity * sizes.mapped
    return read + max(
        geometry_bytes(count, widest),
        readout_bytes(count, sizes.reference, sizes.held_out, widest, sizes.classes) if sizes.classes else 0.0,
        gram_bytes(count, widest, len(sizes.units) * sizes.networks),
        reduction_bytes(*file) - read + affinities if sizes.perplexity else 0.0,
        float(BYTES_OF_PROCRUSTES) * sizes.correlated * widest,
    )


def process_bytes(sizes: Sizes) -> float:
    """Return the bytes of memory for each process of the stage: as many start as fit."""
    return LIBRARIES + job_bytes(sizes)


def own_bytes(each: int, train: int, test: int, sizes: Sizes) -> float:
    """Return the bytes of what the stage's own process holds besides its workers' jobs: all images, and results.

    An image has `each` bytes; there are so many of `train` and `test`.
    """
    return image_bytes(each, train, test, sizes) + results_bytes(sizes)


def image_bytes(each: int, train: int, test: int, sizes: Sizes) -> float:
    """Return the bytes of the images that the stage holds: both parts, those of the maps, and the chosen ones."""
    chosen = sizes.points + sizes.reference + (sizes.held_out if sizes.held_out_apart else 0)
    return float(each * (train + test + sizes.mapped + chosen))


def results_bytes(sizes: Sizes) -> float:
    """Return the bytes of what the stage itself makes of the jobs' results: arrays of all pairs of layers by point."""
    return SUMS * 8.0 * (len(sizes.units) * sizes.networks) ** 2 * sizes.points


def projecting_bytes(sizes: Sizes, inputs: int) -> float:
    """Return the bytes of projecting the inputs: a block of images, its transpose and what comes of it; a matrix."""
    images = max(sizes.points, sizes.reference, sizes.held_out)
    matrix = min(MOST_DENSE, inputs * min(inputs, sizes.widest))
    return 4.0 * (4 * min(images * inputs, MOST_INPUTS) + 2 * matrix)
