"""Layers: a proposal for section `layers` of params.yaml that suits the network, to paste there and change;
`layers: auto` takes the same.

python -m strata.commands.layers    # or: make layers
"""

from collections.abc import Sequence
from pathlib import Path

from strata.core.params import Seed, load_section
from strata.core.paths import Paths
from strata.core.stage import run_stage, stage_parser
from strata.dataset.description import read_description
from strata.network.make import initialized_network, wanted_outputs
from strata.network.params import NetworkParams
from strata.network.preprocessing import preprocessing
from strata.network.proposal import as_section, proposal


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    options = parser.parse_args(arguments)
    params = load_section(options.params, "network", NetworkParams)
    description = read_description(Paths.under(Path.cwd()).raw)
    before = preprocessing(description, params)
    seed = load_section(options.params, "seed", Seed)
    network = initialized_network(params, before.shape, wanted_outputs(description, params), seed)
    print(as_section(proposal(network, before.shape)))


if __name__ == "__main__":
    run_stage(main)
