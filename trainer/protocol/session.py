"""What one seat does next: a pure function of the run's events, the chain's time and what this machine holds. The
worker carries out what comes back.

Every restart, race and late join is the same question asked again with other facts, so all of it can be tested without
a process.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainer.protocol.acceptance import compute_members
from trainer.protocol.actions import (
    Action,
    Adopt,
    Done,
    Fetch,
    Halt,
    Judge,
    Local,
    Outcome,
    Seal,
    Send,
    StopTraining,
    Train,
    TrainingKey,
    Work,
)
from trainer.protocol.disputes import decide_accusations, is_sample_awaited
from trainer.protocol.judgement import compute_required
from trainer.protocol.misses import find_missed
from trainer.protocol.phases import is_two_thirds, stretched
from trainer.protocol.run_state import Round, RunState
from trainer.protocol.types import Phase

__all__ = [
    "Action",
    "Adopt",
    "Done",
    "Fetch",
    "Halt",
    "Judge",
    "Local",
    "Outcome",
    "Seal",
    "Send",
    "StopTraining",
    "Train",
    "TrainingKey",
    "Work",
    "compute_training_key",
    "decide",
]

# Seconds after finality during which a round is judged in full only: later its rejected blobs may be gone.
REPLAY_PATIENCE = 60
# Share of the reveal window during which the blobs of seats that were not accepted at the last height are waited for.
# Without any, a seat that comes back and commits last, which ends the phase, would have its blob held by nobody at the
# reveal, round after round. More would let a seat that commits to nothing slow the run.
LATECOMER_SHARE = 8
LATECOMER_LEAST = 2  # seconds
AHEAD = 8  # rounds whose blobs are fetched at the same time when catching up
# Seconds of chain time between the seats' turns to open a round or to bench a seat, so that one transaction is sent,
# not all.
STAGGER = 2
# Seconds that an opening waits for seats that can be benched: opened before, the round would count on them once more.
BENCH_FIRST = 10


def decide(run: RunState, me: int, time: int, local: Local) -> list[Action]:
    """Actions of seat `me` at chain time `time` (that of the head block), in the order in which to carry them out."""
    if me not in run.seats:
        return []  # a reorganisation took the seat back
    if local.height > run.height:
        return []  # an overturn took the state: whoever keeps states falls back first
    behind = _catch_up(run, time, local)
    if behind:
        return behind
    phase, end = run.compute_phase(time)
    seat = run.seats[me]
    actions: list[Action] = []
    record = run.current
    if record and phase in (Phase.COMMIT, Phase.REVEAL):
        actions += _fetch(record.round, {s: c.sealed_digest for s, c in record.commits.items()}, local)
    if record and phase is Phase.VOTE:
        actions += _judge(run, record, local)
    if seat.is_benched and not seat.named and time >= seat.ready_at:
        actions += _activate(run, me, phase, local)
    if phase in (Phase.IDLE, Phase.VOID, Phase.FINAL) and not run.stopped_at:
        actions += _open(run, me, time, phase, local)
    actions += _bench(run, me, time, phase, local)
    if record and record.final is None and seat.is_active(record.round):
        actions += _act(run, record, me, time, phase, end, local)
    actions += _vote_late(run, me, local)
    actions += _train(run, me, phase, local)
    actions += decide_accusations(run, me, time, local.charges, local.pending)
    is_over = phase is Phase.FINISHED or (run.stopped_at and phase in (Phase.IDLE, Phase.VOID, Phase.FINAL))
    if is_over and not actions and not local.pending and not local.is_recomputing:
        actions.append(Done())
    return actions


# ---------------------------------------------------------------------- parts


def _catch_up(run: RunState, time: int, local: Local) -> list[Action]:
    """The next final height that this machine does not hold yet."""
    if local.height >= run.height:
        return []
    final = run.finals[local.height]
    own = local.judged.get(final.round)
    if own is None:
        ahead: list[Action] = []
        for later in run.finals[local.height + 1 : local.height + AHEAD]:
            ahead += _fetch(later.round, compute_required(run, later.round), local)
        record = run.rounds[final.round]
        is_old = time > final.block.time + REPLAY_PATIENCE
        accepted = compute_members(final.accepted)
        if is_old and all(
            seat in record.reveals and record.commits[seat].sealed_digest in local.held for seat in accepted
        ):
            return [*ahead, Judge(final.round, recorded=True)]
        return [*ahead, *_judge(run, record, local)]
    if (own.accepted, own.checked, own.state_root) != (final.accepted, final.checked, final.state_root):
        return [Halt("diverged", final.round)]
    return [Adopt(final.round, final.height)]


def _fetch(round_id: int, digests: Mapping[int, bytes], local: Local) -> list[Action]:
    missing = {seat: digest for seat, digest in digests.items() if digest not in local.held}
    return [Fetch(round_id, missing)] if missing else []


def _judge(run: RunState, record: Round, local: Local) -> list[Action]:
    if record.round in local.judged:
        return []
    # Who lacks an available blob abstains until it has it; it never votes with a smaller set.
    return _fetch(record.round, compute_required(run, record.round), local) or [Judge(record.round)]


def _send(kind: str, round_id: int, local: Local, haves: int = 0) -> list[Action]:
    return [] if (kind, round_id) in local.pending else [Send(kind, round_id, haves)]


def _activate(run: RunState, me: int, phase: Phase, local: Local) -> list[Action]:
    """Not before the tip serves the next round, which would count the seat as active and could not accept it. But where
    no round is open, its weight may be what is missing.
    """
    is_useful = run.seats[me].has_key(run.next_round) or phase in (Phase.VOID, Phase.FINAL)
    return _send("activate", 0, local) if is_useful and phase is not Phase.FINISHED else []


def _open(run: RunState, me: int, time: int, phase: Phase, local: Local) -> list[Action]:
    active, base, busy_until = run.compute_next_opening()
    if not is_two_thirds(active, base) or time < busy_until:
        return []
    since = max(_compute_idle_since(run, phase), busy_until)
    if time < since + BENCH_FIRST and any(find_missed(run, seat, time) is not None for seat in run.seats):
        return []
    return _send("open", run.next_round, local) if _is_turn(run, me, run.next_round, time - since) else []


def _bench(run: RunState, me: int, time: int, phase: Phase, local: Local) -> list[Action]:
    """A seat that missed three rounds in a row: without its weight the rest need not wait, or can go on at all."""
    if phase in (Phase.IDLE, Phase.FINISHED):
        return []
    # What it missed last was over when the open round began, or when none was open any more.
    since = run.clock.opened_at if run.is_open(time) else _compute_idle_since(run, phase)
    for seat in sorted(run.seats):
        missed = find_missed(run, seat, time) if seat != me else None
        if missed is not None and _is_turn(run, me, missed, time - since, seat):
            return [] if ("bench", missed) in local.pending else [Send("bench", missed, seat=seat)]
    return []


def _is_turn(run: RunState, me: int, first: int, waited: int, silent: int | None = None) -> bool:
    """Whether it is this seat's turn for what any may do, after so many seconds of chain time: by seat, from one that
    `first` chooses on. A silent seat has none.
    """
    takers = sorted(s.seat for s in run.seats.values() if s.is_activated and s.seat != silent)
    return me in takers and waited >= STAGGER * ((takers.index(me) - first) % len(takers))


def _compute_idle_since(run: RunState, phase: Phase) -> int:
    """Chain time since which a round could have been opened."""
    if phase is Phase.VOID:
        clock, p = run.clock, run.parameters
        end = clock.reveal_end or clock.commit_end + stretched(p.reveal_window, clock.stretch)
        voted = is_two_thirds(clock.revealed, clock.base)
        return end + (stretched(p.vote_window, clock.stretch) if voted else 0)
    if phase is Phase.FINAL:
        return run.closed_at
    # The first round waits a while for who has joined and still compiles: a seat that enters a round later starts cold
    # among warm ones, and early in a run, where gradients agree most, the gate keeps it out for some rounds.
    wait = run.parameters.activate_delay
    return max(s.ready_at + (0 if s.from_round else wait) for s in run.seats.values() if not s.has_left)


def _act(run: RunState, record: Round, me: int, time: int, phase: Phase, end: int, local: Local) -> list[Action]:
    """Commit, reveal and vote in the open round."""
    work = local.works.get(record.round)
    mine = record.commits.get(me)
    if mine and (work is None or work.sealed_digest != mine.sealed_digest):
        return [Halt("key in use", record.round)]
    if phase is Phase.COMMIT and not mine:
        key = compute_training_key(run, me, record)
        if work and (work.seed, work.state_root) == (key.seed, key.state_root):
            return _send("commit", record.round, local)
        is_waiting = local.is_sampling and is_sample_awaited(run, record, time, end)
        return [Seal(key)] if local.trained == key and not is_waiting else []
    if phase is Phase.REVEAL and mine and me not in record.reveals:
        missing = sum(1 << seat for seat, commit in record.commits.items() if commit.sealed_digest not in local.held)
        haves = sum(1 << seat for seat in record.commits) & ~missing
        window = stretched(run.parameters.reveal_window, record.stretch)
        begun, before = end - window, run.finals[-1].accepted if run.finals else missing
        is_late = time >= end - window // 2
        # After a void round nobody hurries: it may be a slow latecomer's blob that was missing.
        is_calm = record.stretch == 0 and time >= begun + max(LATECOMER_LEAST, window // LATECOMER_SHARE)
        is_enough = not missing or is_late or (is_calm and missing & before == 0)
        return _send("reveal", record.round, local, haves) if is_enough else []
    own = local.judged.get(record.round)
    if phase is Phase.VOTE and own and own.votable and me not in record.votes:
        return _send("vote", record.round, local)
    return []


def _vote_late(run: RunState, me: int, local: Local) -> list[Action]:
    """Votes for the final outcome count until the next height is final."""
    if not run.finals or run.finals[-1].round not in local.judged:
        return []
    record = run.rounds[run.finals[-1].round]
    if me in record.votes or not run.seats[me].is_active(record.round) or run.seats[me].has_left:
        return []
    return _send("vote", record.round, local)


def _train(run: RunState, me: int, phase: Phase, local: Local) -> list[Action]:
    key = _compute_wanted(run, me, phase, local)
    if key is None:
        return [StopTraining()] if local.training else []
    return [] if key in (local.training, local.trained) else [Train(key)]


def _compute_wanted(run: RunState, me: int, phase: Phase, local: Local) -> TrainingKey | None:
    """What to train for now: the open round; or, while the vote runs, this machine's own next state. Nothing of that
    leaves before the round is final.
    """
    record = run.current
    if record is None or phase not in (Phase.COMMIT, Phase.VOTE):
        return None
    seat = run.seats[me]
    if phase is Phase.COMMIT:
        work = local.works.get(record.round)
        if not seat.is_active(record.round) or me in record.commits:
            return None
        key = compute_training_key(run, me, record)
        return None if work and (work.seed, work.state_root) == (key.seed, key.state_root) else key
    own = local.judged.get(record.round)
    is_last = record.height + 1 == run.parameters.total_heights
    next_round = record.round + 1
    if own is None or not own.votable or is_last or not seat.is_active(next_round):
        return None
    inner = record.round if me in record.reveals else 0
    return TrainingKey(next_round, record.height + 1, run.compute_seed_after(record.round), own.state_root, inner)


def compute_training_key(run: RunState, me: int, record: Round) -> TrainingKey:
    """The local work of a seat in an open round. Inner state: that of what it revealed for the last height, accepted or
    not, else cold: a new holder of the seat, and everybody after an overturn.
    """
    inner = 0
    if run.compute_run_up(record.round, me, 1):
        inner = run.finals[record.height - 1].round
    return TrainingKey(record.round, record.height, record.seed, run.get_root(record.height), inner)
