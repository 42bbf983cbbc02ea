"""What goes wrong in practice: each is one clear line with its exit code, and nothing is sent; or it is waited for."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.integration.stage import PATIENCE, Run, Seat, Stage, run_command
from tests.integration.waiting import until
from trainer.errors import JournalError, KeyInUse

pytestmark = [pytest.mark.anvil, pytest.mark.kubo]
Deploy = Callable[..., Run]
NOBODY = "0x" + "12" * 20
JOIN = ["seat", "join", "--run", "idle", "--account", "worker-0", "--yes"]


@pytest.fixture(scope="module")
def idle(stage: Stage) -> Iterator[Run]:
    """A run with two seats out of four: it does not begin."""
    run = stage.deploy("idle", 6)
    run.join(2)
    yield run
    run.stop()


def refuse(code: int, words: str, *arguments: str | Path, run: Run, seat: Seat | None = None, **env: object) -> None:
    """The command ends with the code and one line that has these words, and the seat's account has sent nothing."""
    actor = seat or run.seats[0]
    found, _, err = run_command(*arguments, env=run.environment(actor) | env)
    lines = err.strip().splitlines()
    assert (found, words in lines[-1]) == (code, True), (found, err)
    assert "Traceback" not in err
    if code != 2:
        assert len([line for line in lines if line.startswith("comitia:")]) == 1
    assert run.client.node.get_nonce(actor.key.address, "pending") == 0


# ---------------------------------------------------------------------- help


