"""Embed: a map of every layer, from one start or its own, each aligned to the map before it.

python -m stages.embed --data data --out data/embeddings
"""

from collections.abc import Sequence

from strata.core.paths import stage_arguments
from strata.core.stage import run_stage
from strata.maps.map_files import draw_run_maps


def main(arguments: Sequence[str] | None = None) -> None:
    draw_run_maps(*stage_arguments(__doc__, arguments, out="embeddings"))


if __name__ == "__main__":
    run_stage(main)
