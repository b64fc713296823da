"""The places in the network where one can look: the layers' names, and the modules whose output they are."""

from collections.abc import Iterable, Mapping

from strata.errors import StrataError

# Layer's name -> path of the module whose output it is.
LAYER_MODULES = {
    "input": "input",
    "h1": "relu1",
    "h2": "pool1",
    "h3": "relu2",
    "h4": "pool2",
    "h5": "relu3",
    "h6": "output",
}
OUTPUT_LAYER = "h6"


def modules_of(layers: Iterable[str], table: Mapping[str, str]) -> dict[str, str]:
    """Return layer's name -> module's path for the chosen layers. Raises StrataError for a name not in the table."""
    layers = list(layers)
    for layer in layers:
        if layer not in table:
            raise StrataError(f"params.yaml: layers: the network has no layer '{layer}'; allowed: {', '.join(table)}")
    return {layer: table[layer] for layer in layers}
