"""Steps that aim at one error of a round each. None where the state of the model does not allow it now."""

from __future__ import annotations

from tests.differential.author import INDEX, OVERFLOW, Author, Choice, Move
from tests.differential.going_on import commit, find_late, late_vote, outcome, reveal, vote
from tests.differential.operations import REAL, WRONG, ZERO, account
from trainer.protocol.types import Phase


def _wrong_phase(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    if record is None:
        return None
    acting = author.acting(record.round)
    choices: list[Choice] = []
    if phase in (Phase.COMMIT, Phase.REVEAL, Phase.VOTE):
        choices += [("openRound", [author.actor()]), ("sweep", [0, author.label()])]
    if acting and phase is not Phase.COMMIT:
        choices.append(commit(author, author.rng.choice(acting)))
    if phase is not Phase.REVEAL and record.commits:
        choices.append(reveal(author, author.rng.choice(list(record.commits))))
    if acting and phase is not Phase.VOTE and not record.votes:
        choices.append(vote(author, record, author.rng.choice(acting)))
    return author.rng.choice(choices) if choices else None


def _wrong_round(author: Author, phase: Phase, now: int) -> Choice | None:
    state, rng = author.scene.state, author.rng
    last = state.clock.round
    if not last or not state.seats:
        return None
    wrong = rng.choice((0, 1, last - 1, last + 1, last + OVERFLOW))
    seat = rng.choice(list(state.seats)[:8])
    operator = author.operator(seat, last)
    choices: list[Choice] = [
        ("commit", [operator, wrong, seat, *author.anchor(), 1, operator]),
        ("reveal", [operator, wrong, seat, 1, 1, 0]),
    ]
    # A round whose ballot is gone, never was, or is not there yet.
    old = [r for r in range(max(2, last - 2 * state.parameters.ring), last + 2) if seat in author.acting(r)]
    if old:
        voted = rng.choice(old)
        choices.append(("vote", [author.operator(seat, voted), voted, seat, *author.anchor(), 1, 0, 0]))
    return rng.choice(choices)


def _bad_anchor(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    acting = author.acting(state.clock.round)
    if not acting or phase not in (Phase.COMMIT, Phase.VOTE):
        return None
    seat = author.rng.choice(acting)
    age = author.target - state.clock.opened_block
    anchors = [[0, REAL], [-5, REAL], [257, REAL], [1, ZERO], [1, WRONG], [0, ZERO], [300, ZERO]]
    kind, args = commit(author, seat)
    if phase is Phase.COMMIT:
        anchors += [[age + 1, REAL], [age + 2, REAL]]
    else:
        kind, args = vote(author, state.rounds[state.clock.round], seat)
    return kind, [*args[:3], *author.rng.choice(anchors), *args[5:]]


def _not_operator(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick(list(author.scene.state.seats.values())[:8])
    if seat is None:
        return None
    round_id, rng = author.scene.state.clock.round, author.rng
    stranger = author.stranger(seat.operator, seat.next_operator, seat.owner)
    # Somebody who was, or will be, the operator; and the owner.
    other = rng.choice((stranger, INDEX[seat.owner], INDEX[seat.operator], INDEX[seat.next_operator or seat.operator]))
    seat_id = rng.choice((seat.seat, seat.seat, 99, 255))
    choices: list[Choice] = [
        ("activate", [stranger, seat_id]),
        ("setPeer", [stranger, seat_id, 5]),
        ("announceTip", [stranger, seat_id, 1]),
        ("accuse", [other, round_id - 1, author.scene.state.height, seat_id, seat.seat, 0, 0]),
        ("vote", [other, round_id, seat_id, *author.anchor(), 1, 0, 1]),
        ("commit", [other, round_id, seat_id, *author.anchor(), author.label(), other]),
    ]
    return rng.choice([choice for choice in choices if choice[1][1] >= 0])


def _not_active(author: Author, phase: Phase, now: int) -> Choice | None:
    state, rng = author.scene.state, author.rng
    round_id = state.clock.round
    idle = [seat for seat in list(state.seats)[:8] if seat not in author.acting(round_id)]
    if not idle or not round_id:
        return None
    seat = rng.choice(idle)
    operator = author.operator(seat, round_id)
    choices: list[Choice] = [
        ("vote", [operator, round_id + rng.choice((0, 0, OVERFLOW)), seat, *author.anchor(), 1, 0, 1]),
        ("bench", [author.actor(), seat, max(2, round_id - 3)]),
    ]
    if phase is Phase.COMMIT:
        choices.append(("commit", [operator, round_id, seat, *author.anchor(), author.label(), operator]))
    return rng.choice(choices)


def _already_committed(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    if record is None or phase is not Phase.COMMIT or not record.commits:
        return None
    return commit(author, author.rng.choice(list(record.commits)))


def _not_committed(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    seat = author.pick([s for s in author.present() if record and s.seat not in record.commits])
    if seat is None or record is None or phase is not Phase.REVEAL:
        return None
    return "reveal", [author.operator(seat.seat, record.round), record.round, seat.seat, 1, 1, 0]


def _already_revealed(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    if record is None or phase is not Phase.REVEAL or not record.reveals:
        return None
    return reveal(author, author.rng.choice(list(record.reveals)))


def _commitment_mismatch(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    sealed = [s for s in record.commits if s not in record.reveals] if record else []
    if phase is Phase.REVEAL and sealed:
        kind, args = reveal(author, author.rng.choice(sealed))
        if author.rng.random() < 0.5:
            return kind, [*args[:3], args[3] + 1, *args[4:]]
        return kind, [author.stranger(account(args[0])), *args[1:]]
    waiting = [s for s in author.acting(record.round) if s not in record.commits] if record else []
    if phase is Phase.COMMIT and waiting and author.rng.random() < 0.05:
        # A copied commitment: it can never be revealed by the copier.
        kind, args = commit(author, author.rng.choice(waiting))
        return kind, [*args[:6], author.stranger(account(args[6]))]
    return None


def _already_voted(author: Author, phase: Phase, now: int) -> Choice | None:
    state, record = author.scene.state, author.scene.state.current
    last = state.finals[-1].round if state.finals else 0
    rounds = [state.rounds[r] for r in {last, record.round if phase is Phase.VOTE and record else 0} if r]
    pairs = [(r, seat) for r in rounds for seat in r.votes]
    if not pairs:
        return None
    voted, seat = author.rng.choice(pairs)
    cast = outcome(author, voted.round, author.rng.randrange(3))
    return "vote", [author.operator(seat, voted.round), voted.round, seat, *author.anchor(), *cast]


def _empty_set(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick(author.present())
    if seat is None:
        return None
    return "vote", [INDEX[seat.operator], author.scene.state.clock.round, seat.seat, *author.anchor(), 0, 1, 1]


def _not_final_outcome(author: Author, phase: Phase, now: int) -> Choice | None:
    found = find_late(author)
    if found is None:
        return None
    kind, args = late_vote(author, *found)
    return kind, [*args[:5], args[5] ^ 8 or 1, args[6], args[7]]


def _round_closed(author: Author, phase: Phase, now: int) -> Choice | None:
    """After the next height, after the deadline, or after an overturn."""
    state = author.scene.state
    closed = [
        (record.round, seat)
        for record in list(state.rounds.values())[-6:]
        for seat in author.acting(record.round)
        if record.votes
        and seat not in record.votes
        and (
            record.interrupted or (record.final.height < state.height if record.final else record.vote_deadline <= now)
        )
    ]
    if not closed:
        return None
    round_id, seat = author.rng.choice(closed)
    return "vote", [author.operator(seat, round_id), round_id, seat, *author.anchor(), *outcome(author, round_id)]


def _run_finished(author: Author, phase: Phase, now: int) -> Choice | None:
    if phase is not Phase.FINISHED:
        return None
    return author.rng.choice([("join", [1, 3, 1, 0, 0]), ("openRound", [author.actor()])])


def _run_stopped(author: Author, phase: Phase, now: int) -> Choice | None:
    if not author.scene.state.stopped_at:
        return None
    return author.rng.choice([("join", [1, 3, 1, 0, 0]), ("openRound", [author.actor()]), ("stop", [0])])


def _too_little_weight(author: Author, phase: Phase, now: int) -> Choice | None:
    active, base, _ = author.scene.state.compute_next_opening()
    if phase in (Phase.IDLE, Phase.VOID, Phase.FINAL) and 3 * active <= 2 * base:
        return "openRound", [author.actor()]
    return None


def _slot_busy(author: Author, phase: Phase, now: int) -> Choice | None:
    active, base, busy = author.scene.state.compute_next_opening()
    if phase in (Phase.VOID, Phase.FINAL) and 3 * active > 2 * base and now < busy:
        return "openRound", [author.actor()]
    return None


AIMS: dict[str, Move] = {
    "WrongPhase": _wrong_phase,
    "WrongRound": _wrong_round,
    "BadAnchor": _bad_anchor,
    "NotOperator": _not_operator,
    "NotActive": _not_active,
    "AlreadyCommitted": _already_committed,
    "NotCommitted": _not_committed,
    "AlreadyRevealed": _already_revealed,
    "CommitmentMismatch": _commitment_mismatch,
    "AlreadyVoted": _already_voted,
    "EmptySet": _empty_set,
    "NotFinalOutcome": _not_final_outcome,
    "RoundClosed": _round_closed,
    "RunFinished": _run_finished,
    "RunStopped": _run_stopped,
    "TooLittleWeight": _too_little_weight,
    "SlotBusy": _slot_busy,
}
