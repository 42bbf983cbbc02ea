"""Runs mutants: in batches behind switches where that can be, and one by one where it cannot."""

import time
from collections.abc import Callable
from pathlib import Path

from scripts.mutate.operators import Mutant, find_mutants
from scripts.mutate.results import INVALID, KILLED, SURVIVED, Results
from scripts.mutate.schema import edit_alone, instrument, make_batches
from scripts.mutate.tree import Imports, find_sources
from scripts.mutate.worker import Worker, WorkerStopped

COMPILE_LIMIT = 600.0
# What takes so much longer than the unmutated sources loops. Generous: a busy machine must not kill mutants.
TEST_LIMIT, TIMES_BASELINE = 120.0, 20
# Few runs: a mutant that only one fuzz run in a hundred finds wants a test of its own. The gas bounds endless loops.
# The long sequences of the invariants' handlers are left out: half a minute for each mutant that survives.
LIMITS = {
    "fuzzRuns": 24,
    "invariantRuns": 4,
    "invariantDepth": 50,
    "gasLimit": 2_000_000_000,
    "leftOut": "reaches_everything",
}
# Tests of the test tools themselves.
NOT_RUN = "tests/contracts/util/"
LONG = 1.0


class TestsFail(Exception):
    """Where no mutant is switched on."""


