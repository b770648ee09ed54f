"""No two modules import each other, directly or through others. (lint-imports checks the layers.)"""

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
