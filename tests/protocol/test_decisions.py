"""Single questions to `session.decide`: what one seat does next in a round, given what it holds."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.protocol.questions import ME, digests, final_outcome, key_of, local_of, reach, sends, work_of
from trainer.protocol import session
from trainer.protocol.actions import Local, Outcome, TrainingKey
from trainer.protocol.events import Benched, Left, Stopped
from trainer.protocol.run_state import RunState
from trainer.protocol.types import BlockRef, Phase

# ---------------------------------------------------------------------- commit


def test_a_seat_that_is_not_there_does_nothing() -> None:
    run, time = reach(Phase.COMMIT, 2)
    assert session.decide(run, 200, time, local_of(run)) == []


def test_trained_work_is_sealed_and_sealed_work_is_committed() -> None:
    run, time = reach(Phase.COMMIT, 3)
    key = key_of(run)
    assert session.decide(run, ME, time, local_of(run)) == [session.Train(key)]
    assert session.decide(run, ME, time, local_of(run, training=key)) == []
    assert session.decide(run, ME, time, local_of(run, trained=key)) == [session.Seal(key)]
    assert session.decide(run, ME, time, local_of(run, works={3: work_of(key)})) == [session.Send("commit", 3)]


@pytest.mark.parametrize("change", ["round", "height", "seed", "state_root", "inner_round"])
def test_work_for_anything_else_is_not_sealed(change: str) -> None:
    """Another seed, say: the round that it was made for was on a fork that is gone."""
    run, time = reach(Phase.COMMIT, 3)
    key = key_of(run)
    value = sha256(b"another").digest() if change in ("seed", "state_root") else getattr(key, change) + 1
    other = replace(key, **{change: value})  # type: ignore[arg-type]
    assert session.decide(run, ME, time, local_of(run, trained=other)) == [session.Train(key)]


@pytest.mark.parametrize("change", ["seed", "state_root"])
def test_sealed_work_of_another_fork_is_not_committed(change: str) -> None:
    run, time = reach(Phase.COMMIT, 3)
    key = key_of(run)
    old = work_of(replace(key, **{change: sha256(b"another").digest()}))  # type: ignore[arg-type]
    assert session.decide(run, ME, time, local_of(run, works={3: old})) == [session.Train(key)]


def test_the_inner_state_is_that_of_the_work_of_the_last_height() -> None:
    """Accepted or not: a seat that the gate keeps out must not begin cold again."""
    run, _ = reach(Phase.COMMIT, 3)
    run.finals[0] = replace(run.finals[0], accepted=0b110)
    assert key_of(run).inner_round == 2
    del run.rounds[2].reveals[ME]
    assert key_of(run).inner_round == 0


def test_what_is_pending_is_not_sent_again() -> None:
    run, time = reach(Phase.COMMIT, 3)
    works = {3: work_of(key_of(run))}
    local = local_of(run, works=works, pending=frozenset({("commit", 3)}))
    assert session.decide(run, ME, time, local) == []
    assert sends(session.decide(run, ME, time, replace(local, pending=frozenset({("commit", 2)})))) == ["commit"]


def test_training_stops_when_there_is_nothing_to_train_for() -> None:
    run, time = reach(Phase.REVEAL, 2)
    works = {2: work_of(key_of(run), run.rounds[2].commits[ME].sealed_digest)}
    local = local_of(run, works=works, training=key_of(run), pending=frozenset({("reveal", 2)}))
    assert session.decide(run, ME, time, local) == [session.StopTraining()]


# ---------------------------------------------------------------------- vote


def at_vote() -> tuple[RunState, int, Local]:
    """The vote of round 2, before anybody's vote, with all that this seat needs."""
    run, time = reach(Phase.VOTE, 2)
    assert not run.rounds[2].votes
    works = {2: work_of(key_of(run), run.rounds[2].commits[ME].sealed_digest)}
    return run, time, local_of(run, works=works)


OUTCOME = Outcome(2, 0b111, 0, sha256(b"next").digest(), True)


def test_a_round_is_judged_then_voted_on_and_its_next_state_trained_from() -> None:
    run, time, local = at_vote()
    assert session.decide(run, ME, time, local) == [session.Judge(2)]
    vote, train = session.decide(run, ME, time, replace(local, judged={2: OUTCOME}))
    assert vote == session.Send("vote", 2)
    assert isinstance(train, session.Train)
    expected = TrainingKey(3, 1, run.compute_seed_after(2), OUTCOME.state_root, 2)
    assert train.key == expected
    assert sends(session.decide(run, ME, time, replace(local, judged={2: OUTCOME}, trained=expected))) == ["vote"]


def test_speculative_work_is_not_sealed_before_the_round_is_final() -> None:
    run, time, local = at_vote()
    key = TrainingKey(3, 1, run.compute_seed_after(2), OUTCOME.state_root, 2)
    ready = replace(local, judged={2: OUTCOME}, trained=key, pending=frozenset({("vote", 2)}))
    assert session.decide(run, ME, time, ready) == []


@pytest.mark.parametrize("is_revealed", [True, False])
def test_who_is_not_accepted_goes_on_warm_and_who_did_not_reveal_cold(is_revealed: bool) -> None:
    run, time, local = at_vote()
    if not is_revealed:
        del run.rounds[2].reveals[ME]
    actions = session.decide(run, ME, time, replace(local, judged={2: replace(OUTCOME, accepted=0b110)}))
    inner = [action.key.inner_round for action in actions if isinstance(action, session.Train)]
    assert inner == [2 if is_revealed else 0]


