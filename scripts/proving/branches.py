"""Makes branches visible to a coverage that counts statements only, as Hardhat's does.

Each condition (of if, loops, `?:`, and each side of && and ||) goes through a function of its own, `conditionX_N`, with
one statement for true and one for false. They stand at the end of the source, so that no line of it moves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

CONDITIONS = {"IfStatement": "condition", "WhileStatement": "condition", "DoWhileStatement": "condition"}
CONDITIONS |= {"ForStatement": "condition", "Conditional": "condition"}


class Branch(NamedTuple):
    """One outcome of one condition."""

    line: int
    text: str
    outcome: bool


def split(source: bytes, tree: Any, name: str) -> tuple[bytes, dict[int, Branch]]:
    """The source with its conditions taken out, and which branch each added line is."""
    places = sorted(set(find(tree)))
    edits = [(start, b"%s_%d(" % (name.encode(), n)) for n, (start, _) in enumerate(places)]
    edits += [(end, b")") for _, end in places]
    branches = {}
    added: list[str] = []
    first = source.count(b"\n") + 1
    for number, (start, end) in enumerate(places):
        line = source.count(b"\n", 0, start) + 1
        text = " ".join(source[start:end].decode().split())
        added.append(f"function {name}_{number}(bool value) pure returns (bool) {{ if (value) {{")
        added.append("return true;")
        branches[first + len(added) - 1] = Branch(line, text, True)
        added += ["}", "return false;"]
        branches[first + len(added) - 1] = Branch(line, text, False)
        added.append("}")
    out = source
    # From the back; at one place a closing bracket stands before an opening one.
    for position, text in sorted(edits, key=lambda edit: (edit[0], edit[1] != b")"), reverse=True):
        out = out[:position] + text + out[position:]
    return out + "\n".join([*added, ""]).encode(), branches


def find(node: Any) -> list[tuple[int, int]]:
    """Where the conditions below a node of the syntax tree start and end."""
    found: list[tuple[int, int]] = []
    if isinstance(node, list):
        return [place for child in node for place in find(child)]
    if not isinstance(node, dict):
        return found
    kind = node.get("nodeType")
    parts = [node.get(CONDITIONS[kind])] if kind in CONDITIONS else []
    if kind == "BinaryOperation" and node["operator"] in {"&&", "||"}:
        parts = [node["leftExpression"], node["rightExpression"]]
    for part in parts:
        # What is itself made of && and || is seen through its parts.
        if part and not (part["nodeType"] == "BinaryOperation" and part["operator"] in {"&&", "||"}):
            start, length, _ = map(int, part["src"].split(":"))
            found.append((start, start + length))
    return found + [place for child in node.values() for place in find(child)]
