"""What the contract's views and storage must say, from the Python model: the words of Lens.sol and Peek.sol, in their
order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from tests.differential.operations import ACTORS, NOBODY, OWNER, Step, account
from tests.differential.scene import Scene
from trainer.protocol.events import Proposed, RoundFinal, Voted
from trainer.protocol.records import Accusation, Seat
from trainer.protocol.sums import compute_progress
from trainer.protocol.types import NO_END, Event

UINT64_MAX = (1 << 64) - 1
MANY_SEATS = 24  # above, a block compares the seats that were touched and the first and last
EVERYTHING = 20  # but all of them in every so many blocks

Words = list[tuple[str, int]]

SEAT = (
    "operator", "weight", "nextWeight", "changesAt", "from", "until", "flags", "owner", "readyAt", "leftAt", "first",
    "named", "nextOperator", "operatorFrom", "missesFrom", "settledTo", "condemnedIn",
)  # fmt: skip
BALLOT = ("outcome", "round", "time", "tally", "base", "flags", "voters", "dissenters")
RESULT = ("root", "round", "accepted", "checked")
ENTRY = ("digest", "weight", "round", "stage")
CHALLENGE = ("challenger", "time", "height", "status", "oldRoot", "newRoot", "bond", "prize", "voters")


@dataclass
class Query:
    """What is asked for: `Lens.Query`, and the arguments of `Peek.peek`."""

    rounds: list[int]
    heights: list[int]
    seats: list[int]
    outcomes: list[bytes]
    challenges: list[tuple[int, int]]
    accusations: list[tuple[int, int, int]]
    parts: list[tuple[int, int, str]]
    holders: list[tuple[int, int]]
    invitations: list[bytes]
    accounts: list[str] = field(default_factory=lambda: [account(index) for index in range(NOBODY, ACTORS)])

    @property
    def lens(self) -> tuple[object, ...]:
        """As `Lens.read` takes it."""
        return (
            self.rounds,
            self.heights,
            self.seats,
            self.outcomes,
            self.accounts,
            self.challenges,
            self.accusations,
        )

    @property
    def peek(self) -> tuple[object, ...]:
        """As `Peek.peek` takes it."""
        return self.parts, self.holders, self.accounts, self.invitations


class Ghost:
    """The model, and what only the contract's storage remembers: the weight behind outcomes that were not the first,
    and the wei that went in and out.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.dissents: dict[bytes, list[int]] = {}

    def apply(self, step: Step, number: int, time: int) -> list[Event]:
        """Carries a step out on the model. Raises Revert."""
        events = self.scene.apply(step, number, time)
        for event in events:
            if isinstance(event, Voted):
                record = self.scene.state.rounds[event.round]
                was_final = record.final and not any(isinstance(other, RoundFinal) for other in events)
                if event.outcome != next(iter(record.proposals)) and not was_final:
                    entry = self.dissents.setdefault(event.outcome, [0, 0])
                    entry[0] |= 1 << event.seat
                    entry[1] += record.vote_weights[event.seat]
            elif isinstance(event, Proposed):
                self.dissents.setdefault(event.outcome, [0, 0])
        return events

    def list_query(self, steps: list[Step], blocks: int) -> Query:
        """What to compare after a block with these steps, the `blocks`th."""
        state = self.scene.state
        ring, last, height = state.parameters.ring, state.clock.round, state.height
        seats = list(range(len(state.seats) + 1))
        if len(seats) > MANY_SEATS and blocks % EVERYTHING:
            touched = sorted({seat for step in steps for seat in step.args[1:5]})  # seats are among them
            seats = sorted({*range(6), 254, 255, *touched[:12]})
        rounds = [0, *range(max(1, last - ring - 1), last + 2)]
        if last - ring > 3:
            rounds.append(2 + blocks % (last - ring - 3))  # now and then a round of long ago
        recent = [state.rounds[r] for r in (last - 1, last) if r in state.rounds]
        return Query(
            rounds,
            [0, *range(max(1, height - ring - 2), height + 4)],
            [*(seat for seat in seats if 0 <= seat < 256), 200],
            [outcome for record in recent for outcome in record.proposals],
            [*state.challenges, (2, 0)],
            [*state.accusations, (2, 0, 0)],
            [*self.scene.contract.progress, (2, 0, account(OWNER))],
            [(seat.seat, seat.first) for seat in (*state.seats.values(), *state.former.values()) if seat.condemnations]
            + [(201, 2)],
            [*state.used_invitations, bytes(32)],
        )

    # ------------------------------------------------------------------ Lens

    def list_words(self, query: Query, number: int, time: int) -> Words:
        """The answer of `Lens.read`, word by word with names, in block `number` at `time`."""
        state, words = self.scene.state, self._list_run(number, time)
        for seat in query.seats:
            words += self._list_seat(f"seat {seat}", state.find_holder(seat))
            words += self._list_seat(f"former {seat}", state.find_holder(seat + 256))
            bid = state.bids.get(seat)
            values = (int(bid.owner, 16), bid.weight, bid.ready_at) if bid else (0, 0, 0)
            words += _name(f"bid {seat}", ("owner", "weight", "readyAt"), values)
        for round_id in query.rounds:
            words += self._list_ballot(round_id)
            for seat in query.seats:
                words += self._list_entry(round_id, seat)
        for height in query.heights:
            words += self._list_result(height)
        for outcome in query.outcomes:
            words += _name("dissent " + outcome.hex()[:8], ("voters", "tally"), self.dissents[outcome])
        for who in query.accounts:
            words += [
                (f"credit {who}", state.credits.get(who, 0)),
                (f"invitations {who}", state.invitations.get(who, 0)),
            ]
        for key in query.challenges:
            words += self._list_challenge(key)
        for accusation in query.accusations:
            found = state.accusations.get(accusation, Accusation())
            words += _name(f"accusation {accusation}", ("voters", "tally"), (found.voters, found.tally))
        return words

    def _list_run(self, number: int, time: int) -> Words:
        state, c = self.scene.state, self.scene.state.clock
        phase, end = state.compute_phase(time)
        return [
            ("time", time),
            ("number", number),
            *((f"clock.{item.name}", int(getattr(c, item.name))) for item in fields(c)),
            ("roll.nextActive", state.next_active),
            ("roll.seated", state.seated),
            ("roll.seats", len(state.seats)),
            ("roll.missesFrom", state.misses_from),
            ("roll.openChallenges", state.open_challenges),
            ("roll.epoch", state.epoch),
            ("roll.departed", state.departed),
            ("roll.stoppedAt", state.stopped_at),
            ("phase", phase),
            ("deadline", UINT64_MAX if end == NO_END else end),
            ("balance", state.held),
            ("staked", state.staked),
            ("pool", state.pool),
            ("burnt", state.burnt),
            ("nextBond", state.next_bond),
            ("horizon", state.parameters.horizon),
        ]

    def _list_seat(self, name: str, s: Seat) -> Words:
        flags = (1 if s.next_operator else 0) | (2 if s.withdrawn else 0) | (4 if s.condemnations else 0)
        values = [int(s.operator, 16), s.weight, s.next_weight, s.changes_at, s.from_round, s.until, flags]
        values += [int(s.owner, 16), s.ready_at, s.left_at, s.first, s.named, int(s.next_operator or "0", 16)]
        values += [s.operator_from, s.misses_from, s.settled_to, s.condemned_in]
        return _name(name, SEAT, values)

    def _list_ballot(self, round_id: int) -> Words:
        record, values = self.scene.state.find_ballot(round_id) if round_id else None, [0] * 8
        if record is not None:
            outcome = record.final_outcome or next(iter(record.proposals))
            voters = record.get_voters(outcome)
            others = sum(1 << seat for seat in record.votes) & ~voters
            tally = record.tally if record.final else record.get_tally(outcome)
            flags = (1 if record.final else 0) | (2 if others or len(record.proposals) > 1 else 0)
            flags |= 4 if record.interrupted else 0
            values = [int.from_bytes(outcome[:20], "big"), round_id, record.ballot_time, tally, record.base, flags]
            values += [voters, others]
        return _name(f"round {round_id}", BALLOT, values)

    def _list_result(self, height: int) -> Words:
        state, values = self.scene.state, [0] * 4
        found = state.find_result(height)
        if found and height <= state.height:
            record = state.find_ballot(found.round) if found.round else None
            values = [int.from_bytes(found.root[:26], "big"), found.round, 0, 0]
            if record and record.final:
                values[2:] = [record.final.accepted, record.final.checked]
        return _name(f"height {height}", RESULT, values)

    def _list_entry(self, round_id: int, seat: int) -> Words:
        state, values = self.scene.state, [0, 0, 0, 0]
        if round_id and state.has_entry(round_id, seat):
            record, stage = state.rounds[round_id], int(state.has_revealed(round_id, seat))
            digest = record.reveals[seat].gradient_root if stage else self.scene.contract.commitments[round_id, seat]
            values = [int.from_bytes(digest[:27], "big"), record.weights[seat], round_id, stage]
        return _name(f"entry {round_id}/{seat}", ENTRY, values)

    def _list_challenge(self, key: tuple[int, int]) -> Words:
        c, values = self.scene.state.challenges.get(key), [0] * 9
        if c is not None:
            values = [int(c.challenger, 16), c.time, c.height, int(c.status), int.from_bytes(c.old_root, "big")]
            values += [int.from_bytes(c.new_root, "big"), c.bond, c.prize, c.voters]
        return _name(f"challenge {key}", CHALLENGE, values)

    # ------------------------------------------------------------------ Peek

    def list_peeked(self, query: Query) -> Words:
        """The answer of `Peek.peek`."""
        state, words = self.scene.state, []
        for part in query.parts:
            sums = self.scene.contract.progress.get(part)
            words.append((f"progress {part}", int.from_bytes(compute_progress(sums), "big") if sums else 0))
        holders = {(s.seat, s.first): s for s in (*state.former.values(), *state.seats.values())}
        for holder in query.holders:
            found = holders[holder].condemnations if holder in holders else []
            last = (int(found[-1].witness, 16), found[-1].time) if found else (0, 0)
            left = sum(condemnation.left for condemnation in found)
            words += _name(f"condemnations {holder}", ("count", "witness", "time", "left"), (len(found), *last, left))
        words += [(f"hasSat {who}", int(who in state.has_sat)) for who in query.accounts]
        words += [(f"isUsed {digest.hex()}", int(digest in state.used_invitations)) for digest in query.invitations]
        return words


def _name(prefix: str, names: tuple[str, ...], values: list[int] | tuple[int, ...]) -> Words:
    return [(f"{prefix} {name}", value) for name, value in zip(names, values, strict=True)]
