"""The network for the page, which runs it on what a reader draws: its steps, with weights in 16 bits."""

from typing import Any

from strata.report.page.inputs import ReportInputs
from strata.report.page.packing import MAX_SIDE, packed_positions

MOST_PIXELS = 64  # per side of what can be drawn by hand


def network_for_page(inputs: ReportInputs) -> dict[str, Any] | None:
    """Return the network's steps for the page, or why it has none; None where a run says nothing of it."""
    network = inputs.network
    if network is None:
        return None
    reason = network.reason or _not_drawable(inputs)
    if reason is not None:
        return {"reason": reason}
    return {
        "mean": network.mean,
        "std": network.std,
        "layers": dict(network.layers),
        "steps": [
            {
                "kind": step.kind,
                **step.settings,
                **{
                    name: packed_positions(values.ravel()) | {"shape": list(values.shape)}
                    for name, values in step.tensors.items()
                },
            }
            for step in network.steps
        ],
    }


def _not_drawable(inputs: ReportInputs) -> str | None:
    """Return why nobody can draw such images with a mouse, if so."""
    height, width = inputs.images.shape[1:3]
    if inputs.images.ndim != 3:
        return "its images are in colour"
    if max(height, width) > min(MOST_PIXELS, MAX_SIDE):
        return f"its images are {height} x {width}, too large to draw"
    return None
