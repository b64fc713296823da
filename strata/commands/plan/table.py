"""The plan as text: the layers, the points that settings need, and what each stage takes."""

from collections.abc import Sequence

from strata.commands.plan.needs import StageNeeds, amount
from strata.commands.plan.points import PointsNeeded
from strata.commands.plan.trial import LayerTrial

NOTHING = "-"


def point_table(rows: Sequence[PointsNeeded]) -> str:
    """Return one line per setting that needs a number of points."""
    cells = [
        (row.stage, row.setting, "more than any" if row.needed is None else f"{row.needed:,}", f"{row.available:,}")
        for row in rows
    ]
    return _aligned([("stage", "setting", "points needed", "points"), *cells])


def layer_table(trials: Sequence[LayerTrial]) -> str:
    """Return one line per layer: its units, its shape, what is taken, and its bytes on disk per sample."""
    cells = [
        (
            each.name,
            f"{each.units:,}",
            " x ".join(map(str, each.shape)),
            str(each.chosen),
            amount(each.file_bytes),
        )
        for each in trials
    ]
    return _aligned([("layer", "units", "shape", "taken", "a sample on disk"), *cells])


def stage_table(stages: Sequence[StageNeeds]) -> str:
    """Return one line per stage: disk, scratch, and the memory of its processes, each at its peak."""
    cells = [
        (
            stage.stage,
            _amount(stage.disk),
            _amount(stage.scratch),
            _amount(stage.main),
            f"{stage.workers} x {amount(stage.worker)}" if stage.workers else NOTHING,
            _amount(stage.memory),
        )
        for stage in stages
    ]
    return _aligned([("stage", "disk", "scratch", "its process", "workers", "memory in all"), *cells])


def in_brief(stages: Sequence[StageNeeds]) -> str:
    """Return in a few words what the stages need: memory of the largest with one worker, and disk."""
    largest = max(stages, key=lambda stage: stage.least_memory)
    meanwhile = max(stage.scratch for stage in stages)
    left = sum(stage.disk for stage in stages)
    return (
        f"{amount(largest.least_memory)} of memory in {largest.stage}, {amount(left)} of disk,"
        f" and {amount(meanwhile)} more meanwhile"
    )


def _amount(size: float) -> str:
    return amount(size) if size else NOTHING


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
