"""Parquet files with text metadata: damage gives one clear line, and a file is written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from strata.core.errors import StrataError, in_short
from strata.core.files import whole_file

COMPRESSION = "zstd"


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file. Raises StrataError if it is missing, truncated or not Parquet."""
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise StrataError(f"{path} is missing; run `dvc repro`") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> StrataError:
    """Return the error for a Parquet file that cannot be read."""
    return StrataError(
        f"{path} is damaged or not Parquet: {in_short(str(error).splitlines()[0], 60)}; run `dvc repro -f`"
    )


def read_table(path: Path, columns: Mapping[str, pa.DataType]) -> tuple[pa.Table, dict[str, str]]:
    """Return the named columns of a Parquet file, which must have the given types and no nulls, and its metadata."""
    with open_parquet(path) as file:
        try:
            table = file.read(columns=list(columns))
            table.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, error) from None
    for name, kind in columns.items():
        if name not in table.column_names or table.schema.field(name).type != kind or table[name].null_count:
            raise StrataError(f"{path}: column '{name}' must be {kind} without nulls; run `dvc repro -f`")
    return table, text_metadata(table.schema)


def text_metadata(schema: pa.Schema) -> dict[str, str]:
    """Return a schema's metadata as text."""
    return {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for key, value in (schema.metadata or {}).items()
    }


def write_table(path: Path, table: pa.Table, metadata: Mapping[str, str]) -> None:
    """Write a table with metadata, whole or not at all; the same content gives the same bytes."""
    with whole_file(path) as part:
        pq.write_table(table.replace_schema_metadata(dict(metadata)), part, compression=COMPRESSION)