def test_help_is_instant() -> None:
    """Of every command, without web3 and JAX."""
    program = """
import sys
import click
from click.testing import CliRunner
from trainer.cli import main

def walk(command, path):
    done = CliRunner().invoke(main, [*path, "--help"])
    assert done.exit_code == 0 and "Usage:" in done.output, (path, done.output)
    print(*path)
    for name, sub in getattr(command, "commands", {}).items():
        walk(sub, [*path, name])

walk(main, [])
heavy = {"web3", "jax", "jaxlib", "optax", "eth_account", "ipfshttpclient"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 15
    assert {"worker", "audit", "seat join", "account new"} <= set(done.stdout.splitlines())


# ---------------------------------------------------------------------- refused before anything is sent


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["worker", "--run", "nobody-knows", "--account", "worker-0"], "nobody-knows"),
        (["worker"], "Missing option '--run'"),
        (["worker", "--run", "idle"], "which key?"),
        (["worker", "--run", "idle", "--account", "worker-0", "--seat", "300"], "--seat"),
        (["worker", "--run", "idle", "--account", "worker-0", "--seat", "1"], "operates no seat of this run with id 1"),
        (["worker", "--run", "idle", "--account", "worker-0", "--rpc-url", "htp://x"], "http://"),
        (["worker", "--run", "idle", "--account", "worker-0", "--ipfs-api", "nonsense"], "nonsense"),
        (["status", "--run", "idle", "--rpc-url", ""], "RPC"),
        ([*JOIN, "--weight", "0"], "--weight"),
        ([*JOIN, "--weight", "1"], "either --card FILE"),
        ([*JOIN, "--weight", "1", "--card", "/dev/null"], "is no seat card"),
        ([*JOIN, "--weight", "1", "--card", "/no/file"], "is no seat card"),
        (["seat", "activate", "many"], "many"),
        (["audit"], "say which run"),
        (["audit", "--address", "0x12"], "0x12"),
        (["audit", "--run", "idle", "--state", "/no/1.bin"], "/no/1.bin"),
        (["audit", "--run", "idle", "--state", "/dev/null"], "--state-height"),
        (["deploy", "x", "--preset", "huge", "--heights", "4"], "--preset"),
        (["deploy", "x", "--preset", "tiny", "--heights", "4", "--window", "grace"], "NAME=SECONDS"),
        (["account", "new", "../../etc/passwd"], "name"),
        (["account", "fund"], "Missing argument"),
        (["devnet", "--nodes", "65"], "--nodes"),
    ],
    ids=lambda value: " ".join(map(str, value))[:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_nonsense_is_refused(idle: Run, arguments: list[str], words: str) -> None:
    refuse(2, words, *arguments, run=idle, COMITIA_RUN="")


def test_a_wrong_password(idle: Run, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("not this")
    for command in (["worker"], ["seat", "activate", "0", "--yes"]):
        refuse(7, "password", *command, "--account", "worker-0", "--password-file", password, run=idle)
    refuse(7, "no-such-key", "worker", "--account", "no-such-key", run=idle)


def test_another_chain_or_other_code_is_refused_before_the_first_transaction(idle: Run, tmp_path: Path) -> None:
    (file,) = idle.home.glob("deployments/*/idle.json")
    saved = json.loads(file.read_text())
    name = next(key for key in saved if key.lower() in ("chainid", "chain_id"))
    other = tmp_path / "other.json"
    other.write_text(json.dumps(saved | {name: 1}))
    for command in (["worker"], ["seat", "activate", "0", "--yes"], ["seat", "card"], ["status"]):
        key = [] if command == ["status"] else ["--account", "worker-0"]
        refuse(4, "chain", *command, *key, "--run", other, run=idle)
    code = idle.client.node.get_code(idle.deployment.address)
    place = "0x" + "c0de" * 10
    checksummed = idle.client.node.w3.to_checksum_address(place)
    idle.stage.anvil.call("anvil_setCode", place, "0x" + (code[:-1] + bytes([code[-1] ^ 1])).hex())
    other.write_text(json.dumps(saved | {"address": checksummed}))
    for command in (["worker"], ["seat", "activate", "0", "--yes"]):
        refuse(4, "code", *command, "--account", "worker-0", "--run", other, run=idle)
    refuse(4, "not compiled from this version's sources", "audit", "--address", place, run=idle)
    refuse(4, "no contract", "audit", "--address", NOBODY, run=idle)


def test_nobody_answers(idle: Run) -> None:
    dead = "http://127.0.0.1:9"
    refuse(3, "does not answer", "status", "--rpc-url", dead, run=idle)
    refuse(
        3,
        "127.0.0.1/tcp/9",
        "audit",
        "--address",
        idle.deployment.address,
        "--ipfs-api",
        "/ip4/127.0.0.1/tcp/9",
        run=idle,
    )


def test_what_the_contract_refuses_is_said_in_its_words(idle: Run) -> None:
    refuse(10, "NotOwner", "seat", "leave", "1", "--account", "worker-0", "--yes", run=idle)
    refuse(10, "NotOwner", "seat", "withdraw", "0", "--account", "worker-0", "--yes", run=idle)


# ---------------------------------------------------------------------- one key, one worker


def test_a_second_worker_with_the_same_home_is_refused_by_the_lock(idle: Run, signals: None) -> None:
    seat = idle.seats[0]
    first = idle.start(seat)
    until(lambda: first.of("round"), "the first worker runs", PATIENCE)
    refuse(5, "another worker runs with", "worker", "--account", seat.name, "--ipfs-api", seat.daemon.api, run=idle)
    assert first.is_alive
    first.stop()


@pytest.mark.slow
def test_a_full_disk_sends_nothing_and_a_second_machine_with_the_key_stops(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = deploy("twins", 6)
    seats = run.join(4)
    assert not os.environ.get("COMITIA_TRACEBACK")

    def fail(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # The disk is full from the first write on: whatever is to be written first, nothing is on the chain.
    full = run.start(seats[0], alter=lambda _: monkeypatch.setattr(os, "fsync", fail))
    until(lambda: not full.is_alive, "a worker without a disk stops", PATIENCE)
    monkeypatch.undo()
    with pytest.raises(JournalError, match="No space left on device; free some disk and start again"):
        full.wait()
    assert run.client.node.get_nonce(seats[0].key.address, "pending") == 0
    run.hands.clear()

    hands = [run.start(seat) for seat in seats]
    run.reach(1)
    # Seat 0 on a second machine: another home, so no lock and no journal. It finds that the seat commits without it.
    (tmp_path / "jax-cache").symlink_to(run.stage.cache)
    twin = run.start(seats[0], home=tmp_path)
    run.hands.remove(twin)
    with pytest.raises(KeyInUse, match="Does another machine run this key"):
        twin.wait()
    for hand in hands:
        hand.wait()
    assert [accepted for _, accepted in run.get_results()] == [[0, 1, 2, 3]] * 6


# ---------------------------------------------------------------------- away and back


@pytest.mark.slow
def test_chain_and_kubo_go_away_and_come_back(deploy: Deploy) -> None:
    run = deploy("away", 6)
    stage, seats = run.stage, run.join(4)
    hands = [run.start(seat) for seat in seats]
    run.reach(1)
    daemon = seats[3].daemon
    daemon.kill()
    until(lambda: hands[3].of("waiting"), "the worker whose Kubo is away says so", PATIENCE)
    daemon.start()
    run.reach(run.get_height() + 1)
    assert all(hand.is_alive for hand in hands)

    stage.anvil._port = int(stage.anvil.url.rpartition(":")[2])
    stage.anvil.stop()
    until(lambda: all(hand.of("waiting") for hand in hands), "all say that the chain is away", PATIENCE)
    assert "does not answer" in hands[0].of("waiting")[-1]["reason"]
    stage.anvil.start()
    for hand in hands:
        hand.wait()
    assert all(len(set(map(str, hand.of("waiting")))) <= 4 for hand in hands), "said once, not at each attempt"
    results = run.get_results()
    assert len(results) == 6
    assert set(results[-1][1]) == {0, 1, 2, 3}
