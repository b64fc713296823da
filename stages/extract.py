"""Extract: every layer's activations, in one Parquet file each, and the network's prediction for each sample.

python -m stages.extract --data data --out data/activations
"""

from collections.abc import Sequence

from strata.core.paths import stage_arguments
from strata.core.stage import run_stage
from strata.network.layer_files import write_run_layers


def main(arguments: Sequence[str] | None = None) -> None:
    write_run_layers(*stage_arguments(__doc__, arguments, out="activations"))


if __name__ == "__main__":
    run_stage(main)
