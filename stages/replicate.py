"""Replicate: the same network trained again from other seeds, to tell what is the network's and what is the seed's.

python -m stages.replicate --data data --out data/replicates
"""

from collections.abc import Sequence

from strata.core.paths import stage_arguments
from strata.core.stage import run_stage
from strata.training.replicates import train_replicates


def main(arguments: Sequence[str] | None = None) -> None:
    train_replicates(*stage_arguments(__doc__, arguments, out="replicates"))


if __name__ == "__main__":
    run_stage(main)
