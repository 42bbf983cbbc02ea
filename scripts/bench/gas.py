#!/usr/bin/env python3
"""What the contract costs: real transactions on anvil (hardfork osaka), gas from the receipts.

scripts/bench/gas.py                        runs of 4, 16, 64 and 256 seats
scripts/bench/gas.py --seats 4 16           others
scripts/bench/gas.py --snapshot             writes tests/contracts/snapshots/gas.json, which a test compares

Rounds: all seats commit, reveal and vote, in an order drawn anew for each phase; digests are random (seeded), nine of
ten seats are accepted and held, and no cross-check is recorded (there are none yet). The ring is as small as the
constructor allows. "steady" counts rounds after the ring has gone round: no slot is written for the first time; "cold"
is the run's third round. Anvil mines one block for each transaction, one second apart, so all of it is deterministic.

Votes that differ are shown apart: the first (proposes), the one that makes the quorum (final, opens the next round),
the late ones (after finality). "a seat and round" = all gas of the round / seats. Everything else is called once or a
few times (gas_rare.py).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from gas_rare import measure_rare  # noqa: E402
from gas_run import RING, Bench, anvil  # noqa: E402

GOAL = 112_000  # gas for each seat and round: commit + reveal + vote, all seats voting
SNAPSHOT = ROOT / "tests" / "contracts" / "snapshots" / "gas.json"
SIZES = (4, 16, 64, 256)
SNAPSHOT_ROUNDS = 2
LIMIT = 24_576  # bytes of runtime code


def measure(seats: int, rounds: int) -> dict[str, Any]:
    """Gas of `rounds` rounds in the steady state, of one while the ring is filled, and of everything else."""
    with anvil(seats) as w3:
        bench = Bench(w3, seats)
        bench.seat_all()
        for number in range(RING + 1 + rounds):
            bench.play_round("" if number != 2 and number <= RING else "cold " if number == 2 else "steady ")
        per_round = {kind.strip(): round(statistics.mean(gas)) for kind, gas in bench.per_round.items()}
        methods = {
            kind: {"median": int(statistics.median(gas)), "max": max(gas)} for kind, gas in sorted(bench.gas.items())
        }
    return {
        "seats": seats,
        "per_seat_and_round": per_round,
        "methods": methods,
        "rare": measure_rare(seats),
        "deploy": bench.deploy_gas,
        "runtime_bytes": bench.sizes,
    }


def show(result: dict[str, Any]) -> None:
    average = result["per_seat_and_round"]["steady"]
    verdict = "within" if average <= GOAL else "ABOVE"
    cold = result["per_seat_and_round"]["cold"]
    print(f"\n{result['seats']} seats: {average:,} a seat and round, {verdict} the goal of {GOAL:,}; cold {cold:,}")
    for kind, gas in result["methods"].items():
        print(f"  {kind:<40}{gas['median']:>9,}  at most {gas['max']:>9,}")
    for kind, gas in result["rare"].items():
        print(f"  {kind:<40}{gas:>9,}")


def take_snapshot(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """What the test compares."""
    return {str(seats): measure(seats, SNAPSHOT_ROUNDS) for seats in sizes}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, nargs="+", default=list(SIZES), help="numbers of seats (4 to 256)")
    parser.add_argument("--rounds", type=int, default=6, help="rounds that count")
    parser.add_argument("--snapshot", action="store_true", help=f"only write {SNAPSHOT.relative_to(ROOT)}")
    arguments = parser.parse_args()
    if arguments.snapshot:
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(json.dumps(take_snapshot(), indent=2) + "\n")
        return 0
    results = []
    for seats in arguments.seats:
        results.append(measure(seats, arguments.rounds))
        show(results[-1])
    sizes = ", ".join(f"{name} {size:,} bytes" for name, size in results[0]["runtime_bytes"].items())
    print(f"\ndeployment {results[0]['deploy']:,} gas; {sizes} (limit {LIMIT:,} each)")
    path = ROOT / "runs" / "bench-gas.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
