"""A worker's share in the blind cross-checks: it shadows the seats that its keys draw, in the background and ahead of
the round, and recomputes what a dispute is about. Its own work always goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from trainer.learn.inner_state import InnerState
from trainer.protocol.checks import Check, CheckRules, Draw, compute_draw, count_sample, pick_sample
from trainer.protocol.disputes import (
    Dispute,
    compute_unvested,
    find_disputes,
    is_moot,
    is_over,
    is_sample_awaited,
    judge_dispute,
)
from trainer.protocol.gradient import NO_SAMPLE, count_agreeing
from trainer.protocol.judgement import Judgement, State
from trainer.protocol.run_state import RunState
from trainer.protocol.types import NO_END, Phase
from trainer.roles.background import BackgroundReplay, Job
from trainer.roles.docket import Docket
from trainer.roles.replay import Stage, plan_replay

SAMPLE, DISPUTE = "sample", "dispute"
# Heights before a disputed round from which its replay begins, in depths: one that begins where the sample's did lacks
# the same momentum, and would be no second opinion.
DISPUTE_DEPTHS = 2
# ("sample", round, target) or ("dispute", round, target)
Name = tuple[str, int, int]
ComputeKey = Callable[[RunState, int], bytes | None]
FindState = Callable[[RunState, int], State | None]


@dataclass
class Progress:
    """How far a replay has come: the rounds that it went through, the inner state and the bits after them, and seconds
    of work (without pauses).
    """

    done: tuple[Stage, ...] = ()
    inner: InnerState | None = None
    bits: bytes = b""
    seconds: float = 0.0

    def find_next(self, stages: Sequence[Stage]) -> Stage | None:
        """What to replay next on the way of `stages`, None at its end. It may have begun earlier than they do; what
        does not lead along them is forgotten.
        """
        place = stages.index(self.done[-1]) + 1 if self.done and self.done[-1] in stages else 0
        if place == 0 or self.done[-place:] != tuple(stages[:place]):
            self.done, self.inner, self.bits, place = (), None, b"", 0
        return stages[place] if place < len(stages) else None


class CheckDesk:
    """Draws, samples and disputes of one seat. compute_key: this seat's key of a round, None without one. find_state:
    int32[Ppad] of a height, None where it is not kept. report(event, **values) tells the operator.

    `is_sampling`: what can be replayed by now for a sample, of the open round or a later one, is under way and can be
    done while the commit waits. Machines of equal speed have no other time for it, and that of one round is too little.
    """

    def __init__(
        self,
        seat: int,
        rules: CheckRules,
        background: BackgroundReplay,
        docket: Docket,
        compute_key: ComputeKey,
        find_state: FindState,
        report: Callable[..., None],
    ) -> None:
        self.rules, self.docket = rules, docket
        self.is_sampling = False
        self._pace: float = NO_END
        self._seat, self._background, self._report = seat, background, report
        self._compute_key, self._find_state = compute_key, find_state
        self._draws: dict[int, Draw] = {}
        self._drawn_at: tuple[int, int] = (0, 0)
        self._progress: dict[Name, Progress] = {}
        self._samples: dict[int, bytes] = {}

    # ------------------------------------------------------------------ what the worker asks

    @property
    def reach(self) -> int:
        """How many heights back a replay begins, at the most."""
        return DISPUTE_DEPTHS * self.rules.depth

    def turn(self, run: RunState, time: int, sealed: Collection[int], *, is_training: bool) -> None:
        """One look at the run. sealed: rounds whose work has left for the chain; is_training: whether the worker's own
        work is under way.
        """
        sealing = run.clock.round if run.compute_phase(time)[0] is Phase.COMMIT else 0
        if sealing in sealed or (run.current and self._seat in run.current.commits):
            sealing = 0
        self._collect()
        self._find_draws(run)
        plans = dict(self._plan_samples(run, sealing)) | dict(self._plan_disputes(run, time))
        # An inner state each: of depth + 1 samples at the most, and of the disputes that were begun.
        self._progress = {name: self._progress.get(name, Progress()) for name in plans}
        wanted: list[Job] = []
        for name, stages in plans.items():
            stage = self._progress[name].find_next(stages)
            if stage is not None:
                wanted.append(Job(name, name[2], stage))
            elif stages:
                self._finish(run, name, stages)
        first = wanted[0] if wanted else None
        is_awaited = False
        if sealing and first is not None and first.name[0] == SAMPLE:
            is_awaited = self._is_in_time(run, time, first, plans[first.name])
        self._background.pause(is_training)
        running = self._background.job
        # A sample that the commit waits for takes the place of anything else.
        if running is not None and (running not in wanted or (is_awaited and running != first)):
            self._background.stop()
        if self._background.job is None:
            self._start(run, wanted)
        # Where its state is not here the replay does not even begin.
        self.is_sampling = is_awaited and self._background.job == first

    def note_pace(self, seconds: float) -> None:
        """A round of work took so long here. The fastest counts: while a commit waits, other workers on the same
        machine stand still, too.
        """
        self._pace = min(self._pace, seconds)

    def get_sample(self, round_id: int) -> bytes:
        """The sample for the header of a round, 512 bytes; NO_SAMPLE where there is none."""
        draw, sample = self._draws.get(round_id), self._samples.get(round_id)
        if draw and sample is None:
            self._report("no sample", round=round_id, target=draw.target, reason="not recomputed in time")
        return sample or NO_SAMPLE

    def note(self, run: RunState, judgement: Judgement, checks: Sequence[Check], time: int) -> None:
        """A round is final as this machine judged it: tells of its checks, and takes up its disputes."""
        for check in checks:
            draw, found = check.draw, {"finding": str(check.finding), "agreeing": check.agreeing, "of": check.count}
            self._report("check", round=draw.round, checker=draw.checker, target=draw.target, **found)
        for dispute in find_disputes(judgement, checks):
            if not is_over(run, dispute.round, time) and self.docket.add(dispute):
                self._report("dispute", round=dispute.round, target=dispute.target)

    def stop(self) -> None:
        """Ends what runs in the background."""
        self._background.stop()

    # ------------------------------------------------------------------ what is wanted

    def _find_draws(self, run: RunState) -> None:
        """The checks that this seat's keys draw, for the rounds whose targets can be known."""
        here, record = (run.clock.round, id(run)), run.current
        if here == self._drawn_at or record is None or self._seat not in run.seats:
            return
        self._drawn_at, self._draws = here, {}
        self._samples = {of: sample for of, sample in self._samples.items() if of >= record.round}
        if record.overturned:
            return  # all streaks are cut
        seat, streak = run.seats[self._seat], run.compute_streak_before(record.round, self._seat, self.rules.depth)
        for round_id in range(record.round, record.round + self.rules.depth + 1):
            key = self._compute_key(run, round_id) if seat.has_key(round_id) else None
            if key is None or streak + round_id - record.round < self.rules.depth:
                continue
            announced = seat.find_tip(round_id).announced
            draw = compute_draw(run, self.rules, round_id, self._seat, key, announced)
            if draw is not None:
                self._draws[round_id] = draw

    def _plan_samples(self, run: RunState, sealing: int) -> Iterator[tuple[Name, tuple[Stage, ...]]]:
        """The rounds of each replay, the nearest first. Of a later round those that are open to all by now."""
        record = run.current
        for round_id, draw in sorted(self._draws.items()):
            if record is None or record.overturned or round_id in self._samples:
                continue
            name = (SAMPLE, round_id, draw.target)
            if round_id > record.round:
                # From where the whole replay will begin, and with the open round, if all rounds are good and the
                # target reveals in each; else it begins anew.
                depth = record.height - run.rounds[round_id - self.rules.depth].height
                yield name, plan_replay(run, record.round, draw.target, depth)
            elif round_id == sealing:
                yield name, plan_replay(run, round_id, draw.target, self.rules.depth)

    def _plan_disputes(self, run: RunState, time: int) -> Iterator[tuple[Name, tuple[Stage, ...]]]:
        """Those with most unvested pay first: they are worth most to who cheats."""
        for dispute in list(self.docket.open.values()):
            if is_over(run, dispute.round, time):
                self._lapse(dispute, "its round is safe, or does not stand")
            elif is_moot(run, dispute):
                self._lapse(dispute, "its target is condemned already")
        stakes = [(-compute_unvested(run, dispute, time), name) for name, dispute in self.docket.open.items()]
        for _, (round_id, target) in sorted(stakes):
            yield (DISPUTE, round_id, target), plan_replay(run, round_id, target, DISPUTE_DEPTHS * self.rules.depth)

    def _is_in_time(self, run: RunState, time: int, job: Job, stages: Sequence[Stage]) -> bool:
        """Whether the replay that goes on with this job can be expected to be done while the commit may still wait."""
        done = stages.index(job.stage) + (self._background.share if self._background.job == job else 0)
        expected = time + int((len(stages) - done) * self._pace)
        return is_sample_awaited(run, run.rounds[run.clock.round], expected, run.compute_phase(time)[1])

    # ------------------------------------------------------------------ what is done

    def _collect(self) -> None:
        finished = self._background.collect()
        if finished:
            job, result = finished
            progress = self._progress[job.name]
            progress.done = (*progress.done, job.stage)
            progress.inner, progress.bits = result.inner_state, result.bits
            progress.seconds += result.seconds
            self.note_pace(result.seconds)

    def _start(self, run: RunState, wanted: Sequence[Job]) -> None:
        """Starts the first for which there is a state."""
        for job in wanted:
            state = self._find_state(run, job.stage.height)
            if state is not None:
                self._background.start(job, state, self._progress[job.name].inner)
                return
            if job.name[0] == DISPUTE:
                dispute = self.docket.open[job.name[1:]]
                self._lapse(dispute, f"the state of height {job.stage.height} is not kept any more")

    def _finish(self, run: RunState, name: Name, stages: Sequence[Stage]) -> None:
        """A replay has gone as far as it can: to a sample, to a verdict, or to the newest height."""
        kind, round_id, target = name
        progress, total = self._progress[name], run.parameters.parameter_count
        if kind == DISPUTE:
            self._judge(run, self.docket.open[round_id, target], progress)
        elif stages[-1].round == round_id:
            positions = self._draws[round_id].compute_positions(total, self.rules.sample)
            self._samples[round_id] = pick_sample(progress.bits, positions, total)
            self._report("sampled", round=round_id, target=target, seconds=round(progress.seconds, 2))

    def _judge(self, run: RunState, dispute: Dispute, progress: Progress) -> None:
        total = run.parameters.parameter_count
        charges = judge_dispute(run, self.rules, dispute, progress.bits)
        self.docket.close(dispute, run.rounds[dispute.round].height + 1, charges)
        samples = {
            draw.checker: count_sample(sample, progress.bits, draw.compute_positions(total, self.rules.sample), total)
            for draw, sample in dispute.samples
        }
        self._report(
            "recomputed",
            round=dispute.round,
            target=dispute.target,
            agreeing=count_agreeing(progress.bits, dispute.bits, total),
            of=total,
            samples=samples,
            accused=[charge.accused for charge in charges],
            seconds=round(progress.seconds, 2),
        )

    def _lapse(self, dispute: Dispute, reason: str) -> None:
        self.docket.close(dispute, 0, ())
        self._report("not judged", round=dispute.round, target=dispute.target, reason=reason)
