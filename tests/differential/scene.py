"""The Python model of one run, and the meaning of a step in a given block: as a call of the contract, and as an
operation of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.differential import evidence
from tests.differential.operations import (
    NOBODY,
    OWNER,
    WRONG,
    ZERO,
    Step,
    account,
    key_of,
    one_time,
    recipient,
    word,
)
from tests.differential.states import (
    JUNK,
    Tree,
    bend,
    compute_bent_root,
    compute_gradient_root,
    make_bits,
    make_genesis,
)
from trainer.chain.events import snake
from trainer.protocol.contract import Anchor, Call, Contract
from trainer.protocol.events import RoundOpened
from trainer.protocol.messages import (
    Domains,
    Invitation,
    compute_acceptance_digest,
    compute_commitment,
    compute_invitation_digest,
)
from trainer.protocol.records import ZERO_ADDRESS
from trainer.protocol.run_state import RunState
from trainer.protocol.step import Schedule, apply_step
from trainer.protocol.sums import Sum
from trainer.protocol.tree import compute_chunks
from trainer.protocol.types import BlockRef, Event, Parameters

PAYING = ("join", "topUp", "bid", "challenge", "fund")  # the wei sent along come last
RECORDED, OTHER_END = 0, 1  # root that a challenge names; above: none that is known
# of a signature: the right key's; another key's; one byte short; with no recovery id; the other form of the right one
SIGNED, FORGED, SHORT, UNRECOVERABLE, MIRRORED = range(5)
CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # order of secp256k1


class Scene:
    """One run on the model, with the states and gradients that its roots stand for."""

    def __init__(self, parameters: Parameters, chain_id: int, address: str, hash_of: Callable[[int], bytes]) -> None:
        self.address = address
        self.hash_of = hash_of
        self.domains = Domains.of(chain_id, address)
        self.state = RunState(parameters, self.domains)
        self.contract = Contract(self.state, account(OWNER))
        self.chunks = compute_chunks(parameters.parameter_count)
        genesis = make_genesis(self.chunks)
        self.trees: dict[bytes, Tree] = {genesis.root[:26]: genesis}  # by leading bytes of their roots
        self.bases: dict[int, Tree] = {}  # what a round trains from; genesis where nobody has that state
        self.gradients: dict[tuple[int, int], int] = {}  # number of what a seat committed to, by round and seat
        self.bound: dict[tuple[int, int], int] = {}  # the account that the commitment binds
        # For the census: the lowest height that an overturn took the run to, and who was ever benched.
        self.lowest, self.benched = 1 << 24, set[int]()
        self._roots: dict[tuple[int, int, int, int], bytes] = {}
        self.started = 0  # time before the first step

    def apply(self, step: Step, number: int, time: int) -> list[Event]:
        """Carries a step out on the model, in block `number` at `time`. Raises Revert."""
        method, args, value = self.build(step, number)
        operation: Callable[..., list[Event]] = getattr(self.contract, snake(method))
        call = Call(account(step.args[0]), BlockRef(number, bytes(32), time), lambda n: self._get_hash(n, number))
        events = operation(call, *self._convert(step.kind, args, value))
        if step.kind == "commit":
            self.gradients[step.args[1], step.args[2]] = step.args[5]
            self.bound[step.args[1], step.args[2]] = step.args[6]
        for event in events:
            if isinstance(event, RoundOpened):
                root = self.state.get_root(event.height)
                self.bases[event.round] = self.trees.get(root[:26], make_genesis(self.chunks))
        return events

    def _convert(self, kind: str, args: list[Any], value: int) -> list[Any]:
        """Arguments of the model's operation: those of the contract, with what only a chain or a signature tells."""
        if kind in PAYING:
            return [*args, value]
        if kind in ("withdraw", "claim", "sweep"):
            return [*args, args[-1] != self.address]
        if kind in ("commit", "vote"):
            return [*args[:2], Anchor(*args[2:4]), *args[4:]]
        if kind in ("answerPart", "answer"):
            return [*args[:2], Sum(args[2][0], args[2][1], tuple(args[2][2])), *args[3:]]
        if kind == "admit":
            invited, invitation, *signatures = args
            return [invited, Invitation(*invitation), *(_signer_of(signature) for signature in signatures)]
        return args

    def build(self, step: Step, number: int) -> tuple[str, list[Any], int]:
        """The contract's function, its arguments, and the wei sent along, for a call in block `number`."""
        kind, a, unit = step.kind, step.args, self.state.parameters.weight_unit
        match kind:
            case "join":
                sender, weight, operator, length, extra = a
                args = [weight, account(operator), word("tip", sender), make_peer(length)]
                return kind, args, max(0, weight * unit + extra)
            case "openRound" | "stop":
                return kind, [], 0
            case "withdraw":
                return kind, [a[1], recipient(a[2], self.address)], 0
            case "claim" | "sweep":
                return kind, [recipient(a[1], self.address)], 0
            case "topUp" | "bid":
                return kind, [a[1], a[2]], max(0, a[2] * unit + a[3])
            case "fund":
                return kind, [], a[1]
            case "setOperator":
                return kind, [a[1], account(a[2])], 0
            case "setPeer":
                return kind, [a[1], make_peer(a[2])], 0
            case "announceTip":
                return kind, [a[1], word("tip", a[2])], 0
            case "takeSeat":
                return kind, [a[1], account(a[2]), word("tip", a[0]), make_peer(a[3])], 0
            case "settle":
                return kind, [list(a[2:]), a[1]], 0
            case "announceGroupKey":
                return kind, [word("file", a[1])], 0
            case "challenge":
                root = self.find_named_root(a[1], a[4])
                return kind, [*a[1:4], root], max(0, self.state.next_bond + a[5])
            case "answerPart":
                return kind, evidence.build_part(self, *a), 0
            case "answer":
                return kind, evidence.build_answer(self, *a), 0
            case "accuse":
                return kind, [*a[1:5], self._find_gradient_root(a[1], a[4], a[5]), a[6]], 0
            case "admit":
                return kind, self._build_invitation(*a[1:]), 0
            case "commit":
                _, round_id, seat, back, hash_kind, gradient, bound = a
                root = compute_gradient_root(gradient, self.chunks)
                commitment = compute_commitment(self.domains, round_id, seat, account(bound), root)
                sealed = word("sealed", gradient)
                return kind, [round_id, seat, *self._anchor(number, back, hash_kind), commitment, sealed], 0
            case "reveal":
                _, round_id, seat, gradient, key, haves = a
                root = compute_gradient_root(gradient, self.chunks)
                return kind, [round_id, seat, root, word("key", key), haves], 0
            case "vote":
                _, round_id, seat, back, hash_kind, accepted, checked, flaw = a
                root = self.compute_root(round_id, accepted, flaw)
                return kind, [round_id, seat, *self._anchor(number, back, hash_kind), accepted, checked, root], 0
        return kind, list(a[1:]), 0

    # ------------------------------------------------------------------ roots

    def compute_right(self, round_id: int, accepted: int) -> Tree:
        """The state that a round makes with an accepted set."""
        record, p = self.state.rounds.get(round_id), self.state.parameters
        before = self.bases.get(round_id, make_genesis(self.chunks))
        rows = [
            (make_bits(self.gradients[round_id, seat], self.chunks), weight)
            for seat, weight in (record.weights if record else {}).items()
            if accepted >> seat & 1
        ]
        if record is None or not rows:
            return before
        step = Schedule(p.peak_step, p.warmup, p.decay, p.total_heights).compute_step(record.height)
        return Tree.of(apply_step(before.state, rows, step))

    def compute_root(self, round_id: int, accepted: int, flaw: int) -> bytes:
        """The root that a vote names; what it stands for is remembered."""
        record = self.state.rounds.get(round_id)
        key = round_id, accepted, flaw, len(record.weights) if record else 0
        if key not in self._roots:
            right = self.compute_right(round_id, accepted)
            root = self._roots[key] = compute_bent_root(right, flaw)
            if flaw < JUNK:
                self.trees.setdefault(root[:26], right if root[:26] == right.root[:26] else bend(right, flaw))
        return self._roots[key]

    def find_named_root(self, round_id: int, which: int) -> bytes:
        """The root that a round voted for, one that begins like it, or another."""
        record = self.state.rounds.get(round_id)
        if record is None or record.final is None or which > OTHER_END:
            return word("root", which)
        root = record.final.state_root
        return root if which == RECORDED else root[:26] + bytes(byte ^ 1 for byte in root[26:])

    def _find_gradient_root(self, round_id: int, seat: int, flaw: int) -> bytes:
        record = self.state.rounds.get(round_id)
        found = record.reveals.get(seat) if record else None
        return found.gradient_root if found and not flaw else word("gradient", flaw)

    # ------------------------------------------------------------------ blocks and signatures

    def _anchor(self, number: int, back: int, kind: int) -> tuple[int, bytes]:
        anchor = number - back
        if kind == ZERO:
            return anchor, bytes(32)
        if kind == WRONG or back <= 0:  # a block that is not there yet has no hash to name
            return anchor, word("hash", back)
        return anchor, self.hash_of(anchor)

    def _get_hash(self, wanted: int, current: int) -> bytes:
        return self.hash_of(wanted) if current - 256 <= wanted < current else bytes(32)

    def _build_invitation(
        self, invited: int, invitee: int, key: int, until: int, nonce: int, signed: int, accepted: int
    ) -> list[Any]:
        deadline = max(0, self.started + until)
        invitation = Invitation(account(invitee), one_time(key), deadline, nonce)
        digest = compute_invitation_digest(self.domains, invitation)
        acceptance = compute_acceptance_digest(self.domains, account(invited))
        key_signature = _sign("one-time", key, acceptance, accepted) if invitee == NOBODY else b""
        words = (invitation.invitee, invitation.key, deadline, nonce)
        return [account(invited), words, _sign("actor", OWNER, digest, signed), key_signature]


def make_peer(length: int) -> str:
    """A peer's address of so many bytes, not all of them ASCII."""
    return "é" * (length // 2) + "x" * (length % 2)


def _sign(kind: str, index: int, digest: bytes, how: int) -> bytes:
    signature = key_of(kind, index + 1000 if how == FORGED else index).sign_msg_hash(digest)
    r, s, v = signature.r, signature.s, 27 + signature.v
    if how == MIRRORED:
        s, v = CURVE - s, 55 - v
    if how == UNRECOVERABLE:
        v = signature.v
    raw: bytes = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
    return raw[:-1] if how == SHORT else raw


def _signer_of(signature: bytes) -> Callable[[bytes], str]:
    """Who signed a digest, as `ecrecover` tells."""
    from eth_keys.datatypes import Signature

    def recover(digest: bytes) -> str:
        if len(signature) != 65 or signature[64] not in (27, 28):
            return ZERO_ADDRESS
        found = Signature(signature[:64] + bytes([signature[64] - 27])).recover_public_key_from_msg_hash(digest)
        return str(found.to_checksum_address())

    return recover
