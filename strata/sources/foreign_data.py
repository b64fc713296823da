"""Files of data in forms that Strata does not read: what each is, and what to type."""

from pathlib import Path

ARRAYS = "np.savez('mine.npz', images=..., labels=...)"
ARCHIVE = "an archive: unpack it, and name the folder"
PICKLE = f"a pickle, which can run code: where you trust it, {ARRAYS}"
ARROW = "in Arrow's form: dataset.to_parquet('train.parquet')"
SUFFIXES = {
    ".zip": ARCHIVE,
    ".tar": ARCHIVE,
    ".tgz": ARCHIVE,
    ".gz": "compressed: unpack it with gunzip, or tar -xzf",
    ".7z": ARCHIVE,
    ".rar": ARCHIVE,
    ".npy": f"one array, without labels: {ARRAYS}",
    ".pkl": PICKLE,
    ".pickle": PICKLE,
    ".pt": PICKLE,
    ".pth": PICKLE,
    ".h5": f"HDF5: read it with h5py, then {ARRAYS}",
    ".hdf5": f"HDF5: read it with h5py, then {ARRAYS}",
    ".mat": f"Matlab's: read it with scipy.io.loadmat, then {ARRAYS}",
    ".arrow": ARROW,
    ".tfrecord": f"TensorFlow's records: {ARRAYS}",
    ".json": f"JSON: {ARRAYS}, or class folders",
    ".jsonl": f"JSON: {ARRAYS}, or class folders",
}


def foreign_form(path: Path) -> str:
    """Return what a file is by its name, and what to type; nothing if its form is not known."""
    form = SUFFIXES.get(path.suffix.casefold(), "")
    return f"is {form}" if form else ""
