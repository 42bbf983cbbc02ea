"""docs/mutation.md: the score, and the survivors with the reason why each may live."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from scripts.mutate.operators import Mutant
from scripts.mutate.results import INVALID, KILLED, SURVIVED, Results
from scripts.mutate.tree import ROOT

EXPLAINED = ROOT / "tests" / "contracts" / "survivors.toml"
REPORT = ROOT / "docs" / "mutation.md"
WANTED_PERCENT = 90


def read_explained(path: Path) -> dict[str, str]:
    entries = tomllib.loads(path.read_text()).get("survivor", []) if path.is_file() else []
    explained = {entry["id"]: entry["why"] for entry in entries}
    if len(explained) != len(entries) or not all(why.strip() for why in explained.values()):
        raise SystemExit(f"mutate: {path}: every id once, and a reason for each")
    return explained


def find_faults(mutants: list[Mutant], every: list[Mutant], results: Results, explained: dict[str, str]) -> list[str]:
    """Why the command must fail, one line each."""
    status = {m.id: results.known[m.id].status for m in mutants}
    faults = [
        f"{m.file}:{m.line} survives and is not explained: {m.id} {m.label}"
        for m in mutants
        if status[m.id] == SURVIVED and m.id not in explained
    ]
    names = {m.id for m in every}
    faults += [f"{EXPLAINED.name}: {name} is no mutant any more" for name in explained if name not in names]
    faults += [f"{EXPLAINED.name}: {name} is explained, but killed" for name in explained if status.get(name) == KILLED]
    killed, valid = count(mutants, results)
    if 100 * killed < WANTED_PERCENT * valid:
        faults.append(f"{killed} of {valid} killed: less than {WANTED_PERCENT} %")
    return faults


def count(mutants: Iterable[Mutant], results: Results) -> tuple[int, int]:
    """Killed ones and those that compile."""
    found = Counter(results.known[m.id].status for m in mutants)
    return found[KILLED], found[KILLED] + found[SURVIVED]


def percent(killed: int, valid: int) -> str:
    """Rounded down, so that 100 % means all."""
    return f"{1000 * killed // valid / 10:.1f} %" if valid else "–"


def row(name: str, part: list[Mutant], results: Results, found: int) -> str:
    killed, valid = count(part, results)
    invalid = sum(results.known[m.id].status == INVALID for m in part)
    return f"| {name} | {found} | {valid} | {invalid} | {killed} | {valid - killed} | {percent(killed, valid)} |"


def compute_report(
    mutants: list[Mutant], every: list[Mutant], results: Results, explained: dict[str, str], seed: int
) -> str:
    killed, valid = count(mutants, results)
    timeouts = sum(results.known[m.id].suite == "time limit" for m in mutants)
    lines = [
        "# Mutation tests of the contract",
        "",
        f"Written by `make mutate`; do not edit. {killed} of {valid} mutants are killed by the Solidity tests: "
        f"**{percent(killed, valid)}** (wanted: {WANTED_PERCENT} %). "
        f"Libraries are mutated in full, the rest as a sample with seed {seed}. "
        f"{timeouts} of the killed ones ran into the time limit. A mutant that does not compile counts for nothing.",
        "",
        "| file | mutants | run | do not compile | killed | survive | score |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for file in sorted({m.file for m in every}):
        lines.append(
            row(f"`{file}`", [m for m in mutants if m.file == file], results, sum(m.file == file for m in every))
        )
    lines.append(row("all", mutants, results, len(every)))
    lines += ["", "| operator | run | killed | score |", "| --- | --- | --- | --- |"]
    for operator in sorted({m.operator for m in mutants}):
        done, compiled = count([m for m in mutants if m.operator == operator], results)
        name = operator.replace("|", "\\|")
        lines.append(f"| {name} | {compiled} | {done} | {percent(done, compiled)} |")
    lines += ["", "## Survivors", "", f"Reasons are in `{EXPLAINED.relative_to(ROOT)}`.", ""]
    survivors = [m for m in mutants if results.known[m.id].status == SURVIVED]
    for mutant in survivors:
        why = " ".join(explained.get(mutant.id, "**not explained**").split())
        lines.append(f"* `{mutant.id}` ({mutant.file}:{mutant.line}, {mutant.operator}): {mutant.label}: {why}")
    if not survivors:
        lines.append("None.")
    return "\n".join(lines) + "\n"
