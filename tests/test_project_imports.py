"""The finder of imports that the contract test relies on."""

from pathlib import Path

from tests.project_imports import imported_files


def test_imports_are_followed_through_modules_functions_and_templates(tmp_path):
    (tmp_path / "stages").mkdir()
    (tmp_path / "strata/sub").mkdir(parents=True)
    (tmp_path / "strata/__init__.py").write_text('"""Only words."""\n')
    (tmp_path / "strata/sub/__init__.py").write_text("X = 1\n")
    (tmp_path / "strata/sub/a.py").write_text("def f():\n    import strata.b\n")
    (tmp_path / "strata/b.py").write_text("import numpy\nPAGE = 'page.html'\nOTHER = 'absent.html'\n")
    (tmp_path / "strata/page.html").write_text("")
    (tmp_path / "strata/unused.py").write_text("")
    (tmp_path / "stages/one.py").write_text("from strata.sub.a import f\n")
    expected = {"stages/one.py", "strata/sub/__init__.py", "strata/sub/a.py", "strata/b.py", "strata/page.html"}
    assert imported_files(Path("stages/one.py"), tmp_path) == {Path(name) for name in expected}
