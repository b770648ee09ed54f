"""No two modules import each other, and no test module imports another. (lint-imports checks the layers.)"""

import re
import tomllib

import grimp

from core.data_folder import PROJECT


def test_there_are_no_circular_imports() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    graph = grimp.build_graph(
        *settings["tool"]["importlinter"]["root_packages"], exclude_type_checking_imports=True
    )
    left = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    while leaves := {name for name, imported in left.items() if not imported & left.keys()}:
        left = {name: imported for name, imported in left.items() if name not in leaves}
    assert not left, f"These import each other: {sorted(left)}"


def test_no_test_module_imports_another() -> None:
    """Helpers are in modules of their own, so that a test module can be changed or deleted alone."""
    imports = re.compile(r"^\s*(?:from (?:tests|\.).*|import tests\.[\w.]*)\btest_.*", re.MULTILINE)
    modules = (PROJECT / "tests").rglob("*.py")
    found = {module.name: lines for module in modules if (lines := imports.findall(module.read_text()))}
    assert not found
