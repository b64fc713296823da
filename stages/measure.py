"""Measure: what each layer knows, in numbers from its full space, with intervals and controls; and each map's trust.

python -m stages.measure --data data --out data/measures
"""

from collections.abc import Sequence

from strata.core.paths import stage_arguments
from strata.core.stage import run_stage
from strata.measures.run_tables import measure_run


def main(arguments: Sequence[str] | None = None) -> None:
    measure_run(*stage_arguments(__doc__, arguments, out="measures"))


if __name__ == "__main__":
    run_stage(main)
