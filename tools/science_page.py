"""Writes docs/science.md: published findings beside those of the committed run, from its tables in reports/.

python -m tools.science_page    # after `dvc repro`
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from strata.artifacts.measured import TRAINED, UNTRAINED
from strata.report.page.findings import outside_first_interval

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/science.md"
HEAD = """# What the default run says about published findings

This page is made from the tables in `reports/` by `python -m tools.science_page`, so its numbers are those of the
committed run: {points:,} test digits, a small CNN ({accuracy:.1%} of the test images right), {networks} networks in
all. One small network on easy data can disagree with a paper without contradicting it.

- *Agrees*: the pattern is there, and wider than the 95% intervals.
- *Agrees in part*, *does not agree*: what is missing is named.

Each measure's definition, source, interval and limits are in [measures.md](measures.md), and how often the intervals
hold in [coverage.md](coverage.md).

| published | here | |
|---|---|---|
"""
TAIL = """
## How to read the numbers

- **An interval is about other test images**, for this network as it is trained. The spread over networks is another
  thing: the hatched bands of `reports/figures/measures.png`, and `reports/networks.csv`.
  {outside}
- **The control is half of the finding.** What the untrained twin reaches is due to architecture and data, not training.
- **Layers are compared at their own scale.** A dimension or a share of neighbours is that for this number of points.
- **A probe or a neighbour reads what could be used.** None of the measures shows what the network does use.
"""


@dataclass(frozen=True)
class Tables:
    """The run's tables: measures by (measure, control, layer), the same by network, the metrics, and the layers."""

    measures: pd.DataFrame
    networks: pd.DataFrame
    metrics: dict[str, object]
    training: dict[str, float]
    layers: list[str]

    def column(self, measure: str, control: str, name: str = "value") -> pd.Series:
        """Return a measure's values, or bounds, by layer."""
        rows = self.measures[(self.measures["measure"] == measure) & (self.measures["control"] == control)]
        return rows.set_index("layer")[name].reindex(self.layers).dropna()


@dataclass(frozen=True)
class Finding:
    """A published finding, what the run says, and whether it agrees."""

    published: str
    here: str
    verdict: str


def read_tables(folder: Path) -> Tables:
    """Return the tables of a reports folder."""
    measures = pd.read_csv(folder / "measures.csv", keep_default_na=False, na_values=[""])
    return Tables(
        measures,
        pd.read_csv(folder / "networks.csv"),
        json.loads((folder / "measures.json").read_text(encoding="utf-8")),
        json.loads((folder / "training.json").read_text(encoding="utf-8")),
        list(dict.fromkeys(measures["layer"])),
    )


def dimension_hunchback(tables: Tables) -> Finding:
    """Ansuini et al. 2019: rise, then fall; not in the untrained network."""
    values, low, high = (tables.column("intrinsic_dimension", TRAINED, name) for name in ("value", "low", "high"))
    untrained = tables.column("intrinsic_dimension", UNTRAINED)
    hidden = low.iloc[1:-1]
    rises = bool((hidden > high.iloc[0]).any())
    falls = bool((hidden.max() > high.iloc[-1]) if rises else low.iloc[0] > high.iloc[-1])
    last_hidden = untrained.iloc[-2]
    grows = bool(last_hidden > tables.column("intrinsic_dimension", UNTRAINED, "high").iloc[0])
    text = (
        f"Trained: {listed(values)}. {'It rises first' if rises else 'It does not rise first'},"
        f" {'and falls' if falls else 'and does not fall'} to the output. Untrained: {listed(untrained)}: it"
        f" {'grows' if grows else 'does not grow'} from the input to {untrained.index[-2]}."
    )
    verdict = agreement([rises, falls, grows], ["no rise", "no fall", "the untrained dimension does not stay high"])
    return Finding(
        "**Ansuini et al. 2019**: the intrinsic dimension rises in the first layers, then falls; in untrained networks"
        " it stays high.",
        text,
        verdict,
    )


def layers_identified(tables: Tables) -> Finding:
    """Kornblith et al. 2019: CKA finds the same layer in networks of other seeds."""
    share = tables.metrics.get("layers_identified")
    published = (
        "**Kornblith et al. 2019**: of all layers of a network from another seed, the same one is most alike by CKA"
        " (99.3% of cases for ten layers on CIFAR-10)."
    )
    if not isinstance(share, float):
        return Finding(published, "Only one network was trained.", "not tested")
    count = tables.networks["network"].nunique()
    compared = len(tables.layers) - 1
    text = (
        f"{share:.0%} of {compared * count * (count - 1)} cases: {compared} layers of {count} networks, in both orders."
    )
    return Finding(
        published, text, "agrees" if share >= 0.95 else "does not agree: some layers are mistaken for others"
    )


