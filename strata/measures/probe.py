"""A linear probe: how much a linear classifier can read from a layer (Alain & Bengio 2017)."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from strata.core import streams

ITERATIONS = 300


def probe_features(
    train: NDArray[np.floating], test: NDArray[np.floating], components: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the probe reads of train (n, D) and test (t, D): each feature standardized by its training values.

    Where D and n are above `components`, the leading principal components of `train` stand for the units (randomized,
    drawn from `seed`).
    """
    if train.shape[1] > components and len(train) > components:
        pca = PCA(
            components, svd_solver="randomized", iterated_power=1, random_state=streams.probe_components(seed)
        ).fit(train)
        train, test = pca.transform(train), pca.transform(test)
    scaler = StandardScaler().fit(train.astype(np.float64))
    return scaler.transform(train.astype(np.float64)), scaler.transform(test.astype(np.float64))


def linear_probe(
    train: NDArray[np.float64], labels: NDArray[np.integer], test: NDArray[np.float64], penalty: float
) -> NDArray[np.intp]:
    """Return the classes (t,) that a multinomial logistic regression, fitted to train (n, F), predicts of test (t, F).

    The loss is the sum of the negative log-likelihoods plus `penalty` / 2 times the squared weights. The prediction is
    constant where the training labels are all one class.
    """
    if (labels == labels[0]).all():
        return np.full(len(test), labels[0], dtype=np.intp)
    model = LogisticRegression(C=1 / penalty, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        # After so many steps the predictions have long settled; labels that are noise take longer to fit.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes is greater", UserWarning)
        model.fit(train, labels)
    return model.predict(test).astype(np.intp)
