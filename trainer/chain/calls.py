"""The contract's transactions as small values. A call is signed by `sender.Sender`, which knows nonce and fees."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.protocol.types import BlockRef

# Gas limits instead of estimates: an estimate runs at the newest block, where a phase that ends before the next block
# still lasts (and the other way round), and costs a round trip. Measured worst case on anvil (osaka) x 1.3 or more;
# what is not used is not paid.
GAS_LIMITS = {
    "join": 400_000,  # the peer address of up to 256 bytes goes into the log
    "activate": 120_000,
    "leave": 120_000,
    "withdraw": 150_000,
    "openRound": 150_000,
    "commit": 120_000,
    "reveal": 100_000,
    "vote": 300_000,  # a dissenting vote, or one that makes a round final and opens the next in an untouched ring slot
}


@dataclass(frozen=True)
class Call:
    """A call of one of the contract's functions. `value` in wei."""

    method: str
    args: tuple[object, ...]
    value: int = 0

    @property
    def gas(self) -> int:
        """Gas limit."""
        return GAS_LIMITS[self.method]


def join(weight: int, operator: str, tip: bytes, peer: str, value: int) -> Call:
    """Takes a seat with `value` = weight * weight unit, in wei. By the future owner."""
    return Call("join", (weight, operator, tip, peer), value)


def activate(seat: int) -> Call:
    """Lets the seat act from the next round on. By owner or operator."""
    return Call("activate", (seat,))


def leave(seat: int) -> Call:
    """Leaves after the current round. By the owner."""
    return Call("leave", (seat,))


def withdraw(seat: int, to: str) -> Call:
    """Pays out the stake of a seat that left. By the owner."""
    return Call("withdraw", (seat, to))


def open_round() -> Call:
    """Opens the next round. By anybody."""
    return Call("openRound", ())


def commit(round: int, seat: int, anchor: BlockRef, commitment: bytes, sealed_digest: bytes) -> Call:
    """Commits to a sealed gradient. The anchor is at or after the round's opening and at most 256 blocks old. By the
    operator.
    """
    return Call("commit", (round, seat, anchor.number, anchor.hash, commitment, sealed_digest))


def reveal(round: int, seat: int, gradient_root: bytes, key: bytes, haves: int) -> Call:
    """Opens the commitment. By the operator."""
    return Call("reveal", (round, seat, gradient_root, key, haves))


def vote(round: int, seat: int, anchor: BlockRef, accepted: int, checked: int, new_state_root: bytes) -> Call:
    """Votes for the next state. The anchor holds, or follows, every reveal that was counted. By the operator."""
    return Call("vote", (round, seat, anchor.number, anchor.hash, accepted, checked, new_state_root))
