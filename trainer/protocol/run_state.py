"""The run as its events tell it: seats, clock, money, and a record of every round. One transition, `apply`, serves the
worker, the auditor and the ghost model of the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trainer.protocol import events as e
from trainer.protocol import money_events, round_events, seat_events
from trainer.protocol.ledger import Ledger
from trainer.protocol.records import Round, Seat
from trainer.protocol.types import Event

__all__ = ["Round", "RunState", "Seat"]

TRANSITIONS: dict[type[Event], Callable[[Ledger, Any], None]] = {
    e.Joined: seat_events.apply_joined,
    e.Activated: seat_events.apply_activated,
    e.Left: seat_events.apply_left,
    e.Withdrawn: seat_events.apply_withdrawn,
    e.RoundOpened: round_events.apply_opening,
    e.Committed: round_events.apply_commit,
    e.Revealed: round_events.apply_reveal,
    e.Proposed: round_events.apply_proposed,
    e.Voted: round_events.apply_vote,
    e.RoundFinal: round_events.apply_final,
    e.Benched: seat_events.apply_benched,
    e.WeightChanged: seat_events.apply_weight,
    e.OperatorChanged: seat_events.apply_operator,
    e.PeerChanged: seat_events.apply_peer,
    e.TipAnnounced: seat_events.apply_tip,
    e.BidPlaced: seat_events.apply_bid,
    e.BidReturned: seat_events.apply_bid_returned,
    e.FormerWithdrawn: seat_events.apply_former_withdrawn,
    e.FormerPaid: seat_events.apply_former_paid,
    e.Funded: money_events.apply_funded,
    e.Settled: money_events.apply_settled,
    e.Claimed: money_events.apply_claimed,
    e.Swept: money_events.apply_swept,
    e.Challenged: money_events.apply_challenged,
    e.AnswerAdvanced: money_events.apply_answer_part,
    e.Answered: money_events.apply_answered,
    e.Overturned: round_events.apply_overturned,
    e.ChallengeLapsed: money_events.apply_lapsed,
    e.Slashed: money_events.apply_slashed,
    e.Accused: money_events.apply_accused,
    e.Condemned: money_events.apply_condemned,
    e.Admitted: seat_events.apply_admitted,
    e.GroupKeyAnnounced: seat_events.apply_group_key,
    e.Stopped: seat_events.apply_stopped,
}


class RunState(Ledger):
    """State of a run, derived from its events alone; `apply` them in the order of the chain."""

    def apply(self, event: Event) -> None:
        """Applies one event of the contract."""
        transition = TRANSITIONS.get(type(event))
        if transition is None:
            raise TypeError(f"unknown event {event!r}")
        transition(self, event)

    def get_root(self, height: int) -> bytes:
        """32-byte state root of a good height that stands."""
        return self.parameters.genesis_root if height == 0 else self.finals[height - 1].state_root

    def is_valid_key(self, reveal: e.Revealed) -> bool:
        """Whether the key of a reveal belongs to its seat's chain: a function of the tip's event and the round id
        alone.
        """
        return reveal.seat in self.rounds[reveal.round].valid_keys

    def compute_seed_after(self, round_id: int) -> bytes:
        """Seed of round `round_id + 1`, from the reveals of `round_id`."""
        return round_events.compute_seed_after(self, round_id)

    def compute_streak(self, seat: int, height: int) -> int:
        """Number of consecutive good rounds, ending with the one that made `height`, that accepted the present holder
        of the seat; 0 after an overturn.
        """
        holder = self.seats.get(seat)
        following = self.finals[height].round if height < len(self.finals) else self.next_round
        first = holder.first if holder else 0
        return self._count_back(self.finals[:height], first, following, _accepts(seat))

    def compute_streak_before(self, round_id: int, seat: int, most: int | None = None) -> int:
        """Number of consecutive good rounds that accepted whoever holds the seat in a round, ending with the one that
        made the state which the round trains from. The same for everybody and for ever, whoever holds the seat now.
        most: where it stops counting.

        Raises ValueError where an overturn took what the round was trained from.
        """
        finals, first = self._find_history(round_id, seat, most)
        return self._count_back(finals, first, round_id, _accepts(seat))

    def compute_run_up(self, round_id: int, seat: int, most: int | None = None) -> int:
        """As `compute_streak_before`, of the rounds in which the seat revealed work, accepted or not: so many rounds of
        inner state lie behind what it does in this one. 0 after an overturn, which all begin cold.
        """
        finals, first = self._find_history(round_id, seat, most)
        return self._count_back(finals, first, round_id, lambda final: seat in self.rounds[final.round].reveals)

    def _find_history(self, round_id: int, seat: int, most: int | None) -> tuple[Sequence[e.RoundFinal], int]:
        """The newest good rounds before a round (`most`, None = all), and the first that can be its holder's."""
        record = self.rounds[round_id]
        if record.height > len(self.finals) or (record.height and self.finals[record.height - 1].round >= round_id):
            raise ValueError(f"what round {round_id} was trained from does not stand any more")
        first = record.firsts[seat] if seat in record.firsts else self.find_acting(seat, round_id).first
        last = 0 if most is None else max(0, record.height - most)
        return self.finals[last : record.height], first

    def _count_back(
        self, finals: Sequence[e.RoundFinal], first: int, following: int, counts: Callable[[e.RoundFinal], bool]
    ) -> int:
        """How many of the last of `finals` count without a gap. first: round of the holder's first. following: the
        round that trains from the last of them.
        """
        streak = 0
        for final in reversed(finals):
            is_cut = any(final.round <= cut < following for cut in self.cuts)
            if is_cut or final.round < first or not counts(final):
                break
            streak, following = streak + 1, final.round
        return streak


def _accepts(seat: int) -> Callable[[e.RoundFinal], bool]:
    return lambda final: bool(final.accepted >> seat & 1)
