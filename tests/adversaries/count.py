"""What became of an adversary, and what it cost the others: counted from the events of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainer.learn.evaluate import Evaluator
from trainer.protocol.events import Accused, Benched, Condemned, RoundFinal, Slashed
from trainer.protocol.messages import Domains
from trainer.protocol.money_events import compute_due, is_condemned
from trainer.protocol.run_state import RunState
from trainer.protocol.types import Event, Parameters
from trainer.roles.worker import Parts


@dataclass(frozen=True)
class Count:
    """accepted: share of the gang's seats times good rounds that were accepted. pay, honest_pay: kept pay of a unit of
    weight of either side, in shares of what the rounds alone could have paid it (checks come on top). condemned,
    benched: how often a seat of the gang was; noticed: rounds from the first to the first of either, 0 = never. voids:
    rounds that did not become good. loss: of the last state, in nats.
    """

    accepted: float
    pay: float
    honest_pay: float
    condemned: int
    benched: int
    noticed: int
    voids: int
    loss: float


def replay(events: Iterable[Event], parameters: Parameters, domains: Domains) -> RunState:
    """The run as its events tell it."""
    run = RunState(parameters, domains)
    for event in events:
        run.apply(event)
    return run


def measure_loss(parts: Parts) -> float:
    """Validation loss of the state that a worker stands on, in nats."""
    trainer = parts.training._trainer
    return Evaluator(trainer.task).compute_validation_loss(parts.follower.state, trainer.dataset, 64, None)


def count(run: RunState, events: Sequence[Event], gang: Sequence[int], loss: float) -> Count:
    """Counts for the seats of a gang; the others are honest."""
    honest = [seat for seat in run.seats if seat not in gang]
    first = min(run.rounds)
    falls = [event for event in events if isinstance(event, Condemned) and event.accused in gang]
    benches = [event for event in events if isinstance(event, Benched) and event.seat in gang]
    noticed = [event.last_round for event in falls] + [event.last_round for event in benches]
    accepted = sum(1 for final in run.finals for seat in gang if final.accepted >> seat & 1)
    return Count(
        accepted / max(1, len(gang) * len(run.finals)),
        _compute_pay(run, gang),
        _compute_pay(run, honest),
        len(falls),
        len(benches),
        min(noticed) - first + 1 if noticed else 0,
        len(run.rounds) - len(run.finals),
        loss,
    )


def _compute_pay(run: RunState, seats: Sequence[int]) -> float:
    """Kept pay of the seats, in shares of what every round's reward would have been for them."""
    kept = due = 0
    for seat in seats:
        holder = run.seats[seat]
        for height, final in enumerate(run.finals, 1):
            earned = compute_due(run, holder, height)
            kept += 0 if is_condemned(run, holder, height) else earned
            weight, base = holder.get_weight(final.round), run.rounds[final.round].base
            due += run.parameters.reward_per_round * weight // base
    return kept / max(1, due)


def check_promises(run: RunState, events: Sequence[Event], gang: Sequence[int]) -> None:
    """What holds whatever a gang does. Raises AssertionError."""
    assert run.height == run.parameters.total_heights, f"the run stands still at height {run.height}"
    heights = [event.height for event in events if isinstance(event, RoundFinal)]
    assert heights == list(range(1, run.height + 1))
    for event in events:
        if isinstance(event, Accused) and event.accused not in gang:
            assert event.accuser in gang, f"honest seat {event.accuser} accuses honest seat {event.accused}"
        if isinstance(event, Condemned):
            assert event.accused in gang, f"honest seat {event.accused} is condemned"
        assert not isinstance(event, Slashed), "a stake is lost"
        assert not (isinstance(event, Benched) and event.seat not in gang), f"honest seat {event.seat} is benched"
    for record in run.rounds.values():
        outcomes = {outcome for seat, outcome in record.votes.items() if seat not in gang}
        assert len(outcomes) <= 1, f"honest seats vote for different outcomes in round {record.round}"
    assert run.staked == sum(seat.next_weight for seat in run.seats.values()) * run.parameters.weight_unit
