"""Export: a run's artifacts in the formats of other tools: TensorBoard's projector, Embedding Atlas, arrays.

python -m strata.commands.export.main --out exports [--layers h4 h5]
"""

from collections.abc import Sequence
from pathlib import Path

from strata.artifacts.run import RunArtifacts
from strata.commands.export.arrays import write_arrays, write_layer
from strata.commands.export.atlas import write_atlas
from strata.commands.export.inputs import load_export_inputs
from strata.commands.export.projector import CONFIG, write_projector
from strata.core.console import progress, say
from strata.core.errors import StrataError
from strata.core.paths import Paths
from strata.core.stage import run_stage, stage_parser

# The files that other tools open first: removed before an export, and written after all files that they name.
LAST = (f"tensorboard/{CONFIG}", "arrays/samples.csv", "atlas/samples.parquet")
OF_A_LAYER = (
    *("arrays/{}.npy", "arrays/maps/{}.npy"),
    *("tensorboard/layers/{}.bytes", "tensorboard/layers/{}.tsv", "tensorboard/maps/{}.tsv"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("exports"), help="default: %(default)s")
    parser.add_argument("--layers", nargs="+", metavar="LAYER", help="default: all of params.yaml")
    options = parser.parse_args(arguments)
    run = RunArtifacts(Paths.of(options.data, Path("reports")), options.params)
    order = list(run.chosen_layers)
    chosen = chosen_layers(options.layers, order)
    inputs = load_export_inputs(run, chosen)
    if inputs.measured is None:
        say(f"export: {run.paths.measures} does not exist; commit layers and neighbours are left out")
    out = options.out
    for name in LAST:
        (out / name).unlink(missing_ok=True)
    earlier = {path.stem for path in (out / "arrays/maps").glob("*.npy")}  # perhaps from another network
    for layer in earlier.union(order).difference(chosen):
        for name in OF_A_LAYER:
            (out / name.format(layer)).unlink(missing_ok=True)
    arrays = {layer: out / "arrays" / f"{layer}.npy" for layer in chosen}
    for layer in progress(chosen, "export", len(chosen), "layer"):
        write_layer(arrays[layer], layer, inputs)
    write_arrays(out / "arrays", inputs)
    write_atlas(out / "atlas/samples.parquet", inputs, arrays)
    write_projector(out / "tensorboard", inputs, arrays)
    say(f"export: {len(inputs.images)} samples of {len(chosen)} layers in {out}")


def chosen_layers(names: Sequence[str] | None, order: Sequence[str]) -> list[str]:
    """Return the named layers, or all, in the run's order. Raises StrataError for one that the run does not have."""
    for name in names or ():
        if name not in order:
            raise StrataError(f"export: the run has no layer '{name}'; allowed: {', '.join(order)}")
    return [layer for layer in order if names is None or layer in names]


if __name__ == "__main__":
    run_stage(main)
