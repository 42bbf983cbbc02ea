"""Errands of those who doubt: challenges, answers, overturns, slashes, accusations."""

from __future__ import annotations

from collections.abc import Callable

from tests.differential import errands
from tests.differential.author import INDEX, Author, Choice, Errand
from tests.differential.errands import now_or_last, now_or_then
from tests.differential.evidence import Flaw, Start, list_accepted
from tests.differential.operations import ACTORS, account
from tests.differential.scene import RECORDED
from tests.differential.states import STRAY
from trainer.protocol.acceptance import compute_members
from trainer.protocol.records import Challenge
from trainer.protocol.types import Phase, Status


def challenge(author: Author) -> Errand | None:
    """Of a round that stands, right or wrong; the older the better, so that overturns meet."""
    state, p, rng = author.scene.state, author.scene.state.parameters, author.rng
    if state.open_challenges > 2:
        return None
    found = [f for f in state.finals if author.time + 1 < f.block.time + p.challenge_window]
    if not found or (len(found) < author.plan.patience and not state.challenges):
        return None
    # Where others are challenged already, rather an older one.
    final = found[0] if state.challenges and rng.random() < 0.7 else rng.choice(found)
    if state.compute_phase(author.time)[0] is Phase.FINISHED and rng.random() < 0.7:
        final = found[-1]
    chunks = [chunk for chunk in range(author.scene.chunks) if (final.round, chunk) not in state.challenges]
    senders = [i for i in range(ACTORS) if not p.invitation_only or account(i) in state.has_sat]
    if not chunks or not senders:
        return None
    # A stray leaf is on the path of the last chunk, where everything else is right.
    chunk = chunks[-1] if author.conduct(final.round).flaw == STRAY else rng.choice(chunks)
    args = [rng.choice(senders), final.round, final.height, chunk, RECORDED, rng.choice((0, 0, 0, 5))]
    return now_or_last(author, final.block.time + p.challenge_window), [("challenge", args)]


def list_challenges(author: Author, *statuses: Status) -> list[Challenge]:
    """Challenges of some statuses."""
    return [c for c in author.scene.state.challenges.values() if c.status in statuses]


def overturn(author: Author) -> Errand | None:
    """Rather the higher first, so that another can take a lower."""
    state, window = author.scene.state, author.scene.state.parameters.answer_window
    found = [
        c
        for c in list_challenges(author, Status.OPEN)
        if state.is_standing(c.round, c.height) and author.time + 1 < c.time + 2 * window
    ]
    if not found:
        return None
    c = max(found, key=lambda c: (c.height * author.rng.choice((1, 1, 1, -1)), c.chunk))
    time = now_or_then(author, c.time + window)
    if author.rng.random() < 0.1:
        time = now_or_last(author, c.time + 2 * window)
    return time, [("overturn", [author.actor(), c.round, c.chunk])]


def is_answerable(author: Author, c: Challenge) -> bool:
    """Whether the chunk is right and all that an answer needs is known."""
    scene = author.scene
    record = scene.state.rounds[c.round]
    assert record.final
    right = scene.compute_right(c.round, record.final.accepted)
    tree = scene.trees.get(c.new_root[:26])
    return (
        tree is not None
        and tree.root == c.new_root
        and tree.get_chunk(c.chunk) == right.get_chunk(c.chunk)
        and all(scene.state.has_revealed(c.round, seat) for seat in compute_members(record.final.accepted))
    )


def answer(author: Author) -> Errand | None:
    return _answer(author, list_challenges(author, Status.OPEN), 2)


def late_answer(author: Author) -> Errand | None:
    return _answer(author, list_challenges(author, Status.EXECUTED), 1)


