"""What cannot fit, in one line: what was found, and the setting to change."""

from collections.abc import Sequence

from strata.commands.plan.needs import StageNeeds, amount
from strata.core.errors import StrataError
from strata.core.limits import MARGIN

DISK_MARGIN = 1.1  # estimates of files were at least 0.95 of what was written (benchmarks/plan.md)

FOR_MEMORY = {
    "train": "lower train.batch_size or train.test_batch_size, or resize the images (dataset.image_side)",
    "replicate": "set replicate.networks: 1, or STRATA_PROCESSES=1",
    "extract": "lower extract.batch_size, or give layer {layer} a pool or project",
    "embed": "give layer {layer} a pool or project, lower embed.perplexity, or extract less",
    "measure": "lower measure.samples, or give layer {layer} a pool or project",
    "report": "lower report.page_samples, or extract less",
}
FOR_DISK = {
    "extract": "give layer {layer} a pool or project, or leave out layers",
    "measure": "lower measure.samples, or give layer {layer} a pool or project",
}


def check_memory(stages: Sequence[StageNeeds], available: float, widest: str) -> None:
    """Raise StrataError if a stage, with a single worker process, may need more memory than there is.

    The needs are estimates: what only just fits would fail where they are low, so `MARGIN` times as much must fit.
    """
    for stage in stages:
        most = MARGIN * stage.least_memory
        if most > available:
            raise StrataError(
                f"{stage.stage} may need {amount(most)} of memory, and {amount(available)} are free:"
                f" {FOR_MEMORY[stage.stage].format(layer=widest)}"
            )


def check_disk(stages: Sequence[StageNeeds], free: float, copies: int, widest: str) -> None:
    """Raise StrataError if what the stages leave, in so many `copies`, and what they need meanwhile exceeds the disk.

    Stages run one after another: what those before have written is there. DVC makes the second copy after a stage.
    """
    left = 0.0
    for stage in stages:
        need = DISK_MARGIN * stage.disk
        running, done = left + need + DISK_MARGIN * stage.scratch, left + copies * need
        if max(running, done) > free:
            cache = "with DVC's cache " if running <= free else ""
            raise StrataError(
                f"{stage.stage}: {cache}{amount(max(running, done))} of disk needed, {amount(free)} free:"
                f" {FOR_DISK.get(stage.stage, 'free some').format(layer=widest)}"
            )
        left = done
