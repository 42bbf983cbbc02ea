"""What events of rounds do to the ledger, and of overturns, which take rounds back."""

from __future__ import annotations

from trainer.protocol import assignment, keychain
from trainer.protocol.acceptance import compute_members
from trainer.protocol.events import Committed, Overturned, Proposed, Revealed, RoundFinal, RoundOpened, Voted
from trainer.protocol.ledger import Ledger
from trainer.protocol.phases import Clock, compute_commit_end, stretched
from trainer.protocol.records import Result, Round
from trainer.protocol.types import NO_END, Status


def compute_seed_after(run: Ledger, round_id: int) -> bytes:
    """Seed of round `round_id + 1`, from the reveals of `round_id`."""
    record = run.rounds[round_id]
    keys = {seat: reveal.key for seat, reveal in record.reveals.items() if seat in record.valid_keys}
    return assignment.compute_next_seed(round_id, record.seed, keys)


def apply_opening(run: Ledger, event: RoundOpened) -> None:
    if event.round - 1 in run.rounds:
        seed = compute_seed_after(run, event.round - 1)
    else:
        seed = assignment.compute_genesis_seed(run.domains.run, run.parameters.genesis_root)
    run.rounds[event.round] = Round(
        event.round, event.height, event.active, event.base, event.stretch, event.block, seed
    )
    active = {seat: run.find_acting(seat, event.round) for seat in sorted(run.seats)}
    run.rounds[event.round].seated = {
        seat: found.get_weight(event.round) for seat, found in active.items() if found.is_active(event.round)
    }
    run.departed = 0
    run.clock = Clock(
        round=event.round,
        height=event.height,
        opened_at=event.block.time,
        commit_end=NO_END,
        stretch=event.stretch,
        active=event.active,
        base=event.base,
        opened_block=event.block.number,
    )


def apply_commit(run: Ledger, event: Committed) -> None:
    record, seat = run.rounds[event.round], run.find_acting(event.seat, event.round)
    seat.promote_operator(event.round)
    weight = seat.get_weight(event.round)
    record.commits[event.seat] = event
    record.weights[event.seat] = weight
    record.firsts[event.seat] = seat.first
    run.entries[event.round % run.parameters.ring, event.seat] = event.round
    run.clock.committed += weight
    run.clock.commit_end = compute_commit_end(run.clock, run.parameters, event.block.time)


def apply_reveal(run: Ledger, event: Revealed) -> None:
    record = run.rounds[event.round]
    record.reveals[event.seat] = event
    tip = run.find_holder_at(event.seat, event.round).find_tip(event.round)
    if keychain.is_valid_key(tip.nearest_tip, tip.nearest_round, event.round, event.key):
        record.valid_keys[event.seat] = tip.announced
        tip.nearest_tip, tip.nearest_round = event.key, event.round - 1
    run.clock.revealed += record.weights[event.seat]
    if run.clock.revealed == run.clock.committed:
        run.clock.reveal_end = event.block.time


def apply_proposed(run: Ledger, event: Proposed) -> None:
    run.rounds[event.round].proposals[event.outcome] = event


def apply_vote(run: Ledger, event: Voted) -> None:
    record, seat, p = run.rounds[event.round], run.find_acting(event.seat, event.round), run.parameters
    seat.promote_operator(event.round)
    if not record.votes:
        end = run.clock.reveal_end or run.clock.commit_end + stretched(p.reveal_window, run.clock.stretch)
        record.vote_deadline = end + stretched(p.vote_window, run.clock.stretch)
        run.ballots[event.round % p.ring] = event.round
    record.votes[event.seat] = event.outcome
    record.vote_weights[event.seat] = seat.get_weight(event.round)


def apply_final(run: Ledger, event: RoundFinal) -> None:
    record = run.rounds[event.round]
    record.final = event
    record.final_outcome = next(
        outcome
        for outcome, proposed in record.proposals.items()
        if (proposed.accepted, proposed.checked, proposed.new_state_root)
        == (event.accepted, event.checked, event.state_root)
    )
    record.tally = record.get_tally(record.final_outcome)
    run.finals.append(event)
    run.results[event.height % (run.parameters.ring + 1)] = Result(event.state_root, event.round, event.height)
    run.clock.height = event.height
    # An opening in the same transaction follows as its own event and replaces this.
    run.clock.closed, run.clock.stretch = True, 0
    run.closed_at = event.block.time


def apply_overturned(run: Ledger, event: Overturned) -> None:
    """The run is at `event.height` again; the current round and all since then do not count."""
    challenge = run.challenges[event.round, event.chunk]
    run.open_challenges -= 1
    challenge.status, challenge.time, challenge.voters = Status.EXECUTED, event.block.time, event.voters
    for round_id in range(event.round, event.last_round + 1):
        run.rounds[round_id].overturned = True
    del run.finals[event.height :]
    run.cuts.append(event.last_round)
    run.clock.height, run.clock.closed, run.clock.stretch = event.height, True, 0
    run.closed_at = event.block.time
    run.misses_from = event.last_round + 1
    if run.find_ballot(event.last_round):
        run.rounds[event.last_round].interrupted = True
    # Who joined since then is paid from here on.
    for seat in run.seats.values():
        seat.settled_to = min(seat.settled_to, event.height)
    for seat_id in compute_members(event.voters):
        run.find_holder_at(seat_id, event.round).named += 1
