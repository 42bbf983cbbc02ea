"""Mutation tests of contracts/: does a test fail when the contract is wrong?

    make mutate
    make mutate ARGS="--files contracts/libraries --limit 40"
    make mutate ARGS="--only vote-1a2b3c4d"

A tool of our own: there is no maintained one in the package registries that fits (PyPI's gambit and vertigo are other
programs of the same names), and the usual way compiles the contract once for a mutant: some ten seconds with the IR
and the WebAssembly compiler. Here some fifty mutants share a compile (schema.py), and the tests run in the process that
compiled (worker.mjs), without Hardhat's start.

Only the Solidity tests count. A change that alters nothing but gas, or what only the Python tests see, survives.
"""

import argparse
import hashlib
import sys
import time

from scripts.mutate.campaign import Campaign, TestsFail
from scripts.mutate.operators import Mutant
from scripts.mutate.report import EXPLAINED, REPORT, compute_report, count, find_faults, percent, read_explained
from scripts.mutate.results import INVALID, SURVIVED, Results
from scripts.mutate.tree import CACHE, ROOT, Suites, build_tree, compute_digest, make_tree, take_lock
from scripts.mutate.worker import WorkerStopped

SEED, SAMPLE = 1, 320
STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"mutate: {time.monotonic() - STARTED:5.0f} s: {text}", flush=True)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the sample ({SEED})")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"mutants outside of contracts/libraries ({SAMPLE})")
    parser.add_argument("--limit", type=int, help="at most so many mutants in all")
    parser.add_argument("--files", nargs="+", metavar="PATH", help="only files whose path begins so")
    parser.add_argument("--only", nargs="+", metavar="ID", help="only these mutants, sampled or not, known or not")
    parser.add_argument("--ref", metavar="COMMIT", help="mutate a commit in place of the working tree")
    parser.add_argument("--list", action="store_true", help="print the chosen mutants and run none")
    return parser.parse_args()


def shuffle(mutants: list[Mutant], seed: int) -> list[Mutant]:
    """By a hash of seed and name: code that is added elsewhere does not choose another sample."""
    return sorted(mutants, key=lambda m: hashlib.sha256(f"{seed} {m.id}".encode()).digest())


def choose(every: list[Mutant], arguments: argparse.Namespace, results: Results) -> list[Mutant]:
    """Those to run. Mutants that are known not to compile do not use up the sample."""
    if arguments.only:
        unknown = set(arguments.only) - {m.id for m in every}
        if unknown:
            raise SystemExit(f"mutate: no such mutant: {', '.join(sorted(unknown))}")
        return [m for m in every if m.id in arguments.only]
    found = shuffle(
        [m for m in every if not arguments.files or m.file.startswith(tuple(arguments.files))], arguments.seed
    )
    chosen = [m for m in found if "/libraries/" in m.file]
    wanted = arguments.sample
    for mutant in found:
        if "/libraries/" not in mutant.file and wanted > 0:
            chosen.append(mutant)
            known = results.known.get(mutant.id)
            wanted -= known is None or known.status != INVALID
    names = {m.id for m in (shuffle(chosen, arguments.seed)[: arguments.limit] if arguments.limit else chosen)}
    return [m for m in every if m.id in names]


def main() -> int:
    arguments = read_arguments()
    explained = read_explained(EXPLAINED)
    lock = take_lock()
    say(f"seed {arguments.seed}")
    tree = make_tree(arguments.ref)
    say("building the unmutated sources (a minute when nothing is cached)")
    build_tree(tree)
    results = Results(CACHE / "results", compute_digest(tree), Suites(tree).digest)
    campaign = Campaign(tree, results, say)
    every = campaign.find_mutants()
    if arguments.only:
        for name in arguments.only:
            results.known.pop(name, None)
    chosen = choose(every, arguments, results)
    if arguments.list:
        for mutant in chosen:
            print(f"{mutant.id} {mutant.file}:{mutant.line} {mutant.operator}: {mutant.label}")
        return 0
    say(f"{len(chosen)} of {len(every)} mutants, {sum(m.id in results.known for m in chosen)} of them known")
    try:
        if any(m.id not in results.known for m in chosen):
            campaign.check_baseline()
        # A mutant that turns out not to compile is replaced by the next of the sample.
        while pending := [m for m in chosen if m.id not in results.known]:
            campaign.run(pending)
            chosen = choose(every, arguments, results)
    except (TestsFail, WorkerStopped) as fault:
        raise SystemExit(f"mutate: {fault}") from fault

    killed, valid = count(chosen, results)
    is_whole = (
        not (arguments.only or arguments.files or arguments.limit or arguments.ref) and arguments.sample >= SAMPLE
    )
    path = REPORT if is_whole else CACHE / "report.md"
    path.write_text(compute_report(chosen, every, results, explained, arguments.seed))
    say(f"{killed} of {valid} killed: {percent(killed, valid)}; report: {path.relative_to(ROOT)}")
    if not is_whole:
        survivors = [m for m in chosen if results.known[m.id].status == SURVIVED]
        for mutant in survivors:
            note = "explained" if mutant.id in explained else "not explained"
            print(f"survives, {note}: {mutant.id} {mutant.file}:{mutant.line} {mutant.label}")
        return 1 if any(m.id not in explained for m in survivors) else 0
    faults = find_faults(chosen, every, results, explained)
    for line in faults:
        print(f"mutate: {line}", file=sys.stderr)
    lock.close()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