def _answer(author: Author, found: list[Challenge], windows: int) -> Errand | None:
    """Whole, or in parts, or a part only, which somebody may go on from."""
    end = windows * author.scene.state.parameters.answer_window
    found = [c for c in found if author.time + 1 < c.time + end and is_answerable(author, c)]
    if not found:
        return None
    c, rng = author.rng.choice(found), author.rng
    begun = [INDEX[key[2]] for key in author.scene.contract.progress if key[:2] == (c.round, c.chunk)]
    sender = rng.choice(begun) if begun and rng.random() < 0.7 else author.actor()
    start = Start.GO_ON if sender in begun else Start.ANEW
    count = rng.randint(0, len(list_accepted(author.scene, c.round)))
    part: Choice = ("answerPart", [sender, c.round, c.chunk, start, Flaw.NONE, count])
    rest: Choice = ("answer", [sender, c.round, c.chunk, Start.GO_ON, Flaw.NONE])
    whole: Choice = ("answer", [sender, c.round, c.chunk, start, Flaw.NONE])
    time = author.time + 1 if windows == 2 else now_or_last(author, c.time + end)
    return time, rng.choice([[whole], [part, rest], [part, rest], [part]])


def lapse(author: Author) -> Errand | None:
    """At once where another overturn has taken the round, else after two windows."""
    state = author.scene.state
    found = list_challenges(author, Status.OPEN)
    if not found:
        return None
    c = author.rng.choice(found)
    if state.is_standing(c.round, c.height):
        if author.rng.random() < 0.6:
            return None
        time = now_or_then(author, c.time + 2 * state.parameters.answer_window)
    else:
        time = author.time + 1
    return time, [("lapse", [author.actor(), c.round, c.chunk])]


def slash(author: Author) -> Errand | None:
    """All that are named by a challenge, or some."""
    found = [c for c in list_challenges(author, Status.EXECUTED, Status.CANCELLED) if c.voters]
    if not found:
        return None
    c, window = author.rng.choice(found), author.scene.state.parameters.answer_window
    time = now_or_then(author, c.time + window if c.status is Status.EXECUTED else 0)
    seats = sorted(compute_members(c.voters))
    if author.rng.random() < 0.15:
        seats = author.rng.sample(seats, 1)
    return time, [("slash", [author.actor(), c.round, c.chunk, seat]) for seat in seats]


def accuse(author: Author) -> Errand | None:
    """By one, or by all the others, of a seat that revealed in a round that is not safe."""
    state, p, rng = author.scene.state, author.scene.state.parameters, author.rng
    finals = [f for f in state.finals if author.time + 1 < f.block.time + p.horizon]
    final = rng.choice(finals) if finals else None
    if final is None:
        return None
    revealed = [s for s in state.rounds[final.round].reveals if state.has_revealed(final.round, s)]
    open_ = [s for s in revealed if final.round > state.find_holder_at(s, final.round).condemned_in]
    if not open_:
        return None
    accused = rng.choice(open_)
    witness = rng.choice([accused, *revealed, rng.randrange(256)])
    before = state.accusations.get((final.round, accused, witness))
    accusers = [
        seat
        for seat in author.acting(final.round)
        if seat != accused
        and not state.find_holder_at(seat, final.round).named
        and not (before and before.voters >> seat & 1)
    ]
    rng.shuffle(accusers)
    if rng.random() < 0.35:
        accusers = accusers[:1]
    return now_or_last(author, final.block.time + p.horizon), [
        ("accuse", [author.operator(s, final.round), final.round, final.height, s, accused, 0, witness])
        for s in accusers
    ]


ERRANDS: dict[str, tuple[float, Callable[[Author], Errand | None]]] = {
    "rest of phase": (14, errands.rest_of_phase),
    "late vote": (3, errands.late),
    "come back": (8, errands.come_back),
    "bench": (3, errands.bench),
    "retire": (0.5, errands.retire),
    "come": (0.5, errands.come),
    "leave": (1, errands.leave),
    "withdraw": (1, errands.withdraw),
    "top up": (1.5, errands.top_up),
    "change": (1.5, errands.change),
    "bid": (1.5, errands.bid),
    "take seat": (1.5, errands.take_seat),
    "withdraw bid": (2, errands.withdraw_bid),
    "fund": (1, errands.fund),
    "settle": (3, errands.settle),
    "claim": (1.5, errands.claim),
    "sweep": (1, errands.sweep),
    "admit": (0.7, errands.admit),
    "revoke": (0.3, errands.revoke),
    "announce": (0.3, errands.announce),
    "stop": (0.3, errands.stop),
    "challenge": (6, challenge),
    "overturn": (5, overturn),
    "answer": (3, answer),
    "late answer": (12, late_answer),
    "lapse": (1, lapse),
    "slash": (5, slash),
    "accuse": (1.5, accuse),
}
