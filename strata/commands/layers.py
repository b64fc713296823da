"""Layers: a proposal for section `layers` of params.yaml that suits the network, to paste there.

python -m strata.commands.layers    # or: make layers
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from strata.core.layers import Layer
from strata.core.params import Seed, load_section
from strata.core.paths import Paths
from strata.core.stage import run_stage, stage_parser
from strata.core.strict_yaml import as_text
from strata.dataset.description import read_description
from strata.network.make import initialized_network, wanted_outputs
from strata.network.params import NetworkParams
from strata.network.preprocessing import preprocessing
from strata.network.proposal import proposed_layers


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    options = parser.parse_args(arguments)
    params = load_section(options.params, "network", NetworkParams)
    description = read_description(Paths.under(Path.cwd()).raw)
    before = preprocessing(description, params)
    seed = load_section(options.params, "seed", Seed)
    network = initialized_network(params, before.shape, wanted_outputs(description, params), seed)
    print(as_section(proposed_layers(network, before.shape)))


def as_section(layers: Mapping[str, tuple[Layer, tuple[int, ...]]]) -> str:
    """Return section `layers` as YAML, one line for each layer, with the size of its module's output."""
    lines = ["layers:"]
    for name, (layer, size) in layers.items():
        chosen = layer.model_dump(exclude_none=True)
        text = layer.module if layer.is_whole else "{" + ", ".join(f"{key}: {chosen[key]}" for key in chosen) + "}"
        key = as_text({name: None}).partition(":")[0]
        lines.append(f"  {key}: {text}".ljust(60) + f"  # {' x '.join(map(str, size))}")
    return "\n".join(lines)


if __name__ == "__main__":
    run_stage(main)
