"""Steps that aim at one error each, from the state of the model. None where the state does not allow it now."""

from __future__ import annotations

from tests.differential.author import INDEX, OVERFLOW, Aim, Author, Choice
from tests.differential.operations import ACTORS, DEFAULTS, NOBODY, REAL, WRONG, ZERO, account
from trainer.protocol.types import FOREVER, Phase


def _wrong_phase(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    if record is None:
        return None
    acting = author.pick([seat for seat in author.living() if seat.is_active(record.round)])
    choices: list[Choice] = []
    if phase in (Phase.COMMIT, Phase.REVEAL, Phase.VOTE):
        choices.append(("open", [author.rng.randrange(ACTORS)]))
    if acting and phase is not Phase.COMMIT:
        choices.append(author.commit(acting.seat))
    if phase is not Phase.REVEAL and record.commits:
        choices.append(author.reveal(author.rng.choice(list(record.commits))))
    if acting and phase is not Phase.VOTE and not record.votes:
        choices.append(author.vote(record, acting.seat))
    return author.rng.choice(choices) if choices else None


def _wrong_round(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    seat = author.pick(author.living())
    if seat is None or not state.clock.round:
        return None
    wrong = author.rng.choice((0, 1, state.clock.round - 1, state.clock.round + 1, state.clock.round + OVERFLOW))
    operator = INDEX[seat.operator]
    old = [
        r
        for r in range(max(2, state.clock.round - 2 * state.parameters.ring), state.clock.round + 2)
        if seat.is_active(r)
    ]
    return author.rng.choice(
        [
            ("commit", [operator, wrong, seat.seat, *author.anchor(), 1, operator]),
            ("reveal", [operator, wrong, seat.seat, 1, 1, 0]),
            # A round whose ballot is gone, never was, or is not there yet.
            (
                "vote",
                [operator, author.rng.choice(old or [wrong]), seat.seat, *author.anchor(), *author.outcome(wrong, 0)],
            ),
        ]
    )


def _bad_anchor(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    seat = author.pick([s for s in author.living() if s.is_active(state.clock.round)])
    if seat is None or phase not in (Phase.COMMIT, Phase.VOTE):
        return None
    age = author.target - state.clock.opened_block
    anchors = [[0, REAL], [-5, REAL], [257, REAL], [1, ZERO], [1, WRONG], [0, ZERO], [300, ZERO]]
    kind, args = author.commit(seat.seat)
    if phase is Phase.COMMIT:
        anchors += [[age + 1, REAL], [age + 2, REAL]]
    else:
        kind, args = author.vote(state.rounds[state.clock.round], seat.seat)
    return kind, [*args[:3], *author.rng.choice(anchors), *args[5:]]


def _not_operator(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick(list(author.scene.state.seats.values()))
    if seat is None:
        return None
    record = author.scene.state.current
    stranger, round_id = author.stranger(seat.operator, seat.owner), author.scene.state.clock.round
    seat_id = author.rng.choice((seat.seat, seat.seat, 99, 255))
    choices: list[Choice] = [
        ("activate", [stranger, seat_id]),
        ("vote", [author.rng.choice((stranger, INDEX[seat.owner])), round_id, seat_id, *author.anchor(), 1, 0, 1]),
    ]
    if phase is Phase.COMMIT and record:
        choices.append(("commit", [stranger, round_id, seat_id, *author.anchor(), 1, stranger]))
    return author.rng.choice(choices)


def _not_owner(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick(list(author.scene.state.seats.values()))
    if seat is None:
        return None
    stranger = author.rng.choice((author.stranger(seat.owner), INDEX[seat.operator]))
    seat_id = author.rng.choice((seat.seat, seat.seat, 99, 255))
    return author.rng.choice([("leave", [stranger, seat_id]), ("withdraw", [stranger, seat_id, author.label()])])


def _not_active(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    seat = author.pick([s for s in author.living() if not s.is_active(state.clock.round)])
    if seat is None or not state.clock.round:
        return None
    operator, round_id = INDEX[seat.operator], state.clock.round
    if phase is Phase.COMMIT and author.rng.random() < 0.5:
        return "commit", [operator, round_id, seat.seat, *author.anchor(), 1, operator]
    return "vote", [operator, round_id + author.rng.choice((0, 0, OVERFLOW)), seat.seat, *author.anchor(), 1, 0, 1]


def _already_active(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick([s for s in author.living() if s.from_round and s.until == FOREVER])
    return author.activate(seat) if seat else None


def _already_committed(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    if record is None or phase is not Phase.COMMIT or not record.commits:
        return None
    return author.commit(author.rng.choice(list(record.commits)))


def _not_committed(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    seat = author.pick([s for s in author.living() if record and s.seat not in record.commits])
    if seat is None or phase is not Phase.REVEAL:
        return None
    return "reveal", [INDEX[seat.operator], author.scene.state.clock.round, seat.seat, 1, 1, 0]


def _already_revealed(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    if record is None or phase is not Phase.REVEAL or not record.reveals:
        return None
    return author.reveal(author.rng.choice(list(record.reveals)))


def _commitment_mismatch(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    sealed = [s for s in record.commits if s not in record.reveals] if record else []
    if phase is Phase.REVEAL and sealed:
        kind, args = author.reveal(author.rng.choice(sealed))
        if author.rng.random() < 0.5:
            return kind, [*args[:3], args[3] + 1, *args[4:]]
        return kind, [author.stranger(account(args[0])), *args[1:]]
    waiting = [s for s in author.living() if record and s.is_active(record.round) and s.seat not in record.commits]
    if phase is Phase.COMMIT and waiting and author.rng.random() < 0.05:
        kind, args = author.commit(author.rng.choice(waiting).seat)
        return kind, [
            *args[:6],
            author.stranger(account(args[6])),
        ]  # a copied commitment: it can never be revealed by the copier
    return None


def _already_voted(author: Author, phase: Phase, now: int) -> Choice | None:
    record = author.scene.state.current
    last = author.scene.state.finals[-1].round if author.scene.state.finals else 0
    rounds = [author.scene.state.rounds[r] for r in {last, record.round if phase is Phase.VOTE and record else 0} if r]
    pairs = [(r, seat) for r in rounds for seat in r.votes if not author.scene.state.seats[seat].withdrawn]
    if not pairs:
        return None
    voted, seat = author.rng.choice(pairs)
    outcome = author.outcome(voted.round, author.rng.randrange(3))
    return "vote", [author.operator(seat), voted.round, seat, *author.anchor(), *outcome]


def _empty_set(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick(author.living())
    if seat is None:
        return None
    return "vote", [INDEX[seat.operator], author.scene.state.clock.round, seat.seat, *author.anchor(), 0, 1, 1]


def _not_final_outcome(author: Author, phase: Phase, now: int) -> Choice | None:
    late = author.find_late()
    if late is None:
        return None
    kind, args = author.late_vote(*late)
    return kind, [*args[:5], args[5] ^ 8, args[6], args[7]]


def _round_closed(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    closed = [
        (record, seat.seat)
        for record in state.rounds.values()
        for seat in author.living()
        if record.votes
        and seat.is_active(record.round)
        and record.round > state.clock.round - state.parameters.ring
        and (record.final.height < state.height if record.final else record.vote_deadline <= now)
    ]
    if not closed:
        return None
    record, seat = author.rng.choice(closed)
    return "vote", [author.operator(seat), record.round, seat, *author.anchor(), *author.outcome(record.round, 0)]


def _bad_weight(author: Author, phase: Phase, now: int) -> Choice | None:
    _, args = author.join()
    return "join", [args[0], 0, *args[2:]]


def _bad_operator(author: Author, phase: Phase, now: int) -> Choice | None:
    _, args = author.join()
    return "join", [*args[:2], NOBODY, *args[3:]]


def _peer_too_long(author: Author, phase: Phase, now: int) -> Choice | None:
    _, args = author.join()
    return "join", [*args[:3], author.rng.choice((257, 258, 1000)), args[4]]


def _wrong_stake(author: Author, phase: Phase, now: int) -> Choice | None:
    _, args = author.join()
    return "join", [*args[:4], author.rng.choice((-1, 1, DEFAULTS.weight_unit))]


def _has_left(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick([s for s in author.living() if s.until != FOREVER])
    if seat is None:
        return None
    return author.rng.choice([author.leave(seat), author.activate(seat)])


def _not_left(author: Author, phase: Phase, now: int) -> Choice | None:
    seat = author.pick([s for s in author.living() if s.until == FOREVER])
    return author.withdraw(seat) if seat else None


def _too_early(author: Author, phase: Phase, now: int) -> Choice | None:
    benched = author.pick([s for s in author.living() if not s.from_round and s.until == FOREVER and s.ready_at > now])
    gone = author.pick([s for s in author.living() if s.until != FOREVER])
    choices = [author.activate(benched)] if benched else []
    choices += [author.withdraw(gone)] if gone else []
    return author.rng.choice(choices) if choices else None


def _vote_undecided(author: Author, phase: Phase, now: int) -> Choice | None:
    state, record = author.scene.state, author.scene.state.current
    if record is None or phase is not Phase.VOTE or record.final:
        return None
    voted = [state.seats[seat] for seat in record.votes]
    left = author.pick([s for s in voted if s.until == record.round])
    staying = author.pick([s for s in voted if s.until == FOREVER])
    if left and now >= left.left_at:
        return author.withdraw(left)
    return author.leave(staying) if staying else None


def _run_finished(author: Author, phase: Phase, now: int) -> Choice | None:
    if phase is not Phase.FINISHED:
        return None
    return author.rng.choice([author.join(), ("open", [author.rng.randrange(ACTORS)])])


def _too_little_weight(author: Author, phase: Phase, now: int) -> Choice | None:
    state = author.scene.state
    active, base, _ = author.scene.contract.compute_next_opening()
    if phase in (Phase.IDLE, Phase.VOID, Phase.FINAL) and 3 * active <= 2 * base:
        return "open", [author.rng.randrange(ACTORS)]
    seat = author.pick([s for s in author.living() if s.from_round and s.until == FOREVER])
    if seat and phase is not Phase.FINISHED and state.height > 1 and author.rng.random() < 0.1:
        return author.leave(seat)
    return None


def _slot_busy(author: Author, phase: Phase, now: int) -> Choice | None:
    active, base, busy = author.scene.contract.compute_next_opening()
    if phase in (Phase.VOID, Phase.FINAL) and 3 * active > 2 * base and now < busy:
        return "open", [author.rng.randrange(ACTORS)]
    return None


def _transfer_failed(author: Author, phase: Phase, now: int) -> Choice | None:
    p = author.scene.state.parameters
    seat = author.pick([s for s in author.living() if s.until != FOREVER and s.left_at + p.horizon <= now])
    return ("withdraw", [INDEX[seat.owner], seat.seat, NOBODY]) if seat else None


AIMS: dict[str, Aim] = {
    "WrongPhase": _wrong_phase,
    "WrongRound": _wrong_round,
    "BadAnchor": _bad_anchor,
    "NotOperator": _not_operator,
    "NotOwner": _not_owner,
    "NotActive": _not_active,
    "AlreadyActive": _already_active,
    "AlreadyCommitted": _already_committed,
    "NotCommitted": _not_committed,
    "AlreadyRevealed": _already_revealed,
    "CommitmentMismatch": _commitment_mismatch,
    "AlreadyVoted": _already_voted,
    "EmptySet": _empty_set,
    "NotFinalOutcome": _not_final_outcome,
    "RoundClosed": _round_closed,
    "BadWeight": _bad_weight,
    "BadOperator": _bad_operator,
    "WrongStake": _wrong_stake,
    "PeerTooLong": _peer_too_long,
    "HasLeft": _has_left,
    "NotLeft": _not_left,
    "TooEarly": _too_early,
    "VoteUndecided": _vote_undecided,
    "RunFinished": _run_finished,
    "TooLittleWeight": _too_little_weight,
    "SlotBusy": _slot_busy,
    "TransferFailed": _transfer_failed,
}
