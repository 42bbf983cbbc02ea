"""Mutants of Solidity sources: small edits found by walking the syntax trees of solc. Offsets are bytes, as in solc."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

Node = dict[str, Any]

BINARY = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "%": ("*",),
    "**": ("*",),
    "<<": (">>",),
    ">>": ("<<",),
    "&": ("|",),
    "|": ("&",),
    "^": ("&",),
    "&&": ("||",),
    "||": ("&&",),
}
COMPOUND = {
    "+=": ("-=",),
    "-=": ("+=",),
    "*=": ("/=",),
    "/=": ("*=",),
    "%=": ("*=",),
    "<<=": (">>=",),
    ">>=": ("<<=",),
    "&=": ("|=",),
    "|=": ("&=", "="),
    "^=": ("&=",),
}
COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}
# What a conditional expression can yield as it is. Literals, tuples, structs and references in storage are not among
# them: the conditional would have another type than what it replaces.
PLAIN_TYPE = re.compile(
    r"t_(bool|u?int\d+|bytes\d+|address|address_payable|enum|contract|userDefinedValueType)\b|t_(enum|contract)"
)
WITH_SEMICOLON = {"ExpressionStatement", "EmitStatement", "RevertStatement", "Return"}
DELETED = {"ExpressionStatement", "EmitStatement", "RevertStatement"}


@dataclass(frozen=True)
class Span:
    start: int
    end: int

    def is_apart(self, other: "Span") -> bool:
        return self.end <= other.start or other.end <= self.start


@dataclass(frozen=True)
class Mutant:
    """One edit. `host` is what a switch can be put around: None where nothing is, and the mutant is compiled alone."""

    id: str
    file: str
    function: str
    operator: str
    line: int
    span: Span
    before: str
    after: str
    host: Span | None
    is_statement: bool

    @property
    def label(self) -> str:
        def short(text: str) -> str:
            text = " ".join(text.split())
            return text if len(text) <= 100 else text[:97] + "..."

        return f"`{short(self.before)}` → `{short(self.after) or '(nothing)'}`"


def span_of(node: Node) -> Span:
    start, length, _ = map(int, node["src"].split(":"))
    return Span(start, start + length)


def children_of(node: Node) -> Iterator[Node]:
    for value in node.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and "nodeType" in item:
                yield item


class Finder:
    """Collects the mutants of one file."""

    def __init__(self, file: str, source: bytes, tree: Node) -> None:
        self.file = file
        self.source = source
        self.found: list[Mutant] = []
        self.path: list[Node] = []
        self.counts: dict[tuple[str, ...], int] = {}
        self.visit(tree)

    def text(self, span: Span) -> str:
        return self.source[span.start : span.end].decode()

    def text_of(self, node: Node) -> str:
        return self.text(span_of(node))

    # -- the walk ------------------------------------------------------------------------------------------------------

    def visit(self, node: Node) -> None:
        kind = node["nodeType"]
        # Assembly has another grammar. Types hold the sizes of arrays, which are the constants' business.
        if kind in ("InlineAssembly", "ArrayTypeName", "Mapping", "ImportDirective", "PragmaDirective"):
            return
        self.path.append(node)
        match kind:
            case "BinaryOperation":
                self.swap_binary(node)
            case "UnaryOperation":
                self.swap_unary(node)
            case "Assignment":
                self.swap_compound(node)
            case "Literal":
                self.change_literal(node)
            case "IfStatement" | "Conditional" | "WhileStatement" | "ForStatement" if node.get("condition"):
                self.change_condition(node)
        if kind in DELETED or kind == "IfStatement":
            self.delete_statement(node)
        for child in children_of(node):
            self.visit(child)
        self.path.pop()

    def add(self, operator: str, node: Node, after: str, span: Span | None = None) -> None:
        span = span or span_of(node)
        before = self.text(span)
        names = [
            n.get("name") or n.get("kind")
            for n in self.path
            if n["nodeType"] in ("ContractDefinition", "FunctionDefinition", "ModifierDefinition")
        ]
        function = ".".join(str(name) for name in names) or PurePosixPath(self.file).stem
        # A mutant keeps its name while the code around it changes: no offsets, only the how manieth of its like it is.
        key = (self.file, function, operator, " ".join(before.split()), " ".join(after.split()))
        self.counts[key] = self.counts.get(key, 0) + 1
        digest = hashlib.sha256(repr((*key, self.counts[key])).encode()).hexdigest()[:8]
        is_statement, host = self.find_host(node, span)
        line = self.source.count(b"\n", 0, span.start) + 1
        self.found.append(
            Mutant(f"{function}-{digest}", self.file, function, operator, line, span, before, after, host, is_statement)
        )

    def find_host(self, node: Node, span: Span) -> tuple[bool, Span | None]:
        """The smallest expression of a plain type around a node, or else the statement."""
        if node["nodeType"] in DELETED or node["nodeType"] == "IfStatement":
            return True, span
        ancestors = self.path if self.path[-1] is node else [*self.path, node]
        if any(at.get("constant") for at in ancestors if at["nodeType"] == "VariableDeclaration"):
            return False, None  # a constant stays one
        for index in range(len(ancestors) - 1, -1, -1):
            at = ancestors[index]
            kind = at["nodeType"]
            if kind in WITH_SEMICOLON:
                parent = ancestors[index - 1]
                is_header = parent["nodeType"] == "ForStatement" and at in (
                    parent.get("loopExpression"),
                    parent.get("initializationExpression"),
                )
                return (False, None) if is_header else (True, self.with_semicolon(at))
            if kind in (
                "VariableDeclaration",
                "FunctionDefinition",
                "ModifierInvocation",
                "InheritanceSpecifier",
                "VariableDeclarationStatement",
            ):
                return False, None
            if self.is_plain(at) and kind != "Assignment":
                return False, span_of(at)
        return False, None

    @staticmethod
    def is_plain(node: Node) -> bool:
        kind = node.get("typeDescriptions", {}).get("typeIdentifier") or ""
        return (
            bool(PLAIN_TYPE.match(kind))
            and not node.get("lValueRequested")
            and node["nodeType"] != "VariableDeclaration"
        )

    def with_semicolon(self, node: Node) -> Span:
        """solc leaves the semicolon out of the range of most statements."""
        span = span_of(node)
        rest = re.compile(rb"\s*;").match(self.source, span.end)
        return Span(span.start, rest.end()) if rest else span

    # -- operators -----------------------------------------------------------------------------------------------------

    def operand(self, node: Node) -> str:
        """Parenthesised where another operator beside it might bind tighter."""
        text = self.text_of(node)
        return f"({text})" if node["nodeType"] in ("BinaryOperation", "Conditional", "Assignment") else text

    def is_inside_operator(self) -> bool:
        return len(self.path) > 1 and self.path[-2]["nodeType"] in ("BinaryOperation", "UnaryOperation", "Conditional")

    def swap_binary(self, node: Node) -> None:
        left, right = node["leftExpression"], node["rightExpression"]
        operator = node["operator"]
        for other in BINARY.get(operator, ()):
            after = f"{self.operand(left)} {other} {self.operand(right)}"
            self.add(f"{operator} to {other}", node, f"({after})" if self.is_inside_operator() else after)
        # A clause that is never asked.
        neutral = {"&&": "true", "||": "false"}.get(operator)
        if neutral:
            for side in (left, right):
                if side["nodeType"] != "BinaryOperation" or side["operator"] != operator:
                    self.add("clause", side, neutral)

    def swap_unary(self, node: Node) -> None:
        operator, inner = node["operator"], node["subExpression"]
        text = self.operand(inner)
        if operator in ("++", "--"):
            other = "--" if operator == "++" else "++"
            self.add(f"{operator} to {other}", node, f"{other}{text}" if node["prefix"] else f"{text}{other}")
        elif operator in ("!", "-", "~"):
            self.add(f"drop {operator}", node, text)

    def swap_compound(self, node: Node) -> None:
        for other in COMPOUND.get(node["operator"], ()):
            left, right = node["leftHandSide"], node["rightHandSide"]
            self.add(f"{node['operator']} to {other}", node, f"{self.text_of(left)} {other} {self.text_of(right)}")

    def change_literal(self, node: Node) -> None:
        text = self.text_of(node)
        if node["kind"] == "bool":
            self.add("true/false", node, "false" if text == "true" else "true")
        if node["kind"] != "number":
            return
        number, _, unit = text.partition(" ")
        digits = number.replace("_", "")
        if not re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", digits):
            return
        value = int(digits, 0 if digits.startswith("0x") else 10)
        for other in (value + 1, value - 1):
            if other < 0:
                continue
            # The number of digits of a hexadecimal literal is its type: bytes1(0x00).
            written = f"0x{other:0{len(digits) - 2}x}" if digits.startswith("0x") else str(other)
            self.add("constant", node, f"{written} {unit}".strip())

    def change_condition(self, node: Node) -> None:
        condition = node["condition"]
        # The negation of a comparison is among its swaps, and that of a negation is its removal.
        is_comparison = condition["nodeType"] == "BinaryOperation" and condition["operator"] in COMPARISONS
        if not is_comparison and condition["nodeType"] != "UnaryOperation":
            self.add("negate", condition, f"!({self.text_of(condition)})")
        if node["nodeType"] in ("IfStatement", "Conditional") and not self.is_guard(node):
            for value in ("true", "false"):
                self.add("condition", condition, value)

    @staticmethod
    def is_guard(node: Node) -> bool:
        """`if (...) revert ...;`"""
        if node["nodeType"] != "IfStatement" or node.get("falseBody"):
            return False
        body = node["trueBody"]
        statements = body["statements"] if body["nodeType"] == "Block" else [body]
        return len(statements) == 1 and statements[0]["nodeType"] == "RevertStatement"

    def delete_statement(self, node: Node) -> None:
        parent = self.path[-2]
        if node["nodeType"] == "IfStatement":
            if self.is_guard(node):
                self.add("delete", node, "", self.with_semicolon(node))
            return
        if parent["nodeType"] == "ForStatement" and node is not parent.get("body"):
            return
        target = node.get("expression", {}).get("leftHandSide", {})
        if "_storage_ptr" in (target.get("typeDescriptions", {}).get("typeIdentifier") or ""):
            return  # no compiler takes a storage reference that was never set, and its errors point elsewhere
        guards = [n for n in self.path[-3:-1] if n["nodeType"] == "IfStatement" and self.is_guard(n)]
        if not guards:  # else the guard is deleted as a whole
            self.add("delete", node, "", self.with_semicolon(node))


def find_mutants(file: str, source: bytes, tree: Node) -> list[Mutant]:
    """All mutants of a file in the order of the source, each edit once."""
    unique: dict[tuple[Span, str], Mutant] = {}
    for mutant in Finder(file, source, tree).found:
        unique.setdefault((mutant.span, mutant.after), mutant)
    return sorted(unique.values(), key=lambda m: (m.span.start, m.span.end, m.after))
