"""Files that are whole or not there."""

import json
from pathlib import Path

import pandas as pd
import pytest

from strata.core.files import whole_file, whole_folder, write_csv, write_json, write_text


class DiskFullError(Exception):
    """What a test raises in the middle of writing."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with whole_file(path) as part:
        part.write_text("whole")
        assert names(path.parent) == [".file.txt.part"]
    assert path.read_text() == "whole"
    assert names(path.parent) == ["file.txt"]


@pytest.mark.parametrize("before", [None, "old"])
def test_an_error_leaves_what_was_there_and_nothing_else(before, tmp_path):
    path = tmp_path / "file.txt"
    if before:
        path.write_text(before)
    with pytest.raises(DiskFullError), whole_file(path) as part:
        part.write_text("half")
        raise DiskFullError
    assert (path.read_text() if before else None) == before
    assert names(tmp_path) == (["file.txt"] if before else [])


def test_a_link_under_the_temporary_name_is_replaced_not_followed(tmp_path):
    (tmp_path / "precious").write_text("as it was")
    (tmp_path / ".file.part").symlink_to(tmp_path / "precious")
    write_text(tmp_path / "file", "new")
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path)} == {"file": "new", "precious": "as it was"}


def test_an_interrupt_leaves_no_part(tmp_path):
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "file.txt") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_nothing_written_is_an_error_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), whole_file(path):
        pass
    assert path.read_text() == "old"


def test_a_part_left_by_a_killed_run_does_no_harm(tmp_path):
    (tmp_path / ".file.txt.part").write_text("a longer text from a run that was killed")
    write_text(tmp_path / "file.txt", "new\n")
    assert (tmp_path / "file.txt").read_bytes() == b"new\n"
    assert names(tmp_path) == ["file.txt"]


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "file.txt", "お\nb\n")
    assert (tmp_path / "file.txt").read_bytes() == "お\nb\n".encode()


def test_json_keeps_the_order_of_the_keys_and_ends_in_a_line_end(tmp_path):
    write_json(tmp_path / "file.json", {"b": 0.1, "a": ["お", None]})
    text = (tmp_path / "file.json").read_text(encoding="utf-8")
    assert text == '{\n  "b": 0.1,\n  "a": [\n    "お",\n    null\n  ]\n}\n'
    assert json.loads(text) == {"b": 0.1, "a": ["お", None]}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_refuses_what_json_has_not_and_leaves_the_old_file(number, tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": [number]})
    assert json.loads(path.read_text()) == {"a": 1}
    assert names(tmp_path) == ["file.json"]


def test_csv_has_no_index_unix_line_ends_and_six_digits(tmp_path):
    table = pd.DataFrame({"id": [0, 1], "x": [1 / 3, 1e-9], "label": ["T-shirt/top", 'a "b", c']})
    write_csv(tmp_path / "table.csv", table)
    expected = b'id,x,label\n0,0.333333,T-shirt/top\n1,1e-09,"a ""b"", c"\n'
    assert (tmp_path / "table.csv").read_bytes() == expected


def test_a_folder_is_replaced_when_it_is_whole(tmp_path):
    for names_written in (["a", "b"], ["c"], []):
        with whole_folder(tmp_path / "new/folder") as part:
            for name in names_written:
                (part / name).touch()
            assert names(part.parent)[0] == ".folder.part"
        assert names(tmp_path / "new/folder") == names_written
        assert names(tmp_path / "new") == ["folder"]


def test_an_error_leaves_the_folder_that_was_there(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/old").touch()
    (tmp_path / ".folder.part").mkdir()  # of a run that was killed
    with pytest.raises(DiskFullError), whole_folder(tmp_path / "folder") as part:
        (part / "half").touch()
        raise DiskFullError
    assert names(tmp_path) == ["folder"] and names(tmp_path / "folder") == ["old"]
