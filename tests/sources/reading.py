"""Own data read as the download stage reads it, and the one line with which it refuses what it cannot read."""

from pathlib import Path

import pytest

from strata.core.errors import StrataError
from strata.sources.labelled_arrays import OwnData
from strata.sources.own_data import read_own_data
from tests.sources.test_own_data import params


def read(path: Path, **changes: object) -> OwnData:
    return read_own_data(path, params(**changes))


def fault(path: Path, **changes: object) -> str:
    with pytest.raises(StrataError) as caught:
        read(path, **changes)
    message = str(caught.value).replace(str(path), "x")
    assert "\n" not in message and len(message) <= 200
    return message
