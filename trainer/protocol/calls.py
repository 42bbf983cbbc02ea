"""What all parts of the contract's model share: who calls, how a call is refused, and the checks of more than one part
(the internal functions of contracts/parts/RunStorage.sol).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainer.protocol.constants import MAX_PEER_BYTES, MAX_WEIGHT
from trainer.protocol.events import Benched, Joined, Left
from trainer.protocol.ledger import OPEN_PHASES
from trainer.protocol.records import ZERO_ADDRESS, Seat
from trainer.protocol.run_state import RunState
from trainer.protocol.sums import Sum
from trainer.protocol.types import FOREVER, BlockRef, Event, Phase


class Revert(Exception):
    """A custom error of the contract, by name, with its arguments as the ABI decodes them."""

    def __init__(self, name: str, *args: object) -> None:
        super().__init__(name, *args)
        self.name = name
        self.arguments = args


@dataclass(frozen=True)
class Anchor:
    """Number and hash of a block, as a commit or a vote carries them."""

    number: int
    hash: bytes


@dataclass(frozen=True)
class Call:
    """Who calls and in which block. `get_block_hash(n)` is the EVM's: zero bytes but for the 256 blocks before."""

    sender: str
    block: BlockRef
    get_block_hash: Callable[[int], bytes]


class Part:
    """A part of the contract over a `RunState`. Operations that change anything return the events they would emit and
    apply them, or raise `Revert` and change nothing.
    """

    def __init__(self, state: RunState, owner: str = ZERO_ADDRESS) -> None:
        self.state = state
        self.owner = owner  # of the run: in no event
        # Commitment of (round, seat): in no event, since `reveal` proves it.
        self.commitments: dict[tuple[int, int], bytes] = {}
        # Sums of (round, chunk, sender) after a part of an answer: in no event, they are the sender's to keep.
        self.progress: dict[tuple[int, int, str], Sum] = {}

    def _emit(self, event: Event) -> list[Event]:
        self.state.apply(event)
        return [event]

    # ------------------------------------------------------------------ rounds

    def _phase(self, call: Call) -> Phase:
        return self.state.compute_phase(call.block.time)[0]

    def _is_open(self, call: Call) -> bool:
        return self._phase(call) in OPEN_PHASES

    # ------------------------------------------------------------------ seats

    def _owned(self, call: Call, seat: int, or_operator: bool) -> Seat:
        """The seat, if the sender owns it (or may operate it, where that will do) and it has not left."""
        s = self.state.find_holder(seat)
        if call.sender != s.owner:
            if not or_operator:
                raise Revert("NotOwner", s.owner)
            operator = s.get_operator(self.state.clock.round)
            if call.sender != operator:
                raise Revert("NotOperator", operator)
        if s.has_left:
            raise Revert("HasLeft")
        return s

    def _require_acting(self, call: Call, seat: int, round_id: int) -> Seat:
        s = self.state.find_acting(seat, round_id)
        operator = s.get_operator(round_id)
        if call.sender != operator:
            raise Revert("NotOperator", operator)
        if not s.is_active(round_id):
            raise Revert("NotActive", s.from_round, s.until)
        return s

    def _require_stake(self, weight: int, value: int) -> None:
        if not 1 <= weight <= MAX_WEIGHT:
            raise Revert("BadWeight")
        stake = weight * self.state.parameters.weight_unit
        if value != stake:
            raise Revert("WrongStake", stake)

    def _admit(self, call: Call, returned: int = 0) -> None:
        """Whether the sender may take a seat; the event that follows uses its invitation up. `returned`: invitations
        that the sender gets back in the same transaction.
        """
        if self._phase(call) is Phase.FINISHED:
            raise Revert("RunFinished")
        if self.state.stopped_at:
            raise Revert("RunStopped")
        if self.state.parameters.invitation_only and self.state.invitations.get(call.sender, 0) + returned == 0:
            raise Revert("NotInvited")

    def _require_holder(self, operator: str, peer: str) -> None:
        if operator == ZERO_ADDRESS:
            raise Revert("BadOperator")
        self._require_peer(peer)

    def _require_peer(self, peer: str) -> None:
        if len(peer.encode()) > MAX_PEER_BYTES:
            raise Revert("PeerTooLong", len(peer.encode()))

    def _seat_holder(self, call: Call, seat: int, operator: str, weight: int, tip: bytes, peer: str) -> list[Event]:
        return self._emit(Joined(call.block, seat, call.sender, operator, weight, self.state.clock.round, tip, peer))

    def _bench(self, call: Call, s: Seat) -> list[Event]:
        return self._emit(Benched(call.block, s.seat, self.state.clock.round, s.next_weight))

    def _depart(self, call: Call, s: Seat) -> list[Event]:
        last = self.state.clock.round if s.until == FOREVER else s.until
        return self._emit(Left(call.block, s.seat, last, s.next_weight))

    def _compute_free_at(self, call: Call, s: Seat) -> int:
        """Time from which the stake of a seat that left is free."""
        p, last = self.state.parameters, s.until
        free = s.left_at + p.horizon
        is_open = self.state.clock.round == last and self._is_open(call)
        record = self.state.find_ballot(last) if last else None
        if record and s.seat in record.votes:
            if record.final is None:
                if is_open:
                    raise Revert("VoteUndecided", record.vote_deadline)
            elif record.votes[s.seat] == record.final_outcome:
                free = max(free, record.ballot_time + p.horizon)
        # Leaving needs no round to end.
        if is_open:
            free = max(free, s.left_at + p.leave_delay)
        return free
