"""Anything that anybody can do, in any order, on the model: what holds after every step.

A walk chooses by weight among things that are worth trying; many of them are refused. Whole rounds, played well or
badly, lead to where money and stakes are at risk. (Hypothesis does not get there: too much must go right first.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from random import Random

from tests.protocol.stage import OWNER, RULES, STRANGER, UNIT, Stage, operator_of, owner_of
from tests.protocol.trial import MOST, Trial
from trainer.protocol.messages import Invitation
from trainer.protocol.records import ZERO_ADDRESS
from trainer.protocol.types import NO_END, Phase

PARAMETERS = replace(
    RULES, parameter_count=1_024, activate_delay=2, ring=9, commit_min=20, challenge_window=80, settle_window=20
)
STEPS = 150


class Walk(Trial):
    """A run, what is tried in it, and an account of what was paid for which round."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        super().__init__(random, Stage([random.randint(1, 9) for _ in range(random.randint(3, MOST))], PARAMETERS))
        while seed % 2 and len(self.run.seats) < 256:  # in half of the runs all ids are given
            filler = self.stage.join(1)
            if filler >= MOST:
                self.stage.do("leave", owner_of(filler), filler)
        self.stage.do("fund", STRANGER, value=self.random.choice([0, 3_000, 50_000]))
        self.choices: list[tuple[Callable[[], object], int]] = [
            (self.play, 40),
            (self.wait, 20),
            (self.take_part, 12),
            (self.move, 12),
            (self.withdraw, 8),
            (self.change, 8),
            (self.bench, 8),
            (self.bid, 6),
            (self.use_bid, 10),
            (self.settle, 20),
            (self.claim, 6),
            (self.fund, 3),
            (self.sweep, 2),
            (self.challenge, 10),
            (self.answer, 6),
            (self.end_challenge, 16),
            (self.slash, 16),
            (self.accuse, 14),
            (self.own, 4),
        ]

    def step(self) -> None:
        """One thing."""
        what, weights = zip(*self.choices, strict=True)
        self.random.choices(what, weights)[0]()

    # ------------------------------------------------------------------ rounds

    def wait(self) -> None:
        self.stage.pass_time(self.random.choice([1, 5, 19, 20, 40, 80, 200]))

    def play(self) -> None:
        """A round, mostly whole and mostly honest."""
        stage, run, random = self.stage, self.run, self.random
        if not run.is_open(stage.time):
            stage.pass_time(max(0, run.compute_next_opening()[2] - stage.time))
            if not self.attempt("open_round", STRANGER):
                return
        round_id = run.clock.round
        silent = {self.seat} if random.random() < 0.4 else set()
        for seat in range(MOST):
            if run.find_acting(seat, round_id).is_active(round_id) and seat not in silent | set(
                run.rounds[round_id].commits
            ):
                self.tried(lambda s=seat: stage.commit(s))  # type: ignore[misc]
        if stage.phase() is Phase.COMMIT and run.clock.commit_end == NO_END:
            return
        stage.wait_for(Phase.REVEAL, Phase.VOTE, Phase.VOID)
        for seat in run.rounds[round_id].commits:
            if random.random() < 0.97:
                self.tried(lambda s=seat: stage.reveal(s))  # type: ignore[misc]
        stage.wait_for(Phase.VOTE, Phase.VOID)
        if stage.phase() is Phase.VOTE and random.random() < 0.95:
            self.vote(round_id)

    def vote(self, round_id: int) -> None:
        stage, run, random = self.stage, self.run, self.random
        record = run.rounds[round_id]
        accepted = sum(1 << seat for seat in record.reveals)
        if random.random() < 0.1:
            accepted = sum(1 << seat for seat in record.commits)  # who did not reveal, too
        state = stage.compute_next(round_id, accepted)
        if random.random() < 0.25:
            state = state + 1
        checked = random.choice([0, accepted])
        for seat in random.sample(range(MOST), MOST):
            operator = stage.operator(seat, round_id)
            if record.final and random.random() < 0.7:
                said = record.proposals[record.final_outcome]
                args = said.accepted, said.checked, said.new_state_root
            elif random.random() < 0.1:
                args = 1, 0, sha256(b"junk").digest()
            else:
                args = accepted, checked, stage.root_of(state)
            self.attempt("vote", operator, round_id, seat, stage.anchor(), *args)
        if record.final and record.final.state_root == stage.root_of(state):
            stage.states[record.final.height] = state
        elif record.final:
            stage.states[record.final.height] = stage.states[0]  # nobody has the state of junk

    # ------------------------------------------------------------------ seats

    def take_part(self) -> None:
        count = len(self.run.seats)
        if count < MOST or count == 256:
            weight = self.random.randint(1, 9)
            self.attempt("join", owner_of(count), weight, operator_of(count), bytes(32), "", value=weight * UNIT)
        for seat in range(MOST):
            if not self.run.find_holder(seat).is_activated:
                self.attempt("activate", self.owner(seat), seat)

    def move(self) -> None:
        name = self.random.choice(["activate", "activate", "activate", "leave", "retire"])
        self.attempt(name, self.owner(seat := self.seat), seat)

    def withdraw(self) -> None:
        seat = self.seat
        self.attempt("withdraw", self.owner(seat + self.random.choice([0, 256])), seat, STRANGER)

    def change(self) -> None:
        seat, by = self.seat, self.random.randint(1, 3)
        match self.random.randrange(4):
            case 0:
                self.attempt("announce_tip", self.owner(seat), seat, bytes(32))
            case 1:
                self.attempt("set_operator", self.owner(seat), seat, operator_of(self.random.randint(5, 6)))
            case 2:
                self.attempt("set_peer", self.owner(seat), seat, "")
            case _:
                self.attempt("top_up", self.owner(seat), seat, by, value=by * UNIT)

    def bench(self) -> None:
        for seat in range(MOST):
            self.attempt("bench", STRANGER, seat, max(2, self.run.clock.round - self.random.randint(2, 4)))

    def bid(self) -> None:
        weight = self.random.choice([1, 9, 19, 60])
        self.attempt("bid", owner_of(self.random.randint(7, 8)), self.seat, weight, value=weight * UNIT)

    def use_bid(self) -> None:
        for seat, bid in list(self.run.bids.items()):
            if self.random.random() < 0.2:
                self.attempt("withdraw_bid", bid.owner, seat)
            else:
                self.attempt("take_seat", bid.owner, seat, operator_of(self.random.randint(7, 8)), bytes(32), "")

    # ------------------------------------------------------------------ money

    def settle(self) -> None:
        holders = [0, 1, 2, 3, 200, 256, 257, 258, 300]
        chosen = sorted(self.random.sample(holders, self.random.randint(1, len(holders))))
        self.attempt("settle", STRANGER, chosen, self.random.randint(0, 5))

    def claim(self) -> None:
        self.attempt("claim", owner_of(self.random.randrange(9)), STRANGER)

    def fund(self) -> None:
        self.attempt("fund", STRANGER, value=self.random.randint(0, 2_000))

    def sweep(self) -> None:
        self.attempt("sweep", OWNER, STRANGER)

    def own(self) -> None:
        """What the run's owner can do."""
        match self.random.randrange(4):
            case 0:
                self.attempt("announce_group_key", OWNER, bytes(32))
            case 1:
                self.attempt("revoke", OWNER, self.seat)
            case 2:
                invitation = Invitation(STRANGER, ZERO_ADDRESS, 1 << 40, self.random.randrange(3))
                self.attempt("admit", STRANGER, STRANGER, invitation, lambda digest: OWNER, lambda digest: OWNER)
            case _:
                if self.run.height > 12:
                    self.attempt("stop", OWNER)

    # ------------------------------------------------------------------ challenges and accusations

    def challenge(self) -> None:
        if self.run.finals:
            final = self.random.choice(self.run.finals[-4:])
            bond = self.run.next_bond + self.random.choice([0, 0, 5, -1])
            self.attempt("challenge", STRANGER, final.round, final.height, 0, final.state_root, value=bond)

    def answer(self) -> None:
        for round_id, chunk in list(self.run.challenges)[-3:]:
            record = self.run.rounds[round_id]
            assert record.final
            if self.random.random() < 0.5 and record.height + 1 in self.stage.states:
                most = self.random.choice([1, 1 << 20])
                self.tried(lambda r=round_id, c=chunk, m=most: self.stage.answer(r, c, owner_of(self.seat), m))  # type: ignore[misc]

    def end_challenge(self) -> None:
        for (round_id, chunk), challenge in list(self.run.challenges.items()):
            if challenge.status == 1:
                start = challenge.time + PARAMETERS.answer_window
                if self.random.random() < 0.7:
                    self.stage.pass_time(max(0, start - self.stage.time))
                self.attempt(self.random.choice(["overturn", "overturn", "lapse"]), STRANGER, round_id, chunk)

    def slash(self) -> None:
        for (round_id, chunk), challenge in list(self.run.challenges.items()):
            if challenge.status in (3, 4) and challenge.voters:
                if self.random.random() < 0.5:
                    self.stage.pass_time(PARAMETERS.answer_window)
                for seat in self.random.sample(range(MOST), 3):
                    self.attempt("slash", STRANGER, round_id, chunk, seat)

    def accuse(self) -> None:
        if not self.run.finals:
            return
        final = self.random.choice(self.run.finals[-3:])
        accused, witness = self.seat, self.seat
        reveal = self.run.rounds[final.round].reveals.get(accused)
        root = reveal.gradient_root if reveal else bytes(32)
        for seat in range(MOST):
            sender = self.stage.operator(seat, final.round)
            self.attempt("accuse", sender, final.round, final.height, seat, accused, root, witness)


def walk(seed: int) -> Walk:
    """A whole walk, checked at every step."""
    found = Walk(seed)
    for _ in range(STEPS):
        found.step()
        found.check()
    found.stage.check_replay()
    return found