class Campaign:
    def __init__(self, tree: Path, results: Results, say: Callable[[str], None]) -> None:
        self.tree = tree
        self.results = results
        self.say = say
        self.worker = Worker(tree)
        self.imports = Imports(tree)
        self.sources = {file: (tree / file).read_bytes() for file in find_sources(tree)}
        self.suites = [s for s in self.worker.ask(COMPILE_LIMIT, op="suites")["suites"] if not s.startswith(NOT_RUN)]
        self.done = self.wanted = 0
        self.limit = TEST_LIMIT

    def find_mutants(self) -> list[Mutant]:
        answer = self.worker.ask(COMPILE_LIMIT, op="parse", files=list(self.sources))
        if answer["errors"]:
            raise SystemExit(f"mutate: the sources do not compile: {answer['errors'][0]}")
        return [m for file, source in self.sources.items() for m in find_mutants(file, source, answer["trees"][file])]

    # -- the unmutated sources -----------------------------------------------------------------------------------------

    def check_baseline(self) -> None:
        """All tests pass on the unmutated sources as this tool compiles them; their times order the suites."""
        self.build(dict.fromkeys(self.sources, b""), {file: source.decode() for file, source in self.sources.items()})
        times = self.expect_pass(self.suites, "the unmutated sources")
        self.limit = max(TEST_LIMIT, TIMES_BASELINE * sum(times.values()) / 1000)
        self.results.order.times = {suite: ms / 1000 for suite, ms in times.items()}
        self.say(f"all {len(times)} suites pass on the unmutated sources in {sum(times.values()) / 1000:.1f} s")

    def expect_pass(self, suites: list[str], what: str) -> dict[str, int]:
        answer = self.worker.ask(COMPILE_LIMIT, op="test", id=0, order=suites, limits=LIMITS)
        if answer["suite"]:
            raise TestsFail(f"{what}: {answer['test']} of {answer['suite']} fails: {answer['reason']}")
        times: dict[str, int] = answer["times"]
        return times

    def build(self, changed: dict[str, bytes], sources: dict[str, str]) -> list[dict[str, object]]:
        roots = self.imports.roots_of(set(changed))
        errors: list[dict[str, object]] = self.worker.ask(
            COMPILE_LIMIT,
            op="build",
            roots=roots,
            sources={k: v for k, v in sources.items() if self.is_needed(k, roots)},
        )["errors"]
        return errors

    def is_needed(self, file: str, roots: list[str]) -> bool:
        return any(file in self.imports.closure(root) for root in roots)

    # -- mutants -------------------------------------------------------------------------------------------------------

    def run(self, mutants: list[Mutant]) -> None:
        """Libraries apart from the rest: a change of theirs compiles harnesses too."""
        self.done, self.wanted = 0, len(mutants)
        alone = [m for m in mutants if m.host is None]
        for is_library in (True, False):
            group = [m for m in mutants if m.host is not None and ("/libraries/" in m.file) == is_library]
            batches = make_batches(group)
            for index, batch in enumerate(batches):
                what = "libraries" if is_library else "contracts"
                self.say(f"{what}, batch {index + 1} of {len(batches)}: {len(batch)} mutants")
                alone += self.run_batch(batch)
        if alone:
            self.say(f"{len(alone)} mutants that cannot stand behind a switch, one by one")
        for mutant in alone:
            self.run_alone(mutant)
        self.results.order.save()
        self.worker.stop()

    def build_batch(self, numbered: list[tuple[int, Mutant]]) -> list[Mutant] | None:
        """Compile; returns the mutants whose switch the compiler refuses, or None where it is another error."""
        files = {m.file for _, m in numbered}
        needed = frozenset().union(*(self.imports.closure(root) for root in self.imports.roots_of(files)))
        texts, places = {}, {}
        for file in needed:
            source = (self.tree / file).read_bytes()
            text, places[file] = instrument(source, [pair for pair in numbered if pair[1].file == file])
            texts[file] = text.decode()
        errors = self.build(dict.fromkeys(files, b""), texts)
        if not errors:
            return []
        hit = [
            mutant
            for error in errors
            for place, mutant in places.get(str(error["file"]), [])
            if place.start <= int(str(error["start"])) < place.end
        ]
        return list(dict.fromkeys(hit)) or None

    def run_batch(self, batch: list[Mutant]) -> list[Mutant]:
        """Returns those that have to run alone."""
        numbered = list(enumerate(batch, 1))
        left_out: list[Mutant] = []
        while numbered and (faulty := self.build_batch(numbered)):
            left_out += faulty
            numbered = [pair for pair in numbered if pair[1] not in faulty]
        if not numbered:
            return left_out
        quick = [suite for suite in self.suites if self.results.order.times.get(suite, 0) < LONG]
        try:
            if faulty is None:
                raise TestsFail("a compiler error that belongs to no switch")
            self.expect_pass(quick, "every switch off")
        except TestsFail as fault:
            self.say(f"a batch of {len(numbered)} is split: {fault}")
            mutants, half = [mutant for _, mutant in numbered], len(numbered) // 2
            parts = [mutants[:half], mutants[half:]] if half else []
            return left_out + ([m for part in parts for m in self.run_batch(part)] if parts else mutants)
        for number, mutant in numbered:
            if self.worker.process is None:
                self.build_batch(numbered)
            self.test(mutant, number)
        self.results.order.save()
        return left_out

    def run_alone(self, mutant: Mutant) -> None:
        started = time.monotonic()
        source = edit_alone(self.sources[mutant.file], mutant).decode()
        if self.build({mutant.file: b""}, {mutant.file: source}):
            self.record(mutant, INVALID, "", "", started)
        else:
            self.test(mutant, 0)

    def test(self, mutant: Mutant, number: int) -> None:
        started = time.monotonic()
        order = self.results.order.arrange(mutant, self.suites)
        try:
            answer = self.worker.ask(self.limit, op="test", id=number, order=order, limits=LIMITS)
            suite, name = answer["suite"] or "", answer.get("test", "")
        except WorkerStopped as stopped:
            suite, name = "time limit", str(stopped)
        status = KILLED if suite else SURVIVED
        self.record(mutant, status, suite, name, started)

    def record(self, mutant: Mutant, status: str, suite: str, test: str, started: float) -> None:
        self.done += 1
        self.results.add(mutant, status, suite, test, time.monotonic() - started)
        by = f" by {suite.rpartition(':')[2]}.{test}" if suite else ""
        self.say(f"{self.done}/{self.wanted} {status}{by}: {mutant.id} {mutant.file}:{mutant.line} {mutant.label}")
