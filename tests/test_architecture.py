"""The drawing of the house, held: who may import whom, how long a module may be, where imports stand."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOTS = {"otpgate_contracts": ROOT / "contracts", "otpgate_fakes": ROOT / "fakes", "otpgate": ROOT / "harness"}
MODULES = sorted(path for root, folder in ROOTS.items() for path in (folder / root).rglob("*.py"))
LINE_LIMIT = 400

# Package or module -> packages of this project it must not import.
FORBIDDEN = {
    "otpgate_contracts": ("otpgate", "otpgate_fakes"),
    "otpgate_fakes": ("otpgate",),
    "otpgate": ("otpgate_fakes",),
    "otpgate.findings": ("otpgate.config", "otpgate.rules", "otpgate.engines", "otpgate.scenarios", "otpgate.reports"),
    "otpgate.config": ("otpgate.rules", "otpgate.engines", "otpgate.scenarios", "otpgate.reports", "otpgate.checks"),
    "otpgate.rules": ("otpgate.engines", "otpgate.scenarios", "otpgate.reports", "otpgate.client"),
    "otpgate.reports": ("otpgate.config", "otpgate.rules", "otpgate.engines", "otpgate.scenarios", "otpgate.checks"),
    "otpgate.engines": ("otpgate.rules", "otpgate.checks", "otpgate.scenarios", "otpgate.reports"),
    "otpgate.client": ("otpgate.rules", "otpgate.checks", "otpgate.scenarios", "otpgate.reports"),
}
ROOFS = ("otpgate.cli", "otpgate.pytest_plugin", "otpgate.commands")
# What rules and contracts may not touch: network, clock, processes.
PURE = {"otpgate.rules": ("requests", "urllib.request", "socket", "subprocess", "http.client", "asyncio")}
# Where a late import is the point: commands load what they need, optional extras are optional.
LATE = ("otpgate.cli", "otpgate.commands", "otpgate.pytest_plugin", "otpgate.gate", "otpgate.options")


def name_of(path: Path) -> str:
    """Dotted module name of a file under one of the roots."""
    folder = next(folder for folder in ROOTS.values() if folder in path.parents)
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def under(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports(path: Path) -> list[tuple[int, str, bool]]:
    """(line, imported name, stands inside a function) of every import; type-checking ones left out."""
    tree = ast.parse(path.read_text())
    found: list[tuple[int, str, bool]] = []

    def visit(node: ast.AST, inside: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name, inside) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.lineno, node.module, inside))
            found.extend((node.lineno, f"{node.module}.{alias.name}", inside) for alias in node.names)
        deeper = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, deeper)

    visit(tree, False)
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_the_drawing_allows(path: Path) -> None:
    """Import directions are those of the architecture, with file and line where they are not."""
    name = name_of(path)
    wrong = []
    for line, imported, _ in imports(path):
        for package, forbidden in (*FORBIDDEN.items(), *PURE.items()):
            if under(name, package) and any(under(imported, target) for target in forbidden):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {name} imports {imported}")
        if any(under(imported, roof) for roof in ROOFS) and not any(under(name, roof) for roof in (*ROOFS, "otpgate.__main__", "otpgate.pages")):
            wrong.append(f"{path.relative_to(ROOT)}:{line}: {name} imports the roof {imported}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_stays_short(path: Path) -> None:
    """A module over the limit has two ideas in it."""
    lines = len(path.read_text().splitlines())
    assert lines < LINE_LIMIT, f"{path.relative_to(ROOT)} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_stand_at_the_top(path: Path) -> None:
    """An import inside a function hides a dependency; the few places where that is the point are listed."""
    name = name_of(path)
    late = [] if any(under(name, allowed) for allowed in LATE) else [
        f"{path.relative_to(ROOT)}:{line}: {imported}" for line, imported, inside in imports(path) if inside
    ]
    assert not late, "\n".join(late)


def test_the_drawing_would_notice_a_wrong_import(tmp_path: Path) -> None:
    """The walk sees imports in functions and leaves type-checking ones out."""
    sample = tmp_path / "sample.py"
    sample.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import otpgate\ndef f():\n    import otpgate_fakes.core\n"
    )
    assert imports(sample) == [(1, "typing", False), (1, "typing.TYPE_CHECKING", False), (5, "otpgate_fakes.core", True)]


def provider_words() -> list[str]:
    """Ids of the providers, which only their own folders may mention; what users describe themselves has no name of its own."""
    written = (ROOT / "contracts/otpgate_contracts").glob("*/provider.yaml")
    return sorted(path.parent.name for path in written if "\ndescribed: true\n" not in path.read_text())


@pytest.mark.parametrize("path", [
    path for path in MODULES
    if under(name_of(path), "otpgate") or under(name_of(path), "otpgate_fakes.core")
], ids=name_of)
def test_no_provider_is_named_outside_its_folders(path: Path) -> None:
    """Code of harness and fakes/core names no provider; docstrings may, as examples."""
    tree = ast.parse(path.read_text())
    documentation = {
        node.body[0].value for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.body and isinstance(node.body[0], ast.Expr)
    }
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {word}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation
        for word in provider_words() if word in node.value.lower()
    ]
    assert not wrong, "\n".join(wrong)
