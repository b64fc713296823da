"""Extract: every layer's activations, in one Parquet file each, and the network's prediction for each sample.

python -m stages.extract --data data --out data/activations
"""

from collections.abc import Sequence

from strata.core.paths import stage_arguments
from strata.core.plan_first import plan_first
from strata.core.stage import run_stage
from strata.network.layer_files import write_run_layers


def main(arguments: Sequence[str] | None = None) -> None:
    params, paths = stage_arguments(__doc__, arguments, out="activations")
    plan_first(params, paths)
    write_run_layers(params, paths)


if __name__ == "__main__":
    run_stage(main)
