"""Train: the network's weights, from the training images, with its learning curve and test accuracy.

python -m stages.train --data data --out data/model
"""

from collections.abc import Sequence

from strata.core.paths import stage_arguments
from strata.core.plan_first import plan_first
from strata.core.stage import run_stage
from strata.training.trained_network import train_run


def main(arguments: Sequence[str] | None = None) -> None:
    params, paths = stage_arguments(__doc__, arguments, out="model")
    plan_first(params, paths)
    train_run(params, paths)


if __name__ == "__main__":
    run_stage(main)
