"""How Parquet's codecs compress activations: size, and seconds for writing and reading, in one run.

python -m benchmarks.compression --activations data/activations --layers h1 h5
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strata.artifacts.activations import read_activations

CODECS = {
    "none": {"compression": "none"},
    "snappy": {"compression": "snappy"},
    "lz4": {"compression": "lz4"},
    "zstd": {"compression": "zstd"},
    "zstd, level 6": {"compression": "zstd", "compression_level": 6},
    "zstd, bytes split": {"compression": "zstd", "use_dictionary": False, "use_byte_stream_split": True},
}
ROWS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--activations", type=Path, default=Path("data/activations"))
    parser.add_argument("--layers", nargs="+", default=["h1", "h5"])
    options = parser.parse_args()
    costs = {layer: codec_costs(options.activations / f"{layer}.parquet") for layer in options.layers}
    for layer, codecs in costs.items():
        for codec, cost in codecs.items():
            print(f"{layer:6} {codec:18} " + " ".join(f"{name} {value:.3f}" for name, value in cost.items()))
    print(json.dumps(costs))


def codec_costs(path: Path) -> dict[str, dict[str, float]]:
    """Return codec -> size relative to the bare floats, and seconds for writing and reading."""
    values = read_activations(path).values
    flat = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    table = pa.table({"sample_id": pa.array(np.arange(len(values), dtype=np.int32)), "activation": flat})
    costs = {}
    with tempfile.TemporaryDirectory() as scratch:
        for codec, settings in CODECS.items():
            target = Path(scratch) / "layer.parquet"
            begin = time.perf_counter()
            pq.write_table(table, target, row_group_size=ROWS, **settings)
            written = time.perf_counter()
            pq.read_table(target)
            read = time.perf_counter()
            size = target.stat().st_size / values.nbytes
            costs[codec] = {"size": size, "write s": written - begin, "read s": read - written}
    return costs


if __name__ == "__main__":
    main()
