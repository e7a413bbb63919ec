"""The house as failing tests: which way imports go, what the rules never touch, sizes and names."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("protocol", "oracles", "stress", "forks", "scripts")
MODULES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))

LONG_MODULES: dict[str, str] = {}
"""Modules over 400 lines, each with the reason why it is not two."""

NOT_FOR_RULES = {
    "asyncio", "datetime", "io", "math", "os", "pathlib", "random", "secrets", "shutil", "socket",
    "subprocess", "tempfile", "time", "urllib",
}  # fmt: skip
"""Standard modules that open files or sockets, read clocks, draw at random or compute with floats."""


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=name_of(file))


def imports_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def functions_of(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", *config]
    environment = {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


# --- which way imports go ---


def test_imports_go_one_way():
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("protocol/rule.py", "import oracles"),
        ("protocol/rule.py", "import web3"),
        ("oracles/feed.py", "import stress"),
        ("stress/engine.py", "import forks"),
        ("forks/node.py", "import scripts"),
    ],
)
def test_an_import_the_wrong_way_is_reported(tmp_path: Path, module: str, line: str):
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    kept = lint_imports(tmp_path)
    (tmp_path / module).write_text(line + "\n")
    broken = lint_imports(tmp_path)

    assert (kept.returncode, broken.returncode) == (0, 1), kept.stdout + broken.stdout + broken.stderr


def test_nothing_imports_the_tests():
    guilty = [
        name_of(file)
        for file in MODULES
        if any(re.match(r"tests\b", name) for name in imports_of(tree_of(file)))
    ]

    assert guilty == []


def test_no_rule_set_imports_a_sibling():
    shared = {"fixed_point"}
    folders = {folder.name for folder in (ROOT / "protocol").iterdir() if (folder / "__init__.py").exists()}
    guilty = [
        (name_of(file), name)
        for own in folders - shared
        for file in (ROOT / "protocol" / own).rglob("*.py")
        for name in imports_of(tree_of(file))
        if re.match(rf"protocol\.({'|'.join(folders - shared - {own}) or 'none'})\b", name)
    ]

    assert guilty == []


# --- what the rules never touch ---


def impurities(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and kind of everything in a rule that is not exact arithmetic on what it was given.

    Where a module computes with fractions, `/` is exact too.
    """
    fractions = "fractions" in imports_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, "float literal"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and not fractions:
            yield node.lineno, "true division"
        elif isinstance(node, ast.Name) and node.id in {"float", "open", "print", "input", "eval", "exec"}:
            yield node.lineno, node.id
    for name in imports_of(tree):
        if name.split(".")[0] in NOT_FOR_RULES:
            yield 0, f"import {name}"


def test_the_rules_are_exact_and_touch_nothing_outside():
    rules = [
        file for file in MODULES if name_of(file).startswith("protocol/") and "/batch/" not in name_of(file)
    ]
    guilty = [(name_of(file), *found) for file in rules for found in impurities(tree_of(file))]

    assert rules
    assert guilty == []


@pytest.mark.parametrize(
    "line", ["x = 0.5", "x = 1 / 2", "x /= 2", "x = float(1)", "open('f')", "import time"]
)
def test_an_impure_rule_is_reported(line: str):
    assert list(impurities(ast.parse(line)))


# --- sizes ---


def test_no_module_is_longer_than_400_lines_but_for_a_reason():
    longer = {name_of(file) for file in MODULES if len(file.read_text().splitlines()) > 400}

    assert longer == set(LONG_MODULES)


def test_modules_and_functions_are_short():
    modules = [len(file.read_text().splitlines()) for file in MODULES if file.name != "__init__.py"]
    functions = [(node.end_lineno or 0) - node.lineno + 1 for file in MODULES for node in functions_of(file)]

    assert statistics.median(modules) <= 140
    assert statistics.median(functions) <= 15


# --- names ---


def test_every_folder_of_code_is_a_package():
    bare = {name_of(file.parent) for file in MODULES if not (file.parent / "__init__.py").exists()}

    assert bare == set()


def test_every_test_is_named_as_a_sentence():
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    terse = [
        (name_of(file), node.name)
        for file in files
        for node in functions_of(file)
        if node.name.startswith("test_") and node.name.count("_") < 3
    ]

    assert files
    assert terse == []


def unfrozen(tree: ast.Module) -> Iterator[str]:
    """Yield the public dataclasses of *tree* whose instances could be changed after they were made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            marks = [ast.unparse(decorator) for decorator in node.decorator_list]
            if any(re.match(r"(dataclasses\.)?dataclass\b(?!.*frozen=True)", mark) for mark in marks):
                yield node.name


def test_what_rules_and_oracles_work_on_is_frozen():
    files = [file for file in MODULES if name_of(file).startswith(("protocol/", "oracles/"))]
    loose = [(name_of(file), name) for file in files for name in unfrozen(tree_of(file))]

    assert loose == []
    assert list(unfrozen(ast.parse("@dataclass(slots=True)\nclass A: pass"))) == ["A"]


def unitless_floats(tree: ast.Module) -> Iterator[str]:
    """Yield the names annotated `float` in *tree* that do not say their human unit."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.AnnAssign | ast.arg)
            and node.annotation
            and ast.unparse(node.annotation) == "float"
        ):
            name = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
            if not re.search(r"(^|_)(usd|tokens|ratio|s)$", name):
                yield name


def test_every_float_says_its_unit():
    nameless = [(name_of(file), name) for file in MODULES for name in unitless_floats(tree_of(file))]

    assert nameless == []
    assert list(unitless_floats(ast.parse("def f(price: float, delay_s: float): pass"))) == ["price"]
