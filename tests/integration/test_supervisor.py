"""Child processes: they die with their parent, stop within a bounded time, and say why they did not start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.waiting import is_running, until
from trainer.config import PROCESSES
from trainer.errors import ComitiaError, UnreachableError
from trainer.processes import Child
from trainer.roles.supervisor import StopSignals, Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEP = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
]
IMPATIENT = replace(PROCESSES, stop_timeout=0.5)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "child.log"


@contextmanager
def running_parent(tmp_path: Path, body: str) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A process of ours that starts two children and then runs `body`; their pids are in a file."""
    pids = tmp_path / "pids"
    program = f"""
        import os, signal, sys, threading, time
        from pathlib import Path
        from trainer.processes import Child
        from trainer.roles.supervisor import StopSignals, Supervisor
        sleep = {SLEEP!r}
        home = Path({str(tmp_path)!r})
        {textwrap.indent(textwrap.dedent(body), " " * 8).strip()}
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT)
    try:
        until(lambda: pids.exists() and pids.read_text().endswith("\n"), "the children run")
        yield process, [int(word) for word in pids.read_text().split()]
    finally:
        process.kill()
        process.wait()


START_TWO = """
children = [Child(name, sleep, home / name) for name in ("a", "b")]
for child in children:  # bound to the parent by then
    child.wait_ready(lambda: "ready" in child.read_log() or None, 10)
(home / "pids").write_text(" ".join(str(child.pid) for child in children) + "\\n")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has PR_SET_PDEATHSIG")
@pytest.mark.parametrize(
    "body",
    [
        START_TWO + "time.sleep(600)",
        # in a thread that ends: for the kernel the parent is the thread, and the children must outlive it
        "def start():\n"
        + textwrap.indent(START_TWO, "    ")
        + "\nt = threading.Thread(target=start); t.start(); t.join()\n"
        "time.sleep(600)",
    ],
    ids=["main-thread", "short-lived-thread"],
)
def test_children_are_gone_after_kill_9_of_the_parent(tmp_path: Path, body: str) -> None:
    with running_parent(tmp_path, body) as (parent, pids):
        assert len(pids) == 2
        assert all(is_running(pid) for pid in pids)
        parent.kill()
        until(lambda: not any(is_running(pid) for pid in pids), "the children are gone", 5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_supervisor_stops_all_in_order(tmp_path: Path, number: signal.Signals) -> None:
    body = """
    with StopSignals() as stop, Supervisor() as supervisor:
        children = [supervisor.start(name, sleep, home / name) for name in ("a", "b")]
        (home / "pids").write_text(" ".join(str(child.pid) for child in children) + "\\n")
        supervisor.watch(stop)
    assert not any(child.is_alive for child in children)
    sys.exit(42)
    """
    with running_parent(tmp_path, body) as (parent, pids):
        parent.send_signal(number)
        assert parent.wait(10) == 42
        assert not any(is_running(pid) for pid in pids)


def test_a_child_outlives_the_thread_that_started_it(log: Path) -> None:
    children: list[Child] = []

    def start() -> None:
        children.append(Child("sleeper", SLEEP, log))
        children[0].wait_ready(lambda: "ready" in children[0].read_log() or None, 10)  # bound to its parent by then

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with children[0] as child, pytest.raises(subprocess.TimeoutExpired):
        child._process.wait(0.5)  # killed at the thread's end it would be gone by now


def test_a_stubborn_child_is_killed_after_a_bounded_wait(log: Path) -> None:
    child = Child("stubborn", STUBBORN, log, settings=IMPATIENT)
    child.wait_ready(lambda: "ready" in child.read_log() or None, 10)
    started = time.monotonic()
    assert child.stop() == -signal.SIGKILL
    assert 0.5 <= time.monotonic() - started < 3
    assert child.stop() == -signal.SIGKILL  # again does no harm
    assert not is_running(child.pid)


def test_all_are_asked_to_stop_before_any_is_waited_for(tmp_path: Path) -> None:
    started = 0.0
    with Supervisor() as supervisor:
        for index in range(4):
            child = supervisor.start(f"stubborn{index}", STUBBORN, tmp_path / f"{index}.log", settings=IMPATIENT)
            child.wait_ready(lambda child=child: "ready" in child.read_log() or None, 10)  # type: ignore[misc]
        started = time.monotonic()
    assert time.monotonic() - started < 3 * IMPATIENT.stop_timeout  # not four waits after one another


def test_grandchildren_end_with_the_group(log: Path) -> None:
    program = f"import subprocess, sys; p = subprocess.Popen({SLEEP!r}); print('pid', p.pid, flush=True); p.wait()"
    child = Child("family", [sys.executable, "-c", program], log)
    found = child.wait_ready(lambda: re.search(r"pid (\d+)\n", child.read_log()), 10)
    grandchild = int(found.group(1))
    assert is_running(grandchild)
    child.stop()
    until(lambda: not is_running(grandchild), "the grandchild is gone", 5)


def test_wait_ready_gives_what_the_condition_gives(log: Path) -> None:
    with Child(
        "says", [sys.executable, "-c", "print('port 7', flush=True); import time; time.sleep(600)"], log
    ) as child:
        assert child.wait_ready(lambda: child.read_log().strip() or None, 10) == "port 7"


def test_a_child_that_ends_at_its_start_says_why(log: Path) -> None:
    child = Child("broken", [sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)"], log)
    with pytest.raises(
        ComitiaError, match=r"broken ended with 3 at its start:\n  no such thing\n  \(log: .*child.log\)"
    ):
        child.wait_ready(lambda: None, 10)


def test_a_child_that_is_never_ready_says_so(log: Path) -> None:
    with Child("slow", SLEEP, log) as child, pytest.raises(UnreachableError, match=r"slow was not ready after 0.2 s"):
        child.wait_ready(lambda: None, 0.2)


def test_logs_are_kept_and_only_the_own_part_is_read(log: Path) -> None:
    for text in ("first", "second"):
        child = Child("says", [sys.executable, "-c", f"print({text!r})"], log)
        until(lambda child=child: not child.is_alive, "it ended")  # type: ignore[misc]
        assert child.read_log() == text + "\n"
    assert log.read_text() == "first\nsecond\n"


def test_a_program_that_does_not_exist_is_named(log: Path) -> None:
    def start() -> None:
        Child("nothing", ["/nowhere/program"], log).wait_ready(lambda: None, 10)

    with pytest.raises(ComitiaError, match="nothing"):
        start()


def test_a_child_that_ends_by_itself_is_noticed(log: Path) -> None:
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", SLEEP, log)
        child.kill()
        with pytest.raises(ComitiaError, match="sleeper ended by itself"):
            supervisor.watch(threading.Event())


def test_old_signal_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before
