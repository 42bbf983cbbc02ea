"""Single questions to `session.decide`: when to activate, open, reveal and end."""

from __future__ import annotations

from dataclasses import replace

from tests.protocol.machine import PARAMETERS, Weather
from tests.protocol.questions import ME, final_outcome, key_of, local_of, reach, sends, work_of
from tests.protocol.simulation import Network
from trainer.protocol import session
from trainer.protocol.actions import Local
from trainer.protocol.events import Benched, Joined, RoundOpened
from trainer.protocol.misses import find_missed
from trainer.protocol.run_state import RunState
from trainer.protocol.types import BlockRef, Phase

# ---------------------------------------------------------------------- seats and rounds


def test_activation_waits_until_the_tip_serves_or_no_round_is_open() -> None:
    run, time = reach(Phase.COMMIT, 3)
    run.apply(Joined(BlockRef(1, bytes(32), time), 3, "0x0", "0x0", 1, 3, b"t" * 32, ""))
    ready = time + PARAMETERS.activate_delay
    local = local_of(run)
    assert sends(session.decide(run, 3, ready, local)) == []
    run.seats[3].tips[-1].announced = 2
    assert sends(session.decide(run, 3, ready - 1, local)) == []
    assert sends(session.decide(run, 3, ready, local)) == ["activate"]
    run.seats[3].tips[-1].announced = 3
    run.clock.commit_end = time - 100  # the round is void
    assert "activate" in sends(session.decide(run, 3, ready, local))
    run.clock.closed, run.clock.height = True, run.parameters.total_heights
    run.finals = run.finals * 4
    assert sends(session.decide(run, 3, ready, replace(local, height=run.height))) == []


def test_the_seats_take_turns_to_open() -> None:
    run, time = reach(Phase.COMMIT, 3)
    run.clock.commit_end = time  # nobody committed in time: void when the reveal window is over
    void = time + PARAMETERS.reveal_window
    turns = {}
    for seat in range(3):
        for late in range(10):
            if "open" in sends(session.decide(run, seat, void + late, local_of(run))):
                turns[seat] = late
                break
    assert sorted(turns.values()) == [0, session.STAGGER, 2 * session.STAGGER]
    assert turns[4 % 3] == 0  # whose turn it is goes by the round


def test_nobody_opens_while_the_slot_is_busy_and_turns_start_when_it_is_free() -> None:
    run, _ = reach(Phase.COMMIT, 3)
    run.clock.closed = True
    run.parameters = replace(run.parameters, ring=2)  # the next round, 4, shares the slot of round 2
    run.ballots = {0: 2}
    p, final = run.parameters, run.finals[0]
    free = final.block.time + p.horizon + p.settle_window
    first = 4 % 3
    assert sends(session.decide(run, first, free - 1, local_of(run))) == []
    assert sends(session.decide(run, first, free, local_of(run))) == ["open"]
    assert sends(session.decide(run, (first + 1) % 3, free, local_of(run))) == []


def test_a_benched_seat_activates_again_unless_an_overturn_names_it() -> None:
    run, time = reach(Phase.COMMIT, 3)
    run.apply(Benched(BlockRef(1, bytes(32), time), ME, 3, 1))
    ready = time + PARAMETERS.activate_delay
    assert "activate" not in sends(session.decide(run, ME, ready - 1, local_of(run)))
    assert "activate" in sends(session.decide(run, ME, ready, local_of(run)))
    run.seats[ME].named = 1
    assert "activate" not in sends(session.decide(run, ME, ready, local_of(run)))


