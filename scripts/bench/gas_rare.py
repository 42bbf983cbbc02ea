"""Gas of everything that is not part of a round: each function once or a few times, in a run of so many seats.

Every scenario starts from the same chain (evm_snapshot), so what one of them does costs the others nothing. The
challenged round has a model of 16.8 million parameters (paths of 14 hashes), of which one chunk is real.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

import numpy as np
from gas_run import Bench, anvil
from web3 import Web3

from trainer.protocol.step import Schedule, apply_step
from trainer.protocol.sums import Sum
from trainer.protocol.tree import compute_root_from_path, gradient_leaf, state_leaf

DEPTH = 14
CHUNK = 5_000  # of 16,384
PART_BYTES = 100_000  # of gradients in one transaction; nodes relay at most 128 KiB
WINDOWS: dict[str, int] = {
    "challengeWindow": 6_000,
    "answerWindow": 2_000,
    "settleWindow": 2_000,
    "commitMin": 2_000,
    "ring": 128,
}
FULL = 256


def measure_rare(seats: int) -> dict[str, int]:
    """Gas by function; of those that were called several times the median call is shown, and the worst."""
    with anvil(seats) as w3:
        return Rare(w3, seats).measure()


class Rare(Bench):
    """A run with a real chunk in its last final round."""

    def __init__(self, w3: Web3, seats: int) -> None:
        super().__init__(w3, seats, **WINDOWS, parameterCount=1024 << DEPTH)
        self.used: dict[str, int] = {}
        # Rounds in a batch of settling: what a seat costs once is shared by them. Fewer in a full run, which is slow.
        self.settled = {FULL: 4, 64: 48}.get(seats, 64)

    def measure(self) -> dict[str, int]:
        self.seat_all()
        self.once("fund", "fund", value=10**18)
        for _ in range(1 + self.settled):
            self.play_round()
        self.play_real_round()
        for scenario in (self.seat_changes, self.exits, self.owner_calls, self.accusation, self.dissent):
            with self.snapshot():
                scenario()
        with self.snapshot():
            self.answered()
        with self.snapshot():
            self.overturned()
        with self.snapshot():
            self.benching()
        self.settling()
        if len(self.accounts) == FULL:
            self.places()
        return self.used

    # ------------------------------------------------------------------ scenarios

    def seat_changes(self) -> None:
        account = self.accounts[0]
        self.once("setOperator", "setOperator", 0, account)
        self.once("setPeer", "setPeer", 0, "/ip4/10.0.0.1/tcp/4001/p2p/12D3KooW" + "x" * 44)
        self.once("announceTip", "announceTip", 0, self.word())
        self.once("topUp", "topUp", 0, 1, value=self.parameters["weightUnit"])

    def exits(self) -> None:
        self.once("leave", "leave", 0)
        self.skip(20_000)
        self.once("withdraw", "withdraw", 0, self.accounts[0])

    def owner_calls(self) -> None:
        self.once("announceGroupKey", "announceGroupKey", self.word())
        deadline = self.w3.eth.get_block("latest")["timestamp"] + 10**6
        invitation = (self.accounts[0], self.accounts[0], deadline, 1)
        signature = self.sign(invitation)
        self.once("admit", "admit", self.accounts[0], invitation, signature, b"")
        self.once("stop", "stop")
        self.skip(2 * self.parameters["commitCap"])
        self.once("sweep", "sweep", self.accounts[0])

    def accusation(self) -> None:
        accused = len(self.accounts) - 1
        for seat in range(accused):
            gas = self.send(
                "accuse", self.real, self.real_height, seat, accused, self.roots[accused], seat ^ 1, seat=seat
            )
            self.used["accuse, first"] = max(gas, self.used.get("accuse, first", 0))
        for seat in range(accused):
            condemned = self.run.functions.seats(accused).call()[-1]
            if condemned:
                return
            gas = self.send(
                "accuse", self.real, self.real_height, seat, accused, self.roots[accused], accused, seat=seat
            )
            self.used["accuse, condemning"] = gas

    def dissent(self) -> None:
        """Votes for another outcome than the first: the worst case of a vote."""
        self.round = self.get_open_round()
        roots = [self.word() for _ in self.accounts]
        seats = range(len(self.accounts))
        for seat in seats:
            self.send("commit", self.round, seat, *self.anchor(), self.commitment(seat, roots), self.word(), seat=seat)
        for seat in seats:
            self.send("reveal", self.round, seat, roots[seat], self.word(), 1, seat=seat)
        for seat in seats:
            kind = ("vote, first", "vote, first dissent", "vote, dissent")[min(seat, 2)]
            if self.get_open_round() == self.round:
                outcome = (1, 0, b"\x01" * 32 if seat else b"\x02" * 32)
                gas = self.send("vote", self.round, seat, *self.anchor(), *outcome, seat=seat)
                if self.get_open_round() != self.round:
                    kind = "vote, dissenting quorum"
                self.used[kind] = gas

    def answered(self) -> None:
        self.once("challenge", "challenge", *self.challenge(CHUNK), value=self.parameters["challengeBond"])
        stride = 128 + 32 * DEPTH
        size = max(1, min(len(self.accounts), PART_BYTES // stride)) * stride
        sums, seats = Sum(), range(len(self.accounts))
        total = 0
        parts = [self.gradients[start : start + size] for start in range(0, len(self.gradients), size)]
        for part in parts[:-1]:
            gas = self.send("answerPart", self.real, CHUNK, astuple(sums), part)
            self.used["answer, one part"] = max(gas, self.used.get("answer, one part", 0))
            total += gas
            for seat in seats[sums.next : sums.next + len(part) // stride]:
                sums = sums.add(seat, self.weights[seat], self.bits[seat])
        total += self.send("answer", self.real, CHUNK, astuple(sums), parts[-1], self.old, *self.paths)
        self.used["answer"] = total
        self.used["answer, bytes of gradients"] = len(self.gradients)

    def overturned(self) -> None:
        self.send("challenge", *self.challenge(CHUNK), value=self.parameters["challengeBond"])
        self.send("challenge", *self.challenge(CHUNK + 1), value=2 * self.parameters["challengeBond"])
        self.skip(WINDOWS["answerWindow"])
        self.once("overturn", "overturn", self.real, CHUNK)
        self.once("lapse", "lapse", self.real, CHUNK + 1)
        self.skip(WINDOWS["answerWindow"])
        self.once("slash, first", "slash", self.real, CHUNK, 0)
        self.once("slash", "slash", self.real, CHUNK, 1)

    def benching(self) -> None:
        first = self.get_open_round()
        if len(self.accounts) == 4:  # without the lightest of four: two thirds must do
            lightest = min(range(4), key=lambda seat: self.weights[seat])
        else:
            lightest = 0
        for _ in range(4):
            self.close_commits(lightest)
        self.used["bench"] = self.send("bench", lightest, first)
        self.skip(20_000)
        self.used["retire"] = self.send("retire", lightest)

    def settling(self) -> None:
        self.skip(20_000)
        batch = list(range(len(self.accounts)))
        self.once("settle, all seats, first round", "settle", batch, 1)
        with self.snapshot():
            self.once("settle, one seat, one round", "settle", [0], 1)
        with self.snapshot():
            self.once(f"settle, one seat, {self.settled} rounds", "settle", [0], self.settled)
        self.once(f"settle, all seats, {self.settled} rounds", "settle", batch, self.settled)
        everything = self.used[f"settle, all seats, {self.settled} rounds"]
        self.used["settle, in the batch, a seat and round"] = round(everything / len(batch) / self.settled)
        self.once("claim", "claim", self.accounts[0])

    def places(self) -> None:
        unit = self.parameters["weightUnit"]
        lightest = min(range(FULL), key=lambda seat: self.weights[seat])
        weight = min(255, 2 * self.weights[lightest] + 1)
        self.once("bid", "bid", lightest, weight, value=weight * unit)
        with self.snapshot():
            self.once("withdrawBid", "withdrawBid", lightest)
        self.skip(10)
        self.once("takeSeat", "takeSeat", lightest, self.accounts[0], self.word(), "x" * 80)

    # ------------------------------------------------------------------ the real chunk

    def play_real_round(self) -> None:
        """A round whose result can be answered for: real bits and a real step in one chunk, random siblings around."""
        draw = random.Random(1)
        # Values as a model has them: within the range of +-1.
        self.old = b"".join(draw.randrange(-1 << 22, 1 << 22).to_bytes(4, "little", signed=True) for _ in range(1024))
        old_path, new_path = draw.randbytes(32 * DEPTH), draw.randbytes(32 * DEPTH)
        self.paths = (old_path, new_path)
        self.play_round(state_root=climb(state_leaf(CHUNK, self.old), old_path))
        self.bits = [draw.randbytes(128) for _ in self.accounts]
        paths = [draw.randbytes(32 * DEPTH) for _ in self.accounts]
        self.roots = [climb(gradient_leaf(CHUNK, bits), path) for bits, path in zip(self.bits, paths, strict=True)]
        self.gradients = b"".join(bits + path for bits, path in zip(self.bits, paths, strict=True))
        p = self.parameters
        height = self.run.functions.clock().call()[1]
        step = Schedule(p["peakStep"], p["warmup"], p["decay"], p["totalHeights"]).compute_step(height)
        votes = list(zip(self.bits, self.weights, strict=True))
        new = apply_step(np.frombuffer(self.old, "<i4").astype(np.int32), votes, step).astype("<i4").tobytes()
        root = climb(state_leaf(CHUNK, new), new_path)
        self.play_round(roots=self.roots, state_root=root)
        self.real, self.real_height, self.real_root = self.round, height + 1, root

    def challenge(self, chunk: int) -> tuple[int, int, int, bytes]:
        return self.real, self.real_height, chunk, self.real_root

    # ------------------------------------------------------------------ tools

    def once(self, kind: str, method: str, *args: Any, value: int = 0) -> None:
        self.used[kind] = self.send(method, *args, value=value)

    def close_commits(self, silent: int) -> None:
        """A good round in which one seat stays silent, ended by its deadlines."""
        self.round = self.get_open_round()
        roots = [self.word() for _ in self.accounts]
        seats = [seat for seat in range(len(self.accounts)) if seat != silent]
        for seat in seats:
            self.send("commit", self.round, seat, *self.anchor(), self.commitment(seat, roots), self.word(), seat=seat)
        self.skip(self.parameters["commitCap"])
        for seat in seats:
            self.send("reveal", self.round, seat, roots[seat], self.word(), 1, seat=seat)
        root = self.word()
        for seat in seats:
            self.send("vote", self.round, seat, *self.anchor(), 1, 0, root, seat=seat)
        if self.run.functions.clock().call()[-1]:
            self.send("openRound")

    def skip(self, seconds: int) -> None:
        time = self.w3.eth.get_block("latest")["timestamp"] + seconds
        self.ask("evm_setNextBlockTimestamp", time)
        self.ask("evm_mine")

    def sign(self, invitation: tuple[str, str, int, int]) -> bytes:
        """The owner's signature of an invitation, by the node, which holds its key."""
        fields = [("invitee", "address"), ("key", "address"), ("deadline", "uint64"), ("nonce", "uint256")]
        domain = {
            "name": "Comitia",
            "version": "1",
            "chainId": self.w3.eth.chain_id,
            "verifyingContract": self.run.address,
        }
        names = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
        typed = {
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for name, kind in names],
                "Invitation": [{"name": name, "type": kind} for name, kind in fields],
            },
            "primaryType": "Invitation",
            "domain": domain,
            "message": {name: value for (name, _), value in zip(fields, invitation, strict=True)},
        }
        answer = self.ask("eth_signTypedData_v4", self.accounts[0], typed)
        return bytes.fromhex(answer[2:])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What happens inside is undone, on the chain and here."""
        mark = self.ask("evm_snapshot")
        yield
        self.ask("evm_revert", mark)
        self.ask("anvil_setBlockTimestampInterval", 1)


def climb(leaf: bytes, path: bytes) -> bytes:
    """Root from the leaf of chunk CHUNK and its siblings."""
    return compute_root_from_path(leaf, CHUNK, [path[32 * k : 32 * k + 32] for k in range(DEPTH)])
