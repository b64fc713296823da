"""What the stages need of memory and disk: arithmetic from one batch, and the numbers of images, units and networks."""

from collections.abc import Mapping
from dataclasses import dataclass

from strata.maps.memory import reduction_bytes

BATCHES_BEHIND = 6  # whose activations, buffers and freed memory a process still has, while it writes them
NETWORKS = 5  # copies of the weights: the network, its twin, two that this is compared with, and a file's
BARE = 32e6  # of a process that loads neither PyTorch nor pandas
GRADIENTS = 2  # of the widest module's inputs and outputs, on the way back
MODULES = 2  # whose inputs and outputs are there at once in testing, as residual blocks and attention have them
WEIGHTS = 4  # in training: the weights, their gradients and velocities, and the file's bytes
MAP_HEADER, BYTES_OF_MAPPED = 3000, 14.0  # of a map's file: its schema, settings and caveats; and of each point
# Of the report, fitted to 1,000 and 10,000 points: its process, one that draws figures, the figures' files and tables;
# and of each point on the page, in memory and in the file.
REPORT, DRAWING, FIGURES, BYTES_OF_SHOWN, PAGE_BYTES_OF_SHOWN = 280e6, 205e6, 12e6, 1600.0, 1700.0


@dataclass(frozen=True)
class StageNeeds:
    """Bytes of a stage: on disk when it has run, and while it runs; of its own process, and of each of `workers`.

    `fewer` says whether fewer workers start where memory is short.
    """

    stage: str
    disk: float
    scratch: float
    main: float
    worker: float
    workers: int
    fewer: bool = True

    @property
    def memory(self) -> float:
        """The bytes of all processes, each at its peak."""
        return self.main + self.workers * self.worker

    @property
    def least_memory(self) -> float:
        """The bytes of the stage with as few worker processes as it starts."""
        return self.main + (min(1, self.workers) if self.fewer else self.workers) * self.worker


def train_main(imported: float, weights: float, images: float, inputs: float, step: float) -> float:
    """Return the memory of training: a network with gradients, its data as inputs, and its images or a step's arrays.

    `inputs` are the bytes of all samples as the network gets them; those of one part exist twice while they are made.
    A `step` is one of training and one of testing: what is freed stays.
    """
    return imported + WEIGHTS * weights + inputs + max(2 * images, step)


def extract_main(peak: float, batches: int, batch: int, units: int) -> float:
    """Return the memory of extract: one batch at its peak, and some of those before it, which are being written."""
    return peak + min(batches - 1, BATCHES_BEHIND) * 4.0 * batch * units


def embed_main(imported: float, count: int, units: Mapping[str, int], components: int, networks: int) -> float:
    """Return the memory of embed's own process: the reduced layers of n points, as it gets and as it sends them."""
    return imported + 2 * 4.0 * count * networks * sum(min(each, components) for each in units.values())


def embed_worker(
    drawing: float, affinities: float, count: int, units: Mapping[str, int], components: int, group: int
) -> float:
    """Return the memory of a worker process of embed, which takes `drawing` for a small map."""
    reduction = max(reduction_bytes(count, each, components, group) for each in units.values())
    return drawing + max(reduction, affinities)


def measure_main(imported: float, weights: float, images: float, batch: float, projecting: float, sums: float) -> float:
    """Return the memory of measure's own process: networks, images, and its steps, as little of what is freed returns.

    The steps are a batch in the network, the projection of the inputs, and the sums over pairs of layers.
    """
    return imported + NETWORKS * weights + images + batch + projecting + sums


def map_bytes(count: int, layers: int, networks: int) -> float:
    """Return the bytes of maps of n points: an id and two coordinates each, with Parquet's dictionaries of them."""
    return (BYTES_OF_MAPPED * count + MAP_HEADER) * layers * networks


def report_needs(each: int, count: int, shown: int, processes: int) -> StageNeeds:
    """Return the needs of the report of n points, some of them `shown` on the page, with images of `each` bytes."""
    return StageNeeds(
        "report",
        FIGURES + PAGE_BYTES_OF_SHOWN * shown,
        0,
        REPORT + BYTES_OF_SHOWN * shown + float(each * count),
        DRAWING,
        processes,
    )


def amount(size: float) -> str:
    """Return a number of bytes as text for people, such as `35 MiB`."""
    mebibytes = size / 2**20
    if mebibytes < 1:
        return f"{size / 2**10:.0f} KiB"
    return f"{mebibytes:.0f} MiB" if mebibytes < 1000 else f"{mebibytes / 1024:.1f} GiB"