def test_the_seats_take_turns_to_bench_who_missed_three_rounds() -> None:
    run, time = reach(Phase.COMMIT, 3)
    silent = 2
    for round_id in (3, 4, 5):  # void: nobody commits; the others are not looked at here
        run.clock.commit_end = time
        time += 1_000
        if round_id < 5:
            run.apply(RoundOpened(BlockRef(9, bytes(32), time), round_id + 1, run.height, 3, 3, 1, 8))
    void = run.clock.commit_end + PARAMETERS.reveal_window * 3 // 2
    assert find_missed(run, silent, void) == 3
    run.seats[0].misses_from = run.seats[1].misses_from = 4  # these two were activated again meanwhile
    turns: dict[int, int] = {}
    for late in range(10):
        for seat in range(3):
            if session.Send("bench", 3, seat=silent) in session.decide(run, seat, void + late, local_of(run)):
                turns.setdefault(seat, late)
    assert sorted(turns) == [0, 1]
    assert sorted(turns.values()) == [0, session.STAGGER]
    pending = replace(local_of(run), pending=frozenset({("bench", 3)}))
    assert "bench" not in sends(session.decide(run, 0, void + 9, pending))
    run.seats[silent].misses_from = 4
    assert "bench" not in sends(session.decide(run, 0, void + 9, local_of(run)))


def test_nobody_opens_a_run_that_was_stopped() -> None:
    run, time = reach(Phase.COMMIT, 3)
    run.clock.commit_end = time
    void = time + PARAMETERS.reveal_window + 100
    assert "open" in sends(session.decide(run, ME, void, local_of(run)))
    run.stopped_at = time
    assert session.decide(run, ME, void, local_of(run)) == [session.Done()]


def test_done_when_all_is_final_and_nothing_is_under_way() -> None:
    network = Network([Weather()] * 3, 0)
    for _ in network.run(300):
        if network.is_over:
            break
    run, time = network.state, network.blocks[-1].time
    judged = {run.clock.round: final_outcome(run, run.height)}
    local = local_of(run, judged=judged)
    assert session.decide(run, ME, time, local) == [session.Done()]
    assert session.decide(run, ME, time, replace(local, pending=frozenset({("vote", 9)}))) == []
    assert session.decide(run, ME, time, replace(local, height=run.height - 1, judged={})) != [session.Done()]


# ---------------------------------------------------------------------- reveal


def at_reveal() -> tuple[RunState, int, Local]:
    run, _ = reach(Phase.REVEAL, 3)
    works = {3: work_of(key_of(run), run.rounds[3].commits[ME].sealed_digest)}
    return run, run.clock.commit_end, local_of(run, works=works)


def test_who_holds_everything_reveals_at_once_and_says_so() -> None:
    run, time, local = at_reveal()
    assert session.decide(run, ME, time, local) == [session.Send("reveal", 3, 0b111)]


def test_a_known_seats_blob_is_waited_for_until_half_of_the_window() -> None:
    run, begun, local = at_reveal()
    lacking = run.rounds[3].commits[1].sealed_digest
    local = replace(local, held=local.held - {lacking})
    half = begun + PARAMETERS.reveal_window // 2
    assert session.decide(run, ME, half - 1, local) == [session.Fetch(3, {1: lacking})]
    assert session.decide(run, ME, half, local)[1:] == [session.Send("reveal", 3, 0b101)]


def test_a_latecomers_blob_is_waited_for_a_little_and_longer_after_a_void_round() -> None:
    run, begun, local = at_reveal()
    run.finals[0] = replace(run.finals[0], accepted=0b101)
    local = replace(local, held=local.held - {run.rounds[3].commits[1].sealed_digest})
    assert sends(session.decide(run, ME, begun + session.LATECOMER_LEAST - 1, local)) == []
    assert sends(session.decide(run, ME, begun + session.LATECOMER_LEAST, local)) == ["reveal"]
    run.rounds[3].stretch = run.clock.stretch = 1
    half = begun + PARAMETERS.reveal_window * 3 // 4
    assert sends(session.decide(run, ME, half - 1, local)) == []
    assert sends(session.decide(run, ME, half, local)) == ["reveal"]


def test_a_commitment_that_is_not_in_the_journal_halts() -> None:
    run, time, local = at_reveal()
    assert session.decide(run, ME, time, replace(local, works={})) == [session.Halt("key in use", 3)]
    other = {3: work_of(key_of(run))}
    assert session.decide(run, ME, time, replace(local, works=other)) == [session.Halt("key in use", 3)]
