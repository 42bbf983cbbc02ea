"""What is known about mutants: results of this state of the sources, and from any state which suite kills what.

A mutant that a suite killed stays killed while that suite and all that it imports are the same, whatever tests are
added; one that survived is tried again as soon as any test changes.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.mutate.operators import Mutant

KILLED, SURVIVED, INVALID = "killed", "survived", "invalid"


@dataclass(frozen=True)
class Result:
    id: str
    status: str
    suite: str  # that killed it; empty otherwise
    test: str
    seconds: float
    tests: str  # digest of the tests that decided: those of the suite, or all of them


class Results:
    """A file with one result a line, so that a run that is broken off goes on where it was."""

    """`digest`: of the contracts and the tool. `tests`: the digest of a suite with its imports, of all tests for ""."""

    def __init__(self, folder: Path, digest: str, tests: Callable[[str], str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{digest}.jsonl"
        self.tests = tests
        self.known: dict[str, Result] = {}
        if self.path.is_file():
            for line in self.path.read_text().splitlines():
                result = read_line(line)
                if result and result.tests == self.find_tests(result.status, result.suite):
                    self.known[result.id] = result
        self.order = Order(folder / "kills.json")

    def find_tests(self, status: str, suite: str) -> str:
        """What a result depends on besides the contracts."""
        return "" if status == INVALID else self.tests(suite)

    def add(self, mutant: Mutant, status: str, suite: str, test: str, seconds: float) -> None:
        result = Result(mutant.id, status, suite, test, seconds, self.find_tests(status, suite))
        self.known[mutant.id] = result
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
        if suite:
            self.order.learn(mutant, suite)


def read_line(line: str) -> Result | None:
    try:
        return Result(**json.loads(line))
    except (ValueError, TypeError):
        return None  # the last line of a run that was killed


class Order:
    """Suites for a mutant, the likeliest killer first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        known = json.loads(path.read_text()) if path.is_file() else {}
        self.kills: dict[str, Counter[str]] = {key: Counter(value) for key, value in known.items()}
        self.times: dict[str, float] = {}

    def learn(self, mutant: Mutant, suite: str) -> None:
        for key in (mutant.id, mutant.function, mutant.file):
            self.kills.setdefault(key, Counter())[suite] += 1

    def save(self) -> None:
        self.path.write_text(json.dumps(self.kills))

    def arrange(self, mutant: Mutant, suites: list[str]) -> list[str]:
        """By earlier kills of this mutant, then of its function, then by name; long ones last unless they killed it."""
        name = mutant.function.rpartition(".")[2].lower()

        def key(suite: str) -> tuple[float, ...]:
            seconds = self.times.get(suite, 0.05)
            own = self.kills.get(mutant.id, Counter())[suite]
            function = self.kills.get(mutant.function, Counter())[suite]
            file = self.kills.get(mutant.file, Counter())[suite]
            has_name = name in suite.lower()
            return (-min(own, 1), -(function + has_name + file / 20) / seconds, seconds)

        return sorted(suites, key=key)
