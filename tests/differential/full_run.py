"""A run in which all 256 seats act, with the widest weights, bitmaps and sums."""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential.author import Author, Choice
from tests.differential.evidence import Flaw, Start
from tests.differential.going_on import act
from tests.differential.operations import ACTORS, REAL, SAME_BLOCK, Step
from tests.differential.states import RIGHT, WRONG_END
from trainer.protocol.types import Phase

SEATS = range(256)
AT_ONCE = 64  # steps in one block


def play_full(author: Author) -> Iterator[Step]:
    """Two rounds, each challenged in both chunks; the second is overturned, and all its voters are slashed."""
    yield author.play(1, ("fund", [1, 100_000]))
    yield from _play_many(author, [("join", [seat % ACTORS, 255, seat * 7 % ACTORS, 9, 0]) for seat in SEATS])
    yield from _play_many(author, [("activate", [author.operator(seat, 2), seat]) for seat in SEATS])
    yield author.play(1, ("openRound", [0]))
    yield from _play_round(author, 2)
    yield from _play_round(author, 3)
    yield author.play(4, ("overturn", [4, 3, 1]))
    window = author.scene.state.parameters.answer_window
    yield from _play_many(author, [("slash", [4, 3, 1, seat]) for seat in SEATS], first=window)
    settlements: list[Choice] = [("settle", [1, 5, *SEATS]), ("settle", [1, 5, *range(256, 512)])]
    yield from _play_many(author, settlements, first=60)


def _play_round(author: Author, round_id: int) -> Iterator[Step]:
    state, everybody = author.scene.state, (1 << 256) - 1
    for phase in (Phase.COMMIT, Phase.REVEAL):
        author.target = author.number + 1
        record = state.rounds[round_id]
        yield from _play_many(author, [act(author, record, phase, seat) for seat in SEATS])
    votes: list[Choice] = []
    for seat in reversed(SEATS):
        flaw = RIGHT if seat % 41 else WRONG_END
        votes.append(("vote", [author.operator(seat, round_id), round_id, seat, 1, REAL, everybody, everybody, flaw]))
    yield from _play_many(author, votes)
    for chunk in range(author.scene.chunks):
        yield author.play(1, ("challenge", [2, round_id, state.height, chunk, 0, 0]))
    for start in (Start.ANEW, Start.GO_ON, Start.GO_ON, Start.GO_ON):
        yield author.play(1, ("answerPart", [3, round_id, 0, start, Flaw.NONE, 60]))
    yield author.play(1, ("answer", [3, round_id, 0, Start.GO_ON, Flaw.NONE]))


def _play_many(author: Author, choices: list[Choice], first: int = 1) -> Iterator[Step]:
    for index, choice in enumerate(choices):
        yield author.play((first if index == 0 else 1) if index % AT_ONCE == 0 else SAME_BLOCK, choice)
