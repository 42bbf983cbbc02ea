"""A run with an adversary on a devnet: anvil, Kubo, honest workers as threads of this process (one compile cache), the
adversary's as processes of their own.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.adversaries.count import Count, check_promises, count, measure_loss, replay
from tests.adversaries.setting import BATCH, FUND, HEIGHTS, MONEY, PRESET, RULES, TIMES
from tests.adversaries.zoo import HONEST, Adversary
from tests.integration.stage import PATIENCE, ROOT, Seat, Stage, read_log
from tests.integration.waiting import until
from trainer.chain import calls

WINDOWS = {"commit_min": 20, "commit_cap": 30, "reveal_window": 16, "vote_window": 30}
PROGRAM = Path(__file__).with_name("worker.py")


def play(stage: Stage, adversary: Adversary | None) -> Count:
    """A whole run; None = without an adversary. Raises AssertionError if a promise is broken."""
    name = adversary.name if adversary else "honest"
    run = stage.deploy(
        f"zoo-{name}", HEIGHTS, seats=len(HONEST), rules=RULES, preset=PRESET, batch_size=BATCH,
        **WINDOWS, **TIMES, **MONEY,
    )  # fmt: skip
    run.send([calls.fund(FUND)])
    weights = (*HONEST, *(adversary.weights if adversary else ()))
    seats = [seat for weight in weights for seat in run.join(1, weight=weight)]
    gang = tuple(seat.number for seat in seats[len(HONEST) :])
    processes = [
        run.spawn(
            seats[number], sys.executable, PROGRAM, COMITIA_ADVERSARY=name, COMITIA_GANG=",".join(map(str, gang)),
            PYTHONPATH=str(ROOT), JAX_PLATFORMS=os.environ.get("JAX_PLATFORMS", "cpu"),
        )
        for number in gang
    ]  # fmt: skip
    # Before the others begin: who comes late sits out what it missed. All are active in the first round, which
    # waits for them: a gang that is ready early would else be most of it.
    for number in gang:
        until(lambda seat=seats[number]: is_ready(seat), f"{seats[number].name} is ready", PATIENCE)
    hands = [run.start(seat) for seat in seats[: len(HONEST)]]
    try:
        run.reach(HEIGHTS, 3 * PATIENCE)
        for hand in hands:
            hand.wait()
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(PATIENCE)
        run.stop()
    events = run.client.get_events()
    state = replay(events, run.deployment.parameters, run.client.domains)
    check_promises(state, events, gang)
    assert run.client.get_balance(run.client.address) == state.held, "the money does not add up"
    parts = hands[0].parts
    assert parts is not None
    return count(state, events, gang, measure_loss(parts))


def is_ready(seat: Seat) -> bool:
    """Whether the seat's process has begun to work."""
    return any(report["event"] == "started" for report in read_log(seat))
