#!/usr/bin/env python3
"""What a round costs: real transactions on anvil (hardfork osaka), gas from the receipts.

scripts/bench/gas.py                        runs of 4, 16 and 64 seats
scripts/bench/gas.py --seats 4 16 64 256    others
scripts/bench/gas.py --snapshot             writes tests/contracts/snapshots/gas.json, which a test compares

All seats commit, reveal and vote, in an order drawn anew for each phase; digests are random (seeded), nine of ten seats
are accepted and held, and no cross-check is recorded (there are none yet). The ring is as small as the constructor
allows and rounds are counted once it has gone round: no slot is written for the first time. Anvil mines one block for
each transaction, one second apart, so the whole run is deterministic.

The table shows each method, with the votes that differ apart: the first (proposes), the one that makes the quorum
(final, opens the next round), the late ones (after finality). "a seat" = all gas of the round / seats.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from eth_abi import encode  # noqa: E402
from eth_utils import keccak  # noqa: E402
from web3 import HTTPProvider, Web3  # noqa: E402

from trainer.chain.artifacts import compile_contract  # noqa: E402

GOAL = 112_000  # gas for each seat and round: commit + reveal + vote, all seats voting
SNAPSHOT = ROOT / "tests" / "contracts" / "snapshots" / "gas.json"
SNAPSHOT_SEATS = 16
SNAPSHOT_ROUNDS = 4
RING = 2
WINDOW = 1_000_000  # seconds: no phase of the benchmark ends by its deadline
PARAMETERS = {
    "genesisRoot": b"\x01" * 32,
    "specDigest": b"\x02" * 32,
    "parameterCount": 10_000,
    "commitMin": 2,  # RING * commitMin covers the horizon (3 s) and settleWindow
    "grace": WINDOW,
    "commitCap": WINDOW,
    "revealWindow": WINDOW,
    "voteWindow": WINDOW,
    "challengeWindow": 1,
    "answerWindow": 1,
    "settleWindow": 1,
    "activateDelay": 1,
    "leaveDelay": 1,
    "ring": RING,
    "weightUnit": 10**15,
    "minWeight": 1,
    "peakStep": 1000,
    "warmup": 10,
    "decay": 10,
    "totalHeights": 1000,
}


@contextmanager
def anvil(accounts: int) -> Iterator[Web3]:
    """A chain of its own on a free port, from the same first second each time."""
    binary = next((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(binary), "--port", str(port), "--hardfork", "osaka", "--accounts", str(accounts), "--silent"]
    process = subprocess.Popen([*command, "--timestamp", "1800000000", "--no-cors"])
    try:
        w3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}", request_kwargs={"timeout": 60}))
        give_up = time.monotonic() + 30
        while not w3.is_connected():
            if time.monotonic() > give_up:
                raise SystemExit("anvil does not answer")
            time.sleep(0.05)
        w3.provider.make_request("anvil_setBlockTimestampInterval", [1])  # type: ignore[arg-type]
        yield w3
    finally:
        process.terminate()
        process.wait()


class Bench:
    """One run with `seats` seats; `gas[kind]` collects what the counted rounds used."""

    def __init__(self, w3: Web3, seats: int) -> None:
        self.w3 = w3
        self.random = random.Random(seats)
        self.accounts = w3.eth.accounts[:seats]
        artifact = compile_contract()
        factory = w3.eth.contract(abi=artifact.abi, bytecode=artifact.creation)
        sent = factory.constructor(tuple(PARAMETERS.values())).transact({"from": self.accounts[0]})
        receipt = w3.eth.wait_for_transaction_receipt(sent)
        self.size = len(artifact.runtime)
        self.deploy_gas = receipt["gasUsed"]
        self.run = w3.eth.contract(address=receipt["contractAddress"], abi=artifact.abi)
        tag = keccak(b"comitia.commitment.v1")
        self.domain = keccak(encode(["bytes32", "uint256", "address"], [tag, w3.eth.chain_id, self.run.address]))
        self.round = 0
        self.gas: dict[str, list[int]] = defaultdict(list)
        self.per_round: list[float] = []

    def send(self, method: str, *args: Any, seat: int = 0, value: int = 0) -> int:
        """Sends one transaction; its gas."""
        call = {"from": self.accounts[seat], "value": value, "gas": 1_000_000, "gasPrice": 10**10}
        sent = self.run.functions[method](*args).transact(call)  # type: ignore[arg-type]
        receipt = self.w3.eth.wait_for_transaction_receipt(sent, 30, 0.001)
        if receipt["status"] != 1:
            raise SystemExit(f"{method} reverted in round {self.round}")
        used: int = receipt["gasUsed"]
        return used

    def seat_all(self) -> None:
        """Everybody joins and activates; the first round opens."""
        for seat, account in enumerate(self.accounts):
            weight = self.random.randint(100, 255)
            peer = f"/ip4/10.0.0.{seat}/tcp/4001/p2p/12D3KooW" + "x" * 44
            value = weight * PARAMETERS["weightUnit"]  # type: ignore[operator]
            self.gas["join"].append(self.send("join", weight, account, self.word(), peer, seat=seat, value=value))
        for seat in range(len(self.accounts)):
            self.gas["activate"].append(self.send("activate", seat, seat=seat))
        self.gas["openRound"].append(self.send("openRound"))

    def play_round(self, is_counted: bool) -> None:
        """One good round; counts it if asked."""
        self.round = self.run.functions.clock().call()[0]
        seats = list(range(len(self.accounts)))
        used: list[tuple[str, int]] = []
        roots = [self.word() for _ in seats]
        for seat in self.shuffled(seats):
            words = [self.round, seat, int(self.accounts[seat], 16), int.from_bytes(roots[seat])]
            commitment = keccak(self.domain + encode(["uint256"] * 4, words))
            gas = self.send("commit", self.round, seat, *self.anchor(), commitment, self.word(), seat=seat)
            used.append(("commit", gas))
        for seat in self.shuffled(seats):
            gas = self.send("reveal", self.round, seat, roots[seat], self.word(), self.draw(seats, 0.9), seat=seat)
            used.append(("reveal", gas))
        outcome = (self.draw(seats, 0.9) or 1, 0, self.word())
        kind = "vote, first"
        for seat in self.shuffled(seats):
            gas = self.send("vote", self.round, seat, *self.anchor(), *outcome, seat=seat)
            if kind != "vote, late" and self.run.functions.clock().call()[0] != self.round:
                kind = "vote, quorum"
            used.append((kind, gas))
            kind = "vote" if kind in ("vote, first", "vote") else "vote, late"
        if is_counted:
            for kind, gas in used:
                self.gas[kind].append(gas)
            self.per_round.append(sum(gas for _, gas in used) / len(seats))

    def anchor(self) -> tuple[int, bytes]:
        block = self.w3.eth.get_block("latest")
        return block["number"], bytes(block["hash"])

    def word(self) -> bytes:
        return self.random.randbytes(32)

    def draw(self, seats: list[int], share: float) -> int:
        """A bitmap with about this share of the seats."""
        return sum(1 << seat for seat in seats if self.random.random() < share)

    def shuffled(self, seats: list[int]) -> list[int]:
        return self.random.sample(seats, len(seats))


def measure(seats: int, rounds: int) -> dict[str, Any]:
    """Gas of `rounds` rounds in the steady state, and of what comes before them."""
    with anvil(seats) as w3:
        bench = Bench(w3, seats)
        bench.seat_all()
        for number in range(RING + 1 + rounds):
            bench.play_round(is_counted=number > RING)
    methods = {
        kind: {"median": int(statistics.median(gas)), "min": min(gas), "max": max(gas), "count": len(gas)}
        for kind, gas in sorted(bench.gas.items())
    }
    return {
        "seats": seats,
        "rounds": rounds,
        "per_seat_and_round": round(statistics.mean(bench.per_round)),
        "methods": methods,
        "deploy": bench.deploy_gas,
        "runtime_bytes": bench.size,
    }


def show(result: dict[str, Any]) -> None:
    average = result["per_seat_and_round"]
    verdict = "within" if average <= GOAL else "ABOVE"
    print(f"\n{result['seats']} seats, {result['rounds']} rounds: {average:,} a seat and round, {verdict} the goal")
    for kind, gas in result["methods"].items():
        print(f"  {kind:<14}{gas['median']:>9,}  {gas['min']:>9,} to {gas['max']:>9,}  n={gas['count']}")


def take_snapshot() -> dict[str, int]:
    """What the test compares: gas of every method at 16 seats, exactly, and the sizes."""
    result = measure(SNAPSHOT_SEATS, SNAPSHOT_ROUNDS)
    medians = {kind: gas["median"] for kind, gas in result["methods"].items()}
    return {**medians, **{key: result[key] for key in ("per_seat_and_round", "deploy", "runtime_bytes")}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, nargs="+", default=[4, 16, 64], help="numbers of seats (1 to 256)")
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
    print(f"\ndeployment {results[0]['deploy']:,} gas, runtime {results[0]['runtime_bytes']:,} bytes (limit 24,576)")
    path = ROOT / "runs" / "bench-gas.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
