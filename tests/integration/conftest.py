"""One chain and five Kubo nodes for all tests of whole runs; each test deploys a run of its own on them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
NODES = 5
BLOCK_TIME = 0.25


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Starts the first time that a test wants it; nothing of it outlives the session."""
    from tests.integration.stage import Stage, share_trainer
    from trainer.blobs.daemon import KuboDaemon, make_swarm_key
    from trainer.chain.devnet import Anvil

    patch = pytest.MonkeyPatch()
    patch.setattr("trainer.roles.assembly.LocalTrainer", share_trainer)
    home = tmp_path_factory.mktemp("stage")
    key = make_swarm_key()
    with ExitStack() as stack:
        stack.callback(patch.undo)
        anvil = stack.enter_context(
            Anvil(home / "anvil.log", state=home / "chain" / "state.json", block_time=BLOCK_TIME)
        )
        daemons = [KuboDaemon(home / "kubo" / f"node{i}", key, name=f"node{i}") for i in range(NODES)]
        for daemon in daemons:
            daemon.launch()
        for daemon in daemons:
            stack.enter_context(daemon.finish_start())
        found = Stage(anvil, daemons, home)
        yield found
        for process in found.processes:
            process.kill()
            process.wait()


@pytest.fixture
def deploy(stage) -> Iterator[Callable[..., object]]:  # type: ignore[no-untyped-def]
    """`stage.deploy`; the workers of its runs end with the test."""
    runs = []

    def make(*arguments: object, **named: object) -> object:
        runs.append(stage.deploy(*arguments, **named))
        return runs[-1]

    yield make
    for run in runs:
        run.stop()
    for process in stage.processes:
        process.kill()
        process.wait()
    stage.processes.clear()


@pytest.fixture
def signals() -> Iterator[None]:
    """Puts the handlers back that a worker command sets in this process."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def swarm_key(stage) -> str:  # type: ignore[no-untyped-def]
    """For a node that a test starts itself."""
    return Path(stage.daemons[0].repo / "swarm.key").read_text(encoding="ascii")
