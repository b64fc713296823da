"""Report: every figure as PNG and SVG, and one page with all of them.

python -m stages.report --data data --out reports
"""

from collections.abc import Sequence

from strata.core.paths import stage_arguments
from strata.core.stage import run_stage
from strata.jobs.pool import import_ahead


def main(arguments: Sequence[str] | None = None) -> None:
    given = stage_arguments(__doc__, arguments, out="reports")
    import_ahead(["strata.report.whole_report"])
    from strata.report.whole_report import write_report

    write_report(*given)


if __name__ == "__main__":
    run_stage(main)
