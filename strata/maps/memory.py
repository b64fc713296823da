"""How many bytes of memory a layer's reduction and its map take, from its size."""

from strata.maps.embedder import Embedder
from strata.maps.pca import CACHED_BYTES, EXACT_SAMPLES, EXACT_UNITS, OVERSAMPLING, UNITS

# Copies of a row group: decompressed, joined, with a mask of what is finite; then less the mean, twice.
GROUP_COPIES = 5
# Bytes per element of the basis of randomized iteration: itself, the product in float64, and copies for its QR.
BYTES_OF_BASIS = 36
# Bytes per element of the projected samples: float32, float64, and the result.
BYTES_OF_PROJECTED = 20

# The most memory that a process needs for usual settings: a layer that is cached, or the affinities of 70,000 points.
BYTES_EACH = 1.5e9


def process_bytes(embedder: Embedder, count: int) -> float:
    """Return the bytes of memory for each process that draws maps of n points: as many start as fit."""
    return max(BYTES_EACH, embedder.bytes_needed(count))


def reading_bytes(count: int, units: int, components: int, group: int) -> float:
    """Return the bytes of reading n samples of D units in groups; PyArrow keeps them for itself when they are freed."""
    kept = 4.0 * count * units
    return 4.0 * GROUP_COPIES * min(group, count) * units + (kept if units <= components else min(kept, CACHED_BYTES))


def reduction_bytes(count: int, units: int, components: int, group: int) -> float:
    """Return about the bytes that `read_reduced` takes for n samples of D units, read in groups of `group` samples."""
    read = reading_bytes(count, units, components, group)
    if units <= components:
        return read + 4.0 * count * units
    if units <= EXACT_UNITS:
        return read + 4.0 * units**2 + float(BYTES_OF_PROJECTED) * count * units
    if count <= EXACT_SAMPLES and 4 * count * units <= CACHED_BYTES:
        loadings, gram = 3 * 8.0 * units * min(components, count), 3 * 8.0 * count**2
        return read + 4.0 * count * units + 8.0 * count * min(units, UNITS) + loadings + gram
    width = components + OVERSAMPLING
    return read + float(BYTES_OF_BASIS) * units * width + float(BYTES_OF_PROJECTED) * count * width