def test_a_round_that_accepts_too_little_is_not_voted_on_nor_trained_from() -> None:
    run, time, local = at_vote()
    assert session.decide(run, ME, time, replace(local, judged={2: replace(OUTCOME, votable=False)})) == []


def test_a_missing_blob_is_fetched_and_nothing_is_judged() -> None:
    run, time, local = at_vote()
    lacking = run.rounds[2].commits[1].sealed_digest
    actions = session.decide(run, ME, time, replace(local, held=local.held - {lacking}))
    assert actions == [session.Fetch(2, {1: lacking})]


def test_a_vote_is_cast_once() -> None:
    run, time, local = at_vote()
    run.rounds[2].votes[ME] = b"o" * 32
    assert sends(session.decide(run, ME, time, replace(local, judged={2: OUTCOME}))) == []


def test_a_late_vote_is_cast_while_it_counts() -> None:
    run, time = reach(Phase.COMMIT, 3)
    run.rounds[2].votes.pop(ME, None)
    local = local_of(run, judged={2: final_outcome(run, 1)}, training=key_of(run))
    assert session.decide(run, ME, time, local) == [session.Send("vote", 2)]
    assert session.decide(run, ME, time, replace(local, judged={})) == []  # after a restart: its state is all it has
    run.apply(Left(BlockRef(1, bytes(32), time), ME, 3, 1))
    assert sends(session.decide(run, ME, time, local)) == []  # it would only tie the stake up for longer


# ---------------------------------------------------------------------- catching up


def test_who_is_behind_does_nothing_else() -> None:
    run, time = reach(Phase.COMMIT, 4)
    local = local_of(run, height=0, works={4: work_of(key_of(run))})
    assert {type(action) for action in session.decide(run, ME, time, local)} == {session.Fetch}
    everything = local.held | digests(run, 2) | digests(run, 3)
    assert session.decide(run, ME, time, replace(local, held=everything)) == [session.Judge(2)]
    done = replace(local, held=everything, judged={2: final_outcome(run, 1)})
    assert session.decide(run, ME, time, done) == [session.Adopt(2, 1)]


def test_catching_up_fetches_ahead() -> None:
    run, time = reach(Phase.COMMIT, 4)
    actions = session.decide(run, ME, time, local_of(run, height=0))
    assert {action.round for action in actions if isinstance(action, session.Fetch)} == {2, 3}


@pytest.mark.parametrize("change", [{"accepted": 1}, {"checked": 1}, {"state_root": bytes(32)}])
def test_another_outcome_of_its_own_halts(change: dict[str, object]) -> None:
    run, time = reach(Phase.COMMIT, 3)
    own = replace(final_outcome(run, 1), **change)  # type: ignore[arg-type]
    actions = session.decide(run, ME, time, local_of(run, height=0, judged={2: own}))
    assert actions == [session.Halt("diverged", 2)]


def test_an_old_round_is_taken_as_recorded_when_only_its_accepted_blobs_are_here() -> None:
    run, _ = reach(Phase.COMMIT, 3)
    final = run.finals[0]
    run.finals[0] = replace(final, accepted=0b011)
    gone = run.rounds[2].commits[2].sealed_digest
    local = local_of(run, height=0, held=(digests(run, 2) | digests(run, 3)) - {gone})
    patience = final.block.time + session.REPLAY_PATIENCE
    assert session.decide(run, ME, patience, local) == [session.Fetch(2, {2: gone})]
    assert session.decide(run, ME, patience + 1, local) == [session.Judge(2, recorded=True)]
    also = replace(local, held=local.held - {run.rounds[2].commits[1].sealed_digest})
    assert [type(action) for action in session.decide(run, ME, patience + 1, also)] == [session.Fetch]


# ---------------------------------------------------------------------- benched, overturned, stopped


def test_who_stands_above_the_run_does_nothing_until_it_has_fallen_back() -> None:
    run, time = reach(Phase.COMMIT, 4)
    local = local_of(run, height=run.height + 1)
    assert session.decide(run, ME, time, local) == []


def test_a_benched_seat_activates_again_unless_an_overturn_names_it() -> None:
    run, time = reach(Phase.COMMIT, 4)
    run.apply(Benched(BlockRef(1, bytes(32), time), ME, run.clock.round, run.seats[ME].next_weight))
    ready = run.seats[ME].ready_at
    assert "activate" not in sends(session.decide(run, ME, ready - 1, local_of(run)))
    assert "activate" in sends(session.decide(run, ME, ready, local_of(run)))
    run.seats[ME].named = 1
    assert "activate" not in sends(session.decide(run, ME, ready, local_of(run)))


def test_a_stopped_run_ends_with_its_last_round() -> None:
    run, time = reach(Phase.COMMIT, 4)
    run.apply(Stopped(BlockRef(1, bytes(32), time)))
    key = key_of(run)
    assert session.Seal(key) in session.decide(run, ME, time, local_of(run, trained=key))
    run.clock.commit_end = time
    late = time + 1000
    assert run.compute_phase(late)[0] is Phase.VOID
    assert session.decide(run, ME, late, local_of(run)) == [session.Done()]
