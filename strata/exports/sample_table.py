"""What is known of each sample as one table, with the classes' and layers' names in words."""

import numpy as np
import pandas as pd

from strata.exports.inputs import ExportInputs
from strata.measures.decisions import NEVER

KINDS = ("late", "flip_flopper", "right_then_lost")


def sample_table(inputs: ExportInputs) -> pd.DataFrame:
    """Return one row a sample, in the order of the arrays; what was not measured of a sample is missing there.

    `commit_layer` is a layer's name or 'never', `commit_depth` its place among all layers, missing for 'never'.
    """
    samples, classes = inputs.samples, np.array(inputs.dataset.classes, dtype=object)
    table = pd.DataFrame(
        {
            "sample_id": samples.sample_id,
            "label": samples.label,
            "label_name": classes[samples.label],
            "predicted": samples.predicted,
            "predicted_name": classes[samples.predicted],
            "correct": samples.label == samples.predicted,
            "log_probability": samples.log_probability,
            "confidence": samples.confidence,
            "split": samples.split.astype(object),
        }
    )
    if inputs.measured is None:
        return table
    decisions = inputs.measured.decisions
    names = np.array([*inputs.order, "never"], dtype=object)  # NEVER, -1, is the last
    depth = pd.Series(decisions.commit_layer, dtype="Int16")
    measured = pd.DataFrame(
        {
            "commit_layer": names[decisions.commit_layer],
            "commit_depth": depth.mask(depth == NEVER),
            "flips": pd.Series(decisions.flips, dtype="Int16"),
            **{kind: pd.Series(getattr(decisions, kind), dtype="boolean") for kind in KINDS},
        }
    ).set_index(pd.Index(decisions.sample_id, name="sample_id"))
    return table.join(measured, on="sample_id")
