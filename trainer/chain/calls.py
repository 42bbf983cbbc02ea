"""The contract's transactions as small values. A call is signed by `sender.Sender`, which knows nonce and fees."""

from __future__ import annotations

from collections.abc import Sequence
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
    "vote": 350_000,  # a dissenting vote, or one that makes a round final and opens the next in an untouched ring slot
    "topUp": 150_000,
    "setOperator": 120_000,
    "setPeer": 120_000,
    "announceTip": 80_000,
    "bench": 200_000,
    "retire": 150_000,
    "bid": 250_000,
    "withdrawBid": 120_000,
    "takeSeat": 600_000,
    "fund": 80_000,
    "claim": 100_000,
    "sweep": 120_000,
    "challenge": 350_000,
    "overturn": 6_000_000,  # names up to 256 voters (16,000 each), and walks over all seats
    "lapse": 150_000,
    "slash": 250_000,
    "accuse": 350_000,
    "admit": 150_000,
    "revoke": 150_000,
    "announceGroupKey": 80_000,
    "stop": 80_000,
}
SETTLE_GAS = 60_000  # of a settlement of nothing; then of each seat, each height, and each seat in each height
SETTLE_SEAT_GAS, SETTLE_HEIGHT_GAS, SETTLE_PAIR_GAS = 65_000, 16_000, 6_000
# Of an answer of nothing; then of each gradient (a path is hashed, 1,024 bits are added), each byte of calldata, and
# the step of a chunk.
ANSWER_GAS, ANSWER_STEP_GAS, ANSWER_SEAT_GAS, ANSWER_BYTE_GAS = 300_000, 1_200_000, 25_000, 60
MOST_GAS = 16_000_000  # in one transaction: chains allow 16,777,216 (EIP-7825)


@dataclass(frozen=True)
class Call:
    """A call of one of the contract's functions. `value` in wei; `limit` of gas where it depends on the arguments."""

    method: str
    args: tuple[object, ...]
    value: int = 0
    limit: int = 0

    @property
    def gas(self) -> int:
        """Gas limit."""
        return self.limit or GAS_LIMITS[self.method]


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


def top_up(seat: int, by: int, value: int) -> Call:
    """Adds `by` to a seat's weight with `value` = by * weight unit, in wei. By the owner."""
    return Call("topUp", (seat, by), value)


def set_operator(seat: int, operator: str) -> Call:
    """Names who acts from the next round on. By the owner."""
    return Call("setOperator", (seat, operator))


def set_peer(seat: int, peer: str) -> Call:
    """Announces where the seat's IPFS node is. By owner or operator."""
    return Call("setPeer", (seat, peer))


def announce_tip(seat: int, tip: bytes) -> Call:
    """Announces a new key chain. By owner or operator."""
    return Call("announceTip", (seat, tip))


def bench(seat: int, round: int) -> Call:
    """Benches a seat that missed `round` and the two after it. By anybody."""
    return Call("bench", (seat, round))


def retire(seat: int) -> Call:
    """Makes a seat leave that was benched for long. By anybody."""
    return Call("retire", (seat,))


def bid(seat: int, weight: int, value: int) -> Call:
    """Stakes `value` = weight * weight unit, in wei, on a seat's place in a full run."""
    return Call("bid", (seat, weight), value)


def withdraw_bid(seat: int) -> Call:
    """Takes a bid back, into the bidder's credit. By the bidder."""
    return Call("withdrawBid", (seat,))


def take_seat(seat: int, operator: str, tip: bytes, peer: str) -> Call:
    """Takes the place that was bid for, benched and ready to be activated. By the bidder."""
    return Call("takeSeat", (seat, operator, tip, peer))


def fund(value: int) -> Call:
    """Adds wei to the pool. By anybody."""
    return Call("fund", (), value)


def settle(holders: Sequence[int], count: int) -> Call:
    """Pays seats (ascending; id + 256 = its former holder) for their next `count` safe heights. By anybody."""
    pairs = len(holders) * count
    gas = SETTLE_GAS + SETTLE_SEAT_GAS * len(holders) + SETTLE_HEIGHT_GAS * count + SETTLE_PAIR_GAS * pairs
    return Call("settle", (list(holders), count), limit=gas)


def claim(to: str) -> Call:
    """Pays the sender's credit."""
    return Call("claim", (to,))


def sweep(to: str) -> Call:
    """Pays what the pool of an ended run still holds. By the run's owner."""
    return Call("sweep", (to,))


def challenge(round: int, height: int, chunk: int, state_root: bytes, bond: int) -> Call:
    """Challenges a chunk of the state that a round made, with a bond in wei. By anybody."""
    return Call("challenge", (round, height, chunk, state_root), bond)


def answer_part(round: int, chunk: int, sum: tuple[int, int, Sequence[int]], gradients: bytes, seats: int) -> Call:
    """Adds `seats` further seats to the sender's sums (next, weight, lanes). By anybody."""
    return Call(
        "answerPart",
        (round, chunk, (*sum[:2], list(sum[2])), gradients),
        limit=_limit(ANSWER_GAS + ANSWER_SEAT_GAS * seats + ANSWER_BYTE_GAS * len(gradients)),
    )


def answer(
    round: int,
    chunk: int,
    sum: tuple[int, int, Sequence[int]],
    gradients: bytes,
    seats: int,
    old_chunk: bytes,
    old_path: bytes,
    new_path: bytes,
) -> Call:
    """Shows that a challenged chunk is right; `gradients` of the `seats` that are not in the sums yet. By anybody."""
    size = len(gradients) + len(old_chunk) + len(old_path) + len(new_path)
    return Call(
        "answer",
        (round, chunk, (*sum[:2], list(sum[2])), gradients, old_chunk, old_path, new_path),
        limit=_limit(ANSWER_GAS + ANSWER_STEP_GAS + ANSWER_SEAT_GAS * seats + ANSWER_BYTE_GAS * size),
    )


def overturn(round: int, chunk: int) -> Call:
    """Executes a challenge that nobody answered. By anybody."""
    return Call("overturn", (round, chunk))


def lapse(round: int, chunk: int) -> Call:
    """Ends a challenge that was not executed. By anybody."""
    return Call("lapse", (round, chunk))


def slash(round: int, chunk: int, seat: int) -> Call:
    """Settles one voter of an overturned round. By anybody."""
    return Call("slash", (round, chunk, seat))


def accuse(round: int, height: int, seat: int, accused: int, gradient_root: bytes, witness: int) -> Call:
    """Accuses a seat of dishonest training in the round that made `height`. By the operator."""
    return Call("accuse", (round, height, seat, accused, gradient_root, witness))


def admit(
    account: str, invitation: tuple[str, str, int, int], owner_signature: bytes, key_signature: bytes = b""
) -> Call:
    """Uses an invitation (invitee, key, deadline, nonce) for an account. By anybody."""
    return Call("admit", (account, invitation, owner_signature, key_signature))


def revoke(seat: int) -> Call:
    """Makes a seat of an invitation-only run leave. By the run's owner."""
    return Call("revoke", (seat,))


def announce_group_key(file: bytes) -> Call:
    """Announces the group key of the next rounds. By the run's owner."""
    return Call("announceGroupKey", (file,))


def stop() -> Call:
    """Stops new rounds, for ever. By the run's owner."""
    return Call("stop", ())


def _limit(gas: int) -> int:
    return min(gas, MOST_GAS)