def probes_rise(tables: Tables) -> Finding:
    """Alain & Bengio 2017: what a linear probe reads grows with depth."""
    values, low, high = (tables.column("probe_accuracy", TRAINED, name) for name in ("value", "low", "high"))
    untrained = tables.column("probe_accuracy", UNTRAINED)
    rises = bool(low.iloc[-1] > high.iloc[0])
    never_falls = all(high.iloc[place] >= low.iloc[:place].max() for place in range(1, len(high)))
    learned = bool(tables.column("probe_accuracy", UNTRAINED, "high").iloc[-1] < low.iloc[-1])
    best = untrained.idxmax()
    text = (
        f"Trained: {percents(values)}. No layer is below one before it by more than the intervals: {yes(never_falls)}."
        f" Untrained: {percents(untrained)}; its best layer is {best}. What it gains over the pixels is due to the"
        " architecture."
    )
    verdict = agreement(
        [rises, never_falls, learned], ["no rise", "it falls on the way", "the untrained network does as well"]
    )
    return Finding("**Alain & Bengio 2017**: the accuracy of linear probes rises with depth.", text, verdict)


def collapse(tables: Tables) -> Finding:
    """Papyan, Han & Donoho 2020: variability collapse, a simplex of means, self-duality, in the last hidden layer."""
    last = tables.layers[-2]
    names = {
        "collapse_variability": "NC1",
        "collapse_norms": "NC2, norms",
        "collapse_angles": "NC2, angles",
        "collapse_duality": "NC3",
    }
    texts, holds = [], []
    for measure in names:
        trained, twin = (tables.column(measure, control)[last] for control in (TRAINED, UNTRAINED))
        texts.append(f"{names[measure]} {trained:.2f} (untrained {twin:.2f})")
        holds.append(
            bool(tables.column(measure, TRAINED, "high")[last] < tables.column(measure, UNTRAINED, "low")[last])
        )
    far = tables.column("collapse_variability", TRAINED)[last]
    text = (
        f"In {last}, on test images: {', '.join(texts)}; 0 would be full collapse. Training is stopped long before the"
        f" phase that the paper studies, so NC1 is still {far:.2f}."
    )
    missing = [f"{name} does not fall" for name, hold in zip(names.values(), holds, strict=True) if not hold]
    verdict = (
        "agrees in direction; collapse is not complete" if not missing else "agrees in part: " + ", ".join(missing)
    )
    return Finding(
        "**Papyan, Han & Donoho 2020**: late in training, classes in the last hidden layer shrink to their means (NC1),"
        " which form a simplex (NC2) and align with the classifier (NC3).",
        text,
        verdict,
    )


FINDINGS: tuple[Callable[[Tables], Finding], ...] = (dimension_hunchback, layers_identified, probes_rise, collapse)


def outside_sentence(tables: Tables) -> str:
    """Return how often another network's value lies outside the first one's interval."""
    outside = outside_first_interval(tables.networks)
    if outside.empty:
        return "Only one network was trained here."
    return f"Here {outside.sum()} of {len(outside)} values of the other networks lie outside the interval of the first."


def listed(values: pd.Series) -> str:
    return ", ".join(f"{layer} {value:.1f}" for layer, value in values.items())


def percents(values: pd.Series) -> str:
    return ", ".join(f"{layer} {value:.1%}" for layer, value in values.items())


def yes(holds: bool) -> str:
    return "yes" if holds else "no"


def agreement(holds: list[bool], missing: list[str]) -> str:
    """Return whether a finding with several parts agrees, and which parts do not."""
    lacks = [text for hold, text in zip(holds, missing, strict=True) if not hold]
    if not lacks:
        return "agrees"
    return ("does not agree: " if len(lacks) == len(holds) else "agrees in part: ") + ", ".join(lacks)


def science_page(tables: Tables) -> str:
    """Return docs/science.md."""
    head = HEAD.format(
        points=tables.metrics["points"],
        accuracy=tables.training["test_accuracy"],
        networks=tables.networks["network"].nunique(),
    )
    rows = [finding(tables) for finding in FINDINGS]
    table = "".join(f"| {row.published} | {row.here} | {row.verdict} |\n" for row in rows)
    return head + table + TAIL.format(outside=outside_sentence(tables))


if __name__ == "__main__":
    PAGE.write_text(science_page(read_tables(ROOT / "reports")), encoding="utf-8")
