"""The worker's desk of cross-checks, with replays that take no time: what it replays, when, and what it remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.protocol.check_scene import ROUND, RULES, Scene, bits_of, key_of
from tests.protocol.machine import COUNT
from trainer.learn.inner_state import InnerState
from trainer.learn.local_training import LocalResult
from trainer.protocol.actions import Charge
from trainer.protocol.checks import find_checks, pick_sample
from trainer.protocol.disputes import find_disputes
from trainer.protocol.events import Committed
from trainer.protocol.gradient import NO_SAMPLE
from trainer.protocol.judgement import State
from trainer.protocol.records import Round
from trainer.protocol.run_state import RunState
from trainer.protocol.types import NO_END
from trainer.roles.background import Job
from trainer.roles.checking import CheckDesk, Progress
from trainer.roles.docket import Docket
from trainer.roles.journal import Journal
from trainer.roles.replay import Stage, plan_replay

TRUTH = bits_of("same")
TIME = 1_000_010


class FakeReplay:
    """In place of the thread: a job is done when the test says so. started: (job, inner state's number). share: of the
    job that is done; seconds: that each took.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self.is_paused = True
        self.started: list[tuple[Job, int]] = []
        self.share, self.seconds = 0.0, 0.5
        self._done = False

    def start(self, job: Job, state: State, inner: InnerState | None) -> None:
        self.job = job
        self.started.append((job, 0 if inner is None else int(inner.leaves[0])))

    def pause(self, is_paused: bool) -> None:
        self.is_paused = is_paused

    def finish(self) -> None:
        self._done = self.job is not None and not self.is_paused

    def collect(self) -> tuple[Job, LocalResult] | None:
        if not self._done or self.job is None:
            return None
        job = self.job
        self.stop()
        return job, LocalResult(TRUTH, InnerState((np.array(job.stage.round),)), 1.0, self.seconds)

    def stop(self) -> None:
        self.job, self._done = None, False


class Desk:
    """A desk of seat 0 over a scene whose last round is open."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene, self.run = scene, scene.run
        clock = self.run.clock
        clock.opened_at, clock.commit_end, clock.active, clock.base = TIME, NO_END, 10, 10
        self.run.rounds[ROUND].commits.clear()
        self.background, self.reports = FakeReplay(), []
        self.journal = Journal(folder / "journal.log")
        self.kept = range(100)
        self.desk = CheckDesk(
            0,
            scene.rules,
            self.background,  # type: ignore[arg-type]
            Docket(self.journal, folder / "dispute"),
            self.compute_key,
            self.find_state,
            self.report,
        )
        self.time = TIME
        self.sealed: set[int] = set()
        self.is_training = False
        self.key: Callable[[int], bytes | None] = lambda round_id: key_of(0)

    def compute_key(self, run: RunState, round_id: int) -> bytes | None:
        return self.key(round_id)

    def find_state(self, run: RunState, height: int) -> State | None:
        return np.zeros(1024, np.int32) if height in self.kept else None

    def report(self, event: str, **values: Any) -> None:
        self.reports.append((event, values))

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.look()
            self.background.finish()

    def look(self) -> bool:
        """A turn in which no replay is done; whether the commit is kept waiting."""
        self.desk.turn(self.run, self.time, self.sealed, is_training=self.is_training)
        return self.desk.is_sampling

    def rounds(self) -> list[int]:
        """Of the replays that were begun."""
        return [job.stage.round for job, _ in self.background.started]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Scene({0: 1, 1: 1}), tmp_path)


def close_draws(desk: Desk, *kept: int) -> None:
    """Leaves this seat a key of these rounds only."""
    desk.key = lambda round_id: key_of(0) if round_id in kept else None


# ---------------------------------------------------------------------- samples


def test_a_sample_is_of_the_replay_from_depth_heights_before(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.turn(RULES.depth + 2)
    assert desk.rounds() == [9, 10, 11, 12, 13]
    assert [inner for _, inner in desk.background.started] == [0, 9, 10, 11, 12]
    assert {job.seat for job, _ in desk.background.started} == {1}
    draw = desk.scene.get_draw(0)
    assert desk.desk.get_sample(ROUND) == pick_sample(TRUTH, draw.compute_positions(COUNT, RULES.sample), COUNT)
    assert desk.reports == [("sampled", {"round": ROUND, "target": 1, "seconds": 2.5})]


def test_a_later_round_is_shadowed_as_far_as_all_can_know(desk: Desk) -> None:
    """Round 15 begins its replay at the height of round 11; rounds 11 to 13 can be replayed by now."""
    close_draws(desk, 15)
    desk.turn(6)
    assert desk.rounds() == [11, 12, 13]
    assert desk.desk.get_sample(15) == NO_SAMPLE
    assert not desk.desk.is_sampling


def test_the_shadow_goes_on_where_it_was_when_its_round_opens(desk: Desk) -> None:
    close_draws(desk, ROUND + 1)
    desk.turn(6)
    assert desk.rounds() == [10, 11, 12, 13]
    advance(desk)
    desk.turn()
    assert desk.rounds() == [10, 11, 12, 13, 14]
    assert desk.background.started[-1][1] == 13
    assert desk.desk.is_sampling


def advance(desk: Desk, revealed: tuple[int, ...] = (0, 1)) -> None:
    """The open round becomes final, and the next one opens. revealed: the seats that did."""
    run = desk.run
    last = run.finals[-1]
    run.finals.append(replace(last, round=ROUND, height=ROUND - 1))
    run.rounds[ROUND].reveals = {seat: run.rounds[ROUND - 1].reveals[seat] for seat in revealed}
    run.rounds[ROUND + 1] = Round(
        ROUND + 1, ROUND - 1, 1, 1, 0, last.block, sha256(b"next").digest(), dict(run.rounds[ROUND].seated)
    )
    run.clock.round, run.clock.height = ROUND + 1, ROUND - 1


def test_a_target_that_did_not_reveal_is_replayed_from_the_cold(desk: Desk) -> None:
    close_draws(desk, ROUND + 1)
    desk.turn(6)
    advance(desk, revealed=(0,))
    desk.turn(2)
    assert desk.background.started[-1] == (
        Job(("sample", 14, 1), 1, plan_replay(desk.run, 14, 1, RULES.depth)[0]),
        0,
    )
    assert desk.rounds()[-1] == 14


def test_a_round_that_went_void_makes_the_replay_begin_earlier(desk: Desk) -> None:
    close_draws(desk, ROUND + 1)
    desk.turn(6)
    run = desk.run
    run.rounds[ROUND + 1] = replace(run.rounds[ROUND], round=ROUND + 1, seed=sha256(b"again").digest())
    run.clock.round = ROUND + 1
    desk.turn(6)
    assert desk.rounds()[4:] == [9, 10, 11, 12, 14]


def test_ones_own_work_goes_first(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.is_training = True
    desk.turn(4)
    assert desk.rounds() == [9]
    assert desk.background.is_paused
    desk.is_training = False
    desk.turn(2)
    assert desk.rounds() == [9, 10]


def waits(desk: Desk, turns: int = RULES.depth + 2) -> list[bool]:
    """Whether the commit is kept waiting, turn by turn, in each of which a round is replayed."""
    seen = []
    for _ in range(turns):
        desk.turn()
        seen.append(desk.desk.is_sampling)
    return seen


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1.7, [True, True, True, True, True, False]),
        (3.0, [False, False, False, True, True, False]),
        (9.0, [False] * 6),
    ],
)
def test_a_commit_is_kept_waiting_when_the_sample_can_be_there_in_time(
    desk: Desk, seconds: float, expected: list[bool]
) -> None:
    """Ten seconds after the opening 8.75 are left until three quarters of commitMin = 25; five rounds are missing."""
    close_draws(desk, ROUND)
    desk.background.seconds = seconds
    desk.desk.note_pace(seconds)  # of its own work
    assert waits(desk) == expected


def test_a_commit_waits_for_the_shadow_of_a_later_round(desk: Desk) -> None:
    """Three rounds can be replayed by now: 8.75 seconds are left."""
    close_draws(desk, 15)
    desk.desk.note_pace(3.0)
    assert not desk.look()
    desk.desk.note_pace(2.9)
    assert desk.look()
    desk.sealed.add(ROUND)
    assert not desk.look()
    desk.sealed.clear()
    assert waits(desk, 4) == [True, True, True, False]


def test_what_is_done_of_a_round_counts_and_time_passes(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.desk.note_pace(2.0)
    assert not desk.look()  # five rounds, 10 seconds
    desk.background.share = 0.5
    assert not desk.look()
    desk.background.share = 0.75
    assert desk.look()
    desk.time += 1
    assert not desk.look()


def test_what_is_done_of_other_work_does_not_count(desk: Desk) -> None:
    close_draws(desk, ROUND + 1)
    desk.desk.note_pace(2.0)
    desk.look()
    close_draws(desk, ROUND)
    desk.desk._drawn_at = (0, 0)
    desk.background.share = 0.75
    assert not desk.look()


def test_the_fastest_round_seen_is_the_pace(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.desk.note_pace(8.0)
    desk.background.seconds = 1.0
    assert waits(desk, 2) == [False, True]
    desk.background.seconds = 8.0
    assert waits(desk, 4) == [True, True, True, False]


def test_nothing_is_waited_for_after_three_quarters_of_commit_min(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.desk.note_pace(0.0)
    desk.time = TIME + 8
    assert desk.look()
    desk.time += 1
    assert not desk.look()


def test_a_known_end_leaves_a_quarter_of_commit_min(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.desk.note_pace(0.5)
    desk.run.clock.commit_end = TIME + 9  # 2.75 seconds until then: five rounds take 2.5
    assert desk.look()
    desk.run.clock.commit_end = TIME + 8
    assert not desk.look()


def test_no_commit_waits_for_a_replay_that_cannot_begin(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.desk.note_pace(0.5)
    desk.kept = range(10, 100)
    assert not desk.look()


def test_what_is_sealed_needs_no_sample_any_more(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.turn(2)
    desk.sealed.add(ROUND)
    desk.turn(3)
    assert desk.rounds() == [9, 10]
    assert desk.background.job is None
    assert desk.desk.get_sample(ROUND) == NO_SAMPLE
    assert desk.reports[-1][0] == "no sample"


def test_a_state_that_is_not_there_yet_is_waited_for(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.kept = range(9)
    desk.turn(3)
    assert desk.rounds() == [9, 10]
    desk.kept = range(100)
    desk.turn()
    assert desk.rounds() == [9, 10, 11]


def test_without_a_key_or_a_streak_nothing_is_drawn(tmp_path: Path) -> None:
    scene = Scene({0: 1, 1: 1})
    scene.run.finals = [replace(final, accepted=2) for final in scene.run.finals]
    desk = Desk(scene, tmp_path)
    close_draws(desk, ROUND, ROUND + 1)
    desk.turn(3)
    assert not desk.rounds()
    desk = Desk(Scene({0: 1, 1: 1}), tmp_path)
    close_draws(desk)
    desk.turn(3)
    assert not desk.rounds()


def test_progress_that_does_not_lead_there_is_forgotten() -> None:
    a, b, c = (Stage(n, n, bytes(32)) for n in (1, 2, 3))
    assert Progress((a, b)).find_next((b, c)) == c  # began earlier
    assert Progress((b,)).find_next((a, b, c)) == a  # began later
    assert Progress((a, b)).find_next((a, b)) is None
    assert Progress((a, c)).find_next((b, c)) == b
    assert Progress((c,)).find_next((a,)) == a
    assert Progress().find_next(()) is None


# ---------------------------------------------------------------------- disputes


def dispute(desk: Desk, bits: bytes) -> None:
    """Round ROUND is final: seat 1 handed in `bits`, and seat 0 said they are something else."""
    scene, run = desk.scene, desk.run
    scene.bits[1] = bits
    scene.samples = {0: scene.sample(0, TRUTH if bits != TRUTH else bits_of("lie"))}
    judgement = scene.judge()
    checks = find_checks(run, scene.rules, judgement)
    advance(desk)
    run.rounds[ROUND].final = run.finals[-1]
    assert find_disputes(judgement, checks)
    desk.desk.note(run, judgement, checks, TIME)


@pytest.mark.parametrize(("bits", "accused", "witness"), [(TRUTH, 0, 0), (bits_of("cheat"), 1, 0)])
def test_a_dispute_is_recomputed_and_judged(desk: Desk, bits: bytes, accused: int, witness: int) -> None:
    close_draws(desk)
    dispute(desk, bits)
    desk.turn(2 * RULES.depth + 2)
    assert desk.rounds() == [5, 6, 7, 8, 9, 10, 11, 12, 13]  # twice as deep as a sample
    root = sha256(b"root %d" % accused).digest()
    assert desk.desk.docket.charges == {Charge(ROUND, ROUND - 1, accused, witness, root)}
    assert not desk.desk.docket.open
    event, values = desk.reports[-1]
    assert (event, values["accused"], values["seconds"]) == ("recomputed", [accused], 4.5)


def test_a_sample_takes_the_place_of_a_dispute(desk: Desk) -> None:
    close_draws(desk)
    dispute(desk, bits_of("cheat"))
    desk.turn(3)
    assert desk.background.job is not None
    assert desk.background.job.name[0] == "dispute"
    close_draws(desk, ROUND + 1)
    desk.desk._drawn_at = (0, 0)
    desk.turn(RULES.depth)
    assert {job.name[0] for job, _ in desk.background.started[3:]} == {"sample"}
    desk.turn(12)
    assert desk.desk.docket.charges
    assert ("sampled", ROUND + 1) in [(event, values.get("round")) for event, values in desk.reports]


@pytest.mark.parametrize(("pace", "kind"), [(0.5, "sample"), (100.0, "dispute")])
def test_only_what_a_commit_waits_for_interrupts_other_work(desk: Desk, pace: float, kind: str) -> None:
    close_draws(desk)
    dispute(desk, bits_of("cheat"))
    desk.look()
    close_draws(desk, ROUND + 1)
    desk.desk._drawn_at = (0, 0)
    desk.desk.note_pace(pace)
    desk.look()
    assert desk.background.job is not None
    assert desk.background.job.name[0] == kind


def test_disputes_and_charges_survive_a_restart(desk: Desk, tmp_path: Path) -> None:
    close_draws(desk)
    dispute(desk, bits_of("cheat"))
    before = desk.desk.docket.open
    desk.desk.docket = reopen(desk, tmp_path)
    assert desk.desk.docket.open == before
    desk.turn(2 * RULES.depth + 2)
    charges = desk.desk.docket.charges
    assert len(charges) == 1
    again = reopen(desk, tmp_path)
    assert (again.open, again.charges) == ({}, charges)
    assert not list((tmp_path / "dispute").glob("*"))


def reopen(desk: Desk, folder: Path) -> Docket:
    """What another process reads."""
    desk.journal.close()
    desk.journal = Journal(folder / "journal.log")
    return Docket(desk.journal, folder / "dispute")


def test_a_dispute_lapses_with_its_round_or_without_its_states(desk: Desk) -> None:
    close_draws(desk)
    dispute(desk, bits_of("cheat"))
    desk.kept = range(4, 100)
    desk.turn()
    assert desk.reports[-1] == (
        "not judged",
        {"round": ROUND, "target": 1, "reason": "the state of height 3 is not kept any more"},
    )
    assert not desk.desk.docket.open
    assert not desk.desk.docket.charges


def test_a_dispute_of_a_round_that_fell_lapses(desk: Desk) -> None:
    close_draws(desk)
    dispute(desk, bits_of("cheat"))
    desk.run.rounds[ROUND].overturned = True
    desk.turn()
    assert not desk.desk.docket.open
    assert "does not stand" in desk.reports[-1][1]["reason"]


def test_a_dispute_about_who_is_condemned_already_lapses(desk: Desk) -> None:
    close_draws(desk)
    dispute(desk, bits_of("cheat"))
    desk.run.seats[1].condemned_in = ROUND
    desk.turn()
    assert not desk.desk.docket.open
    assert desk.reports[-1][1]["reason"] == "its target is condemned already"


def test_a_seat_that_has_committed_needs_no_sample(desk: Desk) -> None:
    close_draws(desk, ROUND)
    desk.run.rounds[ROUND].commits[0] = Committed(desk.run.rounds[ROUND].opened, ROUND, 0, bytes(32))
    desk.turn(2)
    assert not desk.rounds()
