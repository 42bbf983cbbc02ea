"""The tool behind `make mutate`: what its operators write, and where."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts.mutate import report
from scripts.mutate.operators import Mutant, find_mutants
from scripts.mutate.results import INVALID, KILLED, SURVIVED, Order, Results
from scripts.mutate.schema import edit_alone, instrument, make_batches
from scripts.mutate.tree import Suites

ROOT = Path(__file__).resolve().parents[2]
# The comments hold letters of two, three and four bytes: solc counts bytes.
SOURCE = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
// é ≤ 𝕊
contract A {
    error Bad();
    uint256 private constant LIMIT = 10; // ≤
    uint256 public x;

    function f(uint256 a, bool b) external returns (uint256) {
        /* é */ if (a < LIMIT) revert Bad(); // ≥
        if (b && !(a == 20)) x = a + 1;
        else x += 2;
        for (uint256 i; i < 2; ++i) x |= 4;
        return (a ^ x) >> 1;
    }

    function g(uint256 a) external pure returns (bytes1, bool) {
        return (a % 2 == 0 ? bytes1(0x00) : bytes1(0x09), true);
    }
}
"""


def compile_source(source: str, what: list[str]) -> dict[str, object]:
    request = {
        "language": "Solidity",
        "sources": {"A.sol": {"content": source}},
        "settings": {"evmVersion": "osaka", "outputSelection": {"*": {"": ["ast"], "*": what}}},
    }
    done = subprocess.run(
        [ROOT / "scripts" / "solc-node", "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def list_errors(answer: dict[str, object]) -> list[str]:
    found = answer.get("errors", [])
    assert isinstance(found, list)
    return [error["formattedMessage"] for error in found if error["severity"] == "error"]


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    answer = compile_source(SOURCE, [])
    assert not list_errors(answer)
    sources = answer["sources"]
    assert isinstance(sources, dict)
    return find_mutants("A.sol", SOURCE.encode(), sources["A.sol"]["ast"])


@pytest.mark.parametrize(
    ("operator", "before", "after"),
    [
        ("< to <=", "a < LIMIT", "a <= LIMIT"),
        ("< to >=", "a < LIMIT", "a >= LIMIT"),
        ("delete", "if (a < LIMIT) revert Bad();", ""),
        ("== to !=", "a == 20", "a != 20"),
        ("drop !", "!(a == 20)", "(a == 20)"),
        ("clause", "b", "true"),
        ("&& to ||", "b && !(a == 20)", "b || !(a == 20)"),
        ("negate", "b && !(a == 20)", "!(b && !(a == 20))"),
        ("condition", "b && !(a == 20)", "false"),
        ("+ to -", "a + 1", "a - 1"),
        ("delete", "x = a + 1;", ""),
        ("+= to -=", "x += 2", "x -= 2"),
        ("|= to =", "x |= 4", "x = 4"),
        ("++ to --", "++i", "--i"),
        (">> to <<", "(a ^ x) >> 1", "(a ^ x) << 1"),
        ("^ to &", "a ^ x", "a & x"),
        ("% to *", "a % 2", "(a * 2)"),
        ("constant", "10", "11"),
        ("constant", "0x09", "0x0a"),
        ("constant", "0x00", "0x01"),
        ("true/false", "true", "false"),
    ],
)
def test_an_operator_writes(mutants: list[Mutant], operator: str, before: str, after: str) -> None:
    found = [m for m in mutants if (m.operator, m.before, m.after) == (operator, before, after)]
    assert len(found) == 1
    mutant = found[0]
    # Byte offsets: the span of the encoded source is what is said to be replaced.
    assert SOURCE.encode()[mutant.span.start : mutant.span.end].decode() == before
    assert SOURCE.splitlines()[mutant.line - 1].count(before) > 0
    changed = edit_alone(SOURCE.encode(), mutant).decode()
    assert len(changed) == len(SOURCE) - len(before) + len(after or "{}")


def test_a_guard_is_deleted_once(mutants: list[Mutant]) -> None:
    assert not [m for m in mutants if m.before.startswith("revert")]
    assert not [m for m in mutants if m.operator == "condition" and m.before == "a < LIMIT"]


def test_nothing_below_zero(mutants: list[Mutant]) -> None:
    constants = {m.after for m in mutants if m.operator == "constant"}
    assert {"0", "0x01"} <= constants
    assert not [text for text in constants if "-" in text]


def test_names_are_unique_and_stay(mutants: list[Mutant]) -> None:
    assert len({m.id for m in mutants}) == len(mutants)
    moved = SOURCE.replace("contract A {", "contract A {\n    uint256 public y; // ü\n")
    sources = compile_source(moved, [])["sources"]
    assert isinstance(sources, dict)
    assert [m.id for m in find_mutants("A.sol", moved.encode(), sources["A.sol"]["ast"])] == [m.id for m in mutants]


def test_a_constant_stays_one(mutants: list[Mutant]) -> None:
    assert [m.host for m in mutants if m.before == "10"] == [None, None]


def test_every_batch_compiles(mutants: list[Mutant]) -> None:
    batches = make_batches(mutants)
    assert sum(map(len, batches)) == sum(m.host is not None for m in mutants)
    for batch in batches:
        text, places = instrument(SOURCE.encode(), list(enumerate(batch, 1)))
        assert not list_errors(compile_source(text.decode(), []))
        for place, mutant in places:
            piece = text[place.start : place.end].decode()
            assert f"block.coinbase == address(uint160({batch.index(mutant) + 1}))" in piece
            assert mutant.after in piece


def test_a_deletion_does_not_take_the_else_of_another(mutants: list[Mutant]) -> None:
    deleted = next(m for m in mutants if m.before == "x = a + 1;" and m.operator == "delete")
    text, _ = instrument(SOURCE.encode(), [(3, deleted)])
    assert b"{ if (block.coinbase == address(uint160(3))) {  } else { x = a + 1; } }\n        else x += 2;" in text
    assert b"view returns (bytes1" in text  # `pure` may not read the coinbase


def test_results_survive_a_broken_line(tmp_path: Path, mutants: list[Mutant]) -> None:
    results = Results(tmp_path, "digest", str.lower)
    results.add(mutants[0], KILLED, "A.t.sol:ATest", "test_a", 0.1)
    with results.path.open("a") as file:
        file.write('{"id": "broken')
    assert Results(tmp_path, "digest", str.lower).known == results.known
    assert not Results(tmp_path, "another digest", str.lower).known


def test_a_result_is_known_while_the_tests_that_decided_are_the_same(tmp_path: Path, mutants: list[Mutant]) -> None:
    killed, alive = mutants[:2]
    results = Results(tmp_path, "digest", {"A": "1", "": "2"}.__getitem__)
    results.add(killed, KILLED, "A", "test_a", 0.1)
    results.add(alive, SURVIVED, "", "", 0.1)
    assert set(Results(tmp_path, "digest", {"A": "1", "": "3"}.__getitem__).known) == {killed.id}
    assert set(Results(tmp_path, "digest", {"A": "4", "": "2"}.__getitem__).known) == {alive.id}


def test_tests_are_digested_with_what_they_import(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "contracts"
    folder.mkdir(parents=True)
    (folder / "Base.sol").write_text("contract Base {}")
    (folder / "A.t.sol").write_text('import {Base} from "./Base.sol";')
    (folder / "B.t.sol").write_text("contract B {}")
    suites = ["tests/contracts/A.t.sol:A", "tests/contracts/B.t.sol:B", "", "tests/contracts/Gone.t.sol:G"]
    before = [Suites(tmp_path).digest(suite) for suite in suites]
    (folder / "Base.sol").write_text("contract Base { uint256 x; }")
    after = [Suites(tmp_path).digest(suite) for suite in suites]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, False, True]


def test_the_likeliest_suite_goes_first(tmp_path: Path, mutants: list[Mutant]) -> None:
    order = Order(tmp_path / "kills.json")
    suites = ["Long.t.sol:LongTest", "F.t.sol:OtherTest", "Z.t.sol:ZTest"]
    order.times = {suites[0]: 3.0, suites[1]: 0.02, suites[2]: 0.02}
    assert order.arrange(mutants[0], suites)[-1] == suites[0]
    order.learn(mutants[0], suites[2])
    assert order.arrange(mutants[0], suites)[0] == suites[2]
    order.learn(mutants[1], suites[0])
    assert order.arrange(mutants[1], suites)[0] == suites[0]


def test_what_fails_the_command(tmp_path: Path, mutants: list[Mutant]) -> None:
    some = mutants[:12]
    results = Results(tmp_path, "digest", str.lower)
    for index, mutant in enumerate(some):
        status = SURVIVED if index == 0 else INVALID if index == 1 else KILLED
        results.add(mutant, status, "A:ATest" if status == KILLED else "", "t", 0.1)
    assert report.count(some, results) == (10, 11)
    survivor = some[0].id
    assert not report.find_faults(some, mutants, results, {survivor: "equal"})
    assert "not explained" in report.find_faults(some, mutants, results, {})[0]
    assert "killed" in report.find_faults(some, mutants, results, {survivor: "equal", some[2].id: "equal"})[0]
    assert "no mutant" in report.find_faults(some, mutants, results, {survivor: "equal", "A.f-0": "equal"})[0]
    assert "less than" in report.find_faults(some[:8], mutants, results, {survivor: "equal"})[0]
    text = report.compute_report(some, mutants, results, {survivor: "equal"}, 1)
    assert "**90.9 %**" in text
    assert f"`{survivor}`" in text
