"""One chain and five Kubo nodes for all tests of whole runs; each test deploys a run of its own on them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Starts the first time that a test wants it; nothing of it outlives the session."""
    from tests.integration.stage import open_stage

    with open_stage(tmp_path_factory.mktemp("stage")) as found:
        yield found


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
    stage.kill()


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
