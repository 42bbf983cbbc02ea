"""Takes each guard of docs/security.md out of the contract and expects the test named beside it to fail.

    python -m scripts.mutate.guards [NAME ...]

All guards stand behind switches in one compile (schema.py). Exit 1 if a test stays green, or is red with every guard in
place.
"""

import sys
import tomllib
from collections.abc import Iterable

from scripts.mutate.campaign import COMPILE_LIMIT, LIMITS
from scripts.mutate.operators import Mutant, Span
from scripts.mutate.schema import instrument
from scripts.mutate.tree import ROOT, Imports, build_tree, make_tree, take_lock
from scripts.mutate.worker import Worker

GUARDS = ROOT / "scripts" / "mutate" / "guards.toml"
Guard = tuple[Mutant, list[str]]


def read_guards(chosen: Iterable[str]) -> list[Guard]:
    guards: list[Guard] = []
    wanted = set(chosen)
    for entry in tomllib.loads(GUARDS.read_text())["guard"]:
        name, file, before = entry["name"], entry["file"], entry["before"].encode()
        if wanted and name not in wanted:
            continue
        source = (ROOT / file).read_bytes()
        if source.count(before) != 1:
            raise SystemExit(f"guards: {name}: found {source.count(before)} times in {file}: {entry['before']}")
        start = source.index(before)
        span = Span(start, start + len(before))
        is_statement = before.endswith((b";", b"}"))
        line = source[:start].count(b"\n") + 1
        mutant = Mutant(name, file, "", "guard", line, span, entry["before"], entry["after"], span, is_statement)
        guards.append((mutant, entry["tests"]))
    return guards


def build(worker: Worker, imports: Imports, numbered: list[tuple[int, Mutant]]) -> None:
    files = {mutant.file for _, mutant in numbered}
    roots = imports.roots_of(files)
    sources = {}
    for file in files:
        source = (worker.tree / file).read_bytes()
        text, _ = instrument(source, [pair for pair in numbered if pair[1].file == file])
        sources[file] = text.decode()
    # A `pure` function that calls one with a switch is `view` too.
    for root in roots:
        for file in imports.closure(root) - set(sources):
            sources[file] = instrument((worker.tree / file).read_bytes(), [])[0].decode()
    errors = worker.ask(COMPILE_LIMIT, op="build", roots=roots, sources=sources)["errors"]
    if errors:
        raise SystemExit(f"guards: {errors[0]['file']}: {errors[0]['message']}")


def main() -> int:
    guards = read_guards(sys.argv[1:])
    lock = take_lock()
    tree = make_tree(None)
    build_tree(tree)
    worker = Worker(tree)
    suites = worker.ask(COMPILE_LIMIT, op="suites")["suites"]
    path_of = {suite.rpartition(":")[2]: suite for suite in suites}
    numbered = [(number, mutant) for number, (mutant, _) in enumerate(guards, 1)]
    build(worker, Imports(tree), numbered)

    def run(number: int, tests: list[str]) -> set[str]:
        order = sorted({path_of[test.partition(".")[0]] for test in tests})
        failed = worker.ask(COMPILE_LIMIT, op="failures", id=number, order=order, limits=LIMITS)["failed"]
        return {test.rpartition(":")[2] for test in failed}

    broken = run(0, [test for _, tests in guards for test in tests])
    if broken:
        print(f"guards: red with every guard in place: {', '.join(sorted(broken))}")
    green = 0
    for number, (mutant, tests) in enumerate(guards, 1):
        red = run(number, tests)
        for test in tests:
            seen = "red" if test in red and test not in broken else "GREEN"
            green += seen != "red"
            print(f"{seen}: {mutant.id} ({mutant.file}:{mutant.line}): {test}", flush=True)
    worker.stop()
    lock.close()
    return 1 if green else 0


if __name__ == "__main__":
    sys.exit(main())
