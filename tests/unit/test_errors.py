"""One name in three places: the interface in Solidity, the rules in Python, and what a person reads."""

from __future__ import annotations

import ast
import re
import string
from dataclasses import fields
from keyword import iskeyword
from pathlib import Path
from typing import get_type_hints

import pytest

from trainer import errors
from trainer.errors import REVERTS, ComitiaError, ContractRevert
from trainer.protocol.events import EVENTS
from trainer.protocol.phases import Clock
from trainer.protocol.types import Event, Parameters, Phase, Status

ROOT = Path(__file__).resolve().parents[2]
INTERFACE = "".join(
    re.sub(r"//[^\n]*", "", path.read_text()) for path in sorted((ROOT / "contracts/interfaces").glob("*.sol"))
)
SOURCES = [re.sub(r"//[^\n]*", "", path.read_text()) for path in sorted((ROOT / "contracts").rglob("*.sol"))]

Fields = list[tuple[str, str]]  # name, type


def snake(name: str) -> str:
    found = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
    return f"{found}_" if iskeyword(found) else found


def parse_arguments(text: str) -> Fields:
    """`uint8 indexed seat, bytes32 tip` -> [("seat", "uint8"), ("tip", "bytes32")]."""
    parts = [part.split() for part in text.split(",") if part.strip()]
    return [(words[-1], words[0]) for words in parts]


def parse_all(keyword: str) -> dict[str, Fields]:
    return {name: parse_arguments(text) for name, text in re.findall(rf"\b{keyword} (\w+)\(([^)]*)\);", INTERFACE)}


def parse_struct(name: str) -> Fields:
    found = re.search(rf"struct {name} \{{([^}}]*)\}}", INTERFACE)
    assert found
    return parse_arguments(found[1].replace(";", ","))


SOLIDITY_ERRORS = parse_all("error")
SOLIDITY_EVENTS = parse_all("event")


def find_python_reverts() -> dict[str, set[int]]:
    """Names of `Revert("Name", ...)` under trainer/protocol, with the numbers of arguments they are raised with."""
    found: dict[str, set[int]] = {}
    for path in sorted((ROOT / "trainer" / "protocol").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Revert":
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path.name}:{node.lineno}: the name is not a literal"
                found.setdefault(str(name.value), set()).add(len(node.args) - 1)
    return found


def test_the_parser_sees_the_interface() -> None:
    assert len(SOLIDITY_ERRORS) == len(re.findall(r"\berror\b", INTERFACE)) > 60
    assert len(SOLIDITY_EVENTS) == len(re.findall(r"\bevent\b", INTERFACE)) == 34


def test_every_error_of_the_interface_is_raised_by_contract_and_model_and_nothing_else() -> None:
    raised = {name for text in SOURCES for name in re.findall(r"revert (?:I\w+\.)?(\w+)\(", text)}
    assert raised - {"IndexOutOfTree"} == set(SOLIDITY_ERRORS)  # the one of a library that no entry point uses yet
    assert find_python_reverts() == {name: {len(values)} for name, values in SOLIDITY_ERRORS.items()}


def test_every_error_has_a_sentence_that_uses_its_arguments() -> None:
    assert set(REVERTS) == set(SOLIDITY_ERRORS)
    for name, sentence in REVERTS.items():
        used = {int(field) for _, field, _, _ in string.Formatter().parse(sentence) if field is not None}
        assert used <= set(range(len(SOLIDITY_ERRORS[name]))), name


@pytest.mark.parametrize("name", sorted(SOLIDITY_ERRORS))
def test_every_error_becomes_one_line(name: str) -> None:
    line = str(ContractRevert(name, tuple(range(len(SOLIDITY_ERRORS[name])))))
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    assert "{" not in line


def test_events_have_the_same_fields_in_the_same_order() -> None:
    assert [cls.__name__ for cls in EVENTS] == list(SOLIDITY_EVENTS)
    for cls in EVENTS:
        hints = get_type_hints(cls)
        found = [(field.name, hints[field.name]) for field in fields(cls) if field.name != "block"]
        expected = [(snake(name), python_type(kind)) for name, kind in SOLIDITY_EVENTS[cls.__name__]]
        assert found == expected, cls.__name__


def python_type(kind: str) -> type:
    if kind == "bool":
        return bool
    if kind in ("address", "string"):
        return str
    return bytes if kind.startswith("bytes") else int


def test_every_event_class_is_listed() -> None:
    assert set(Event.__subclasses__()) == set(EVENTS)


@pytest.mark.parametrize(("struct", "cls"), [("Parameters", Parameters), ("Clock", Clock)])
def test_structs_have_the_same_fields_in_the_same_order(struct: str, cls: type) -> None:
    hints = get_type_hints(cls)
    found = [(field.name, hints[field.name]) for field in fields(cls)]
    assert found == [(snake(name), python_type(kind)) for name, kind in parse_struct(struct)]


@pytest.mark.parametrize("kind", [Phase, Status])
def test_enums_have_the_same_numbers(kind: type[Phase] | type[Status]) -> None:
    found = re.search(rf"enum {kind.__name__} \{{([^}}]*)\}}", INTERFACE)
    assert found
    names = [name.strip().upper() for name in found[1].split(",")]
    assert names == [value.name for value in kind]
    assert list(range(len(names))) == [int(value) for value in kind]


def test_exit_codes_tell_errors_apart() -> None:
    def walk(cls: type[ComitiaError]) -> list[type[ComitiaError]]:
        return [cls, *(found for below in cls.__subclasses__() for found in walk(below))]

    from trainer.roles import journal

    own = [cls for cls in walk(ComitiaError) if cls.__module__ in (errors.__name__, journal.__name__)]
    codes = [cls.exit_code for cls in own if "exit_code" in vars(cls)]
    assert len(codes) == len(set(codes))
    assert 0 not in codes
