"""How a run goes on: seats taken and activated, rounds opened, commits, reveals and votes."""

from __future__ import annotations

from tests.differential.author import INDEX, Author, Choice
from tests.differential.operations import ACTORS, account
from trainer.protocol.acceptance import compute_members
from trainer.protocol.phases import is_two_thirds
from trainer.protocol.run_state import Round, Seat
from trainer.protocol.types import Phase


def go_on(author: Author, phase: Phase, now: int) -> Choice | None:
    """A step that moves the run on; None where the phase has none left."""
    state, record = author.scene.state, author.scene.state.current
    if phase in (Phase.IDLE, Phase.VOID, Phase.FINAL):
        benched = [seat for seat in author.present() if seat.is_benched and not seat.named and now >= seat.ready_at]
        if benched and (phase is Phase.IDLE or author.rng.random() < 0.6):
            return activate(author, author.rng.choice(benched))
        if len(state.seats) < author.seats_wanted and author.rng.random() < 0.4:
            return join(author)
        active, base, _ = state.compute_next_opening()
        if state.stopped_at or not is_two_thirds(active, base):
            return None
        return "openRound", [author.actor()]
    if record is None or phase is Phase.FINISHED:
        return None
    waiting = list_waiting(author, record, phase)
    if not waiting:
        return None
    seat = author.rng.choice(waiting)
    return act(author, record, phase, seat)


def list_waiting(author: Author, record: Round, phase: Phase) -> list[int]:
    """Seats that have something left to do in the current phase, and are not away."""
    conduct, acting = author.conduct(record.round), author.acting(record.round)
    if phase is Phase.COMMIT:
        return [seat for seat in acting if seat not in record.commits and seat not in conduct.silent]
    if phase is Phase.REVEAL:
        return [seat for seat in record.commits if seat not in record.reveals and seat not in conduct.sealed]
    return [seat for seat in acting if seat not in record.votes and seat not in conduct.mute]


def act(author: Author, record: Round, phase: Phase, seat: int) -> Choice:
    """What a seat does in the current phase."""
    if phase is Phase.COMMIT:
        return commit(author, seat)
    return reveal(author, seat) if phase is Phase.REVEAL else vote(author, record, seat)


def join(author: Author) -> Choice:
    """A new seat, of the weights that others have, or of any."""
    rng = author.rng
    weight = rng.choice((3, 5, 5, 7, 10, 10, 40) if rng.random() < 0.85 else (1, 1, 2, 100, 254, 255))
    weight = 100 if author.plan.places else weight
    owner = author.actor()
    if author.scene.state.parameters.invitation_only:
        invited = [i for i in range(ACTORS) if author.scene.state.invitations.get(account(i), 0)]
        owner = rng.choice(invited) if invited else owner
    return "join", [owner, weight, author.actor(), rng.choice((0, 1, 31, 32, 60, 255, 256)), 0]


def activate(author: Author, seat: Seat) -> Choice:
    """By owner or operator."""
    state = author.scene.state
    return "activate", [INDEX[author.rng.choice((seat.owner, seat.get_operator(state.clock.round)))], seat.seat]


def commit(author: Author, seat: int) -> Choice:
    """A proper commit in the current round."""
    round_id = author.scene.state.clock.round
    operator = author.operator(seat, round_id)
    return "commit", [operator, round_id, seat, *author.anchor(), author.label(), operator]


def reveal(author: Author, seat: int) -> Choice:
    """What the seat committed to."""
    round_id, scene = author.scene.state.clock.round, author.scene
    gradient, bound = scene.gradients[round_id, seat], scene.bound[round_id, seat]
    haves = author.rng.choice((0, 1 << seat, (1 << 256) - 1, author.rng.getrandbits(8)))
    return "reveal", [bound, round_id, seat, gradient, author.rng.randrange(3), haves]


def vote(author: Author, record: Round, seat: int, other: int | None = None) -> Choice:
    """For the outcome that most will vote for, or another."""
    if other is None:
        other = author.rng.choice((1, 1, 2)) if author.rng.random() < author.plan.split else 0
    operator = author.operator(seat, record.round)
    return "vote", [operator, record.round, seat, *author.anchor(), *outcome(author, record.round, other)]


def outcome(author: Author, round_id: int, other: int = 0) -> list[int]:
    """Accepted, checked and flaw of a round's outcome; `other` picks one that is not that of most."""
    conduct, rng = author.conduct(round_id), author.rng
    record = author.scene.state.rounds.get(round_id)
    if not conduct.accepted and record:
        revealed = sum(1 << seat for seat in record.reveals)
        roll = rng.random()
        conduct.accepted = revealed
        if roll < 0.4 and len(record.commits) > len(record.reveals):  # nobody can answer for those
            conduct.accepted = sum(1 << seat for seat in record.commits)
        elif roll < 0.06:
            conduct.accepted |= 1 << rng.randrange(256)
        elif roll < 0.25:
            conduct.accepted = sum(1 << seat for seat in compute_members(revealed) if rng.random() < 0.7)
        conduct.accepted = conduct.accepted or revealed or 1
        conduct.checked = conduct.accepted & rng.choice((0, rng.getrandbits(256), (1 << 256) - 1))
    accepted = conduct.accepted or 1
    changed = [(accepted, conduct.checked, conduct.flaw), (accepted, conduct.checked ^ 1, conduct.flaw)]
    return list([*changed, (accepted, conduct.checked, conduct.flaw ^ 6)][other])


def find_late(author: Author) -> tuple[Round, int] | None:
    """A final round that takes votes, and a seat that has not voted in it."""
    state = author.scene.state
    if not state.finals:
        return None
    record = state.rounds[state.finals[-1].round]
    if record.interrupted or not state.find_ballot(record.round):
        return None
    mute = author.conduct(record.round).mute
    seats = [seat for seat in author.acting(record.round) if seat not in record.votes and seat not in mute]
    return (record, author.rng.choice(seats)) if seats else None


def late_vote(author: Author, record: Round, seat: int) -> Choice:
    """A vote for the final outcome."""
    proposed = record.proposals[record.final_outcome]
    flaw = next(
        flaw
        for flaw in range(16)
        if author.scene.compute_root(record.round, proposed.accepted, flaw) == proposed.new_state_root
    )
    args = [proposed.accepted, proposed.checked, flaw]
    return "vote", [author.operator(seat, record.round), record.round, seat, *author.anchor(), *args]
