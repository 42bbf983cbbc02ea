"""Whole runs on real anvil, real Kubo and real JAX."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stage import COMITIA, PATIENCE, WINDOWS, Run, Stage, run_command
from trainer.blobs.daemon import KuboDaemon

pytestmark = [pytest.mark.anvil, pytest.mark.kubo, pytest.mark.slow]
Deploy = Callable[..., Run]
HEIGHTS = 6  # in all tests: another number would be another compiled program


def test_a_fifth_seat_joins_late(deploy: Deploy) -> None:
    run = deploy("late", HEIGHTS)
    four = run.join(4)
    hands = [run.start(seat) for seat in four]
    run.reach(2)
    (fifth,) = run.join(1, active=False)
    hands.append(run.start(fifth))
    for hand in hands:
        hand.wait()
    results = run.get_results()
    assert len(results) == HEIGHTS
    assert all(set(accepted) >= {0, 1, 2, 3} for _, accepted in results)
    assert 4 in results[-1][1]
    assert hands[-1].of("mined", call="activate")
    code, found, words = run.audit(node=fifth.daemon)
    assert (code, found["verdict"], found["heights"]) == (0, "ok", HEIGHTS), words
    for seat in run.seats:
        run.check_nonces(seat)
    check_recomputations(run, results)


def check_recomputations(run: Run, results: list[tuple[int, list[int]]]) -> None:
    """Anybody trains again what a seat was to train: all bits from the streak's start, fewer from a later one."""
    somebody = ("--depth", 8, "--home", run.seats[4].home, "--json")  # its cache has the compiled programs

    def recompute(*arguments: object) -> tuple[int, Any, str]:
        shared = ("--address", run.deployment.address, "--rpc-url", run.stage.anvil.url)
        node = ("--ipfs-api", run.stage.daemons[4].api)
        code, out, err = run_command("recompute", *map(str, (*shared, *node, *arguments)))
        return code, json.loads(out) if out else None, err

    last, first = results[-1][0], results[0][0]
    for seat in (0, 4):
        code, found, words = recompute(last, seat, *somebody)
        assert (code, found["verdict"], found["percent"]) == (0, "agrees", 100), words
        assert found["from_the_streaks_start"]
        assert found["bits"] == found["agreeing_bits"] == run.deployment.parameters.parameter_count
        assert (found["height"], found["replayed_heights"] == HEIGHTS - 1) == (HEIGHTS - 1, seat == 0)
    code, found, words = recompute(last, 0, *somebody, "--depth", 1)
    assert (code, found["verdict"], found["replayed_heights"]) == (8, "disagrees", 1)
    assert 55 < found["percent"] < found["threshold_percent"]
    assert not found["from_the_streaks_start"]
    assert "of seat 0's bits are as recomputed" in words
    for arguments, complaint in (
        ((last + 1, 0), f"round {last + 1} is unknown"),
        ((first, 4), f"seat 4 did not commit in round {first}; its accepted seats are 0, 1, 2, 3"),
    ):
        code, _, words = recompute(*arguments)
        assert (code, complaint in words) == (2, True), words

    draws = []
    for _ in range(2):
        code, found, words = run.audit("--training", "20%", "--seed", "7", *map(str, somebody[:-1]))
        assert (code, found["verdict"], found["training_seed"]) == (0, "ok", 7), words
        assert (found["lowest_percent"], found["disagreeing_submissions"]) == (100, [])
        draws.append(found["recomputed_submissions"])
    assert draws == [round(sum(len(accepted) for _, accepted in results) / 5)] * 2
    code, found, words = run.audit("--training", "1", "--depth", "1", "--home", str(run.seats[4].home))
    assert (code, found["verdict"]) == (8, "training disagrees")
    assert f"round {last} seat 0" in words


def test_a_run_by_its_commands_alone(stage: Stage, tmp_path: Path, swarm_key: str) -> None:
    """Accounts, deploy, cards, seats, four worker processes, status, an audit with an empty node: what people type."""
    password = tmp_path / "password"
    password.write_text("of people")
    shared = {
        "COMITIA_DEPLOYMENTS": tmp_path / "deployments",
        "COMITIA_RUN": "typed",
        "ETH_RPC_URL": stage.anvil.url,
        "ETH_PASSWORD": password,
        "PYTHONUNBUFFERED": 1,
    }

    def do(name: str, *arguments: object) -> Any:
        code, out, err = run_command(*map(str, arguments), env=shared | {"COMITIA_HOME": tmp_path / name})
        assert code == 0, (arguments, err)
        return json.loads(out) if out.startswith(("{", "[")) else out

    names = ["owner", *(f"worker-{number}" for number in range(4))]
    addresses = [do(name, "account", "new", name, "--devnet", "--json")["address"] for name in names]
    assert do("owner", "account", "list", "--json")[0]["address"] == addresses[0]
    do("owner", "account", "fund", *addresses)
    windows = [f"--window={name}={WINDOWS[name]}" for name in WINDOWS]
    deployed = do(
        "owner", "deploy", "typed", "--preset", "tiny", "--heights", HEIGHTS, "--training-seconds", 1,
        "--min-weight", 40, *windows, "--no-hardhat", "--account", "owner", "--ipfs-api", stage.daemons[0].api,
        "--yes", "--json",
    )  # fmt: skip
    for number, name in enumerate(names[1:]):
        card = do(name, "seat", "card", "--account", name, "--ipfs-api", stage.daemons[number].api)
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
        card_file, by_owner = tmp_path / f"{name}.json", ("--account", "owner", "--yes", "--json")
        joined = do("owner", "seat", "join", "--card", card_file, "--weight", 10, *by_owner)
        assert joined["seat"] == number
        stage.anvil.advance(2)
        do("owner", "seat", "activate", number, *by_owner)
        (tmp_path / name / "jax-cache").symlink_to(stage.cache)
    seats = [spawn(stage, name, tmp_path, shared, stage.daemons[n].api) for n, name in enumerate(names[1:])]
    try:
        for name, process in zip(names[1:], seats, strict=True):
            process.wait(PATIENCE)
            assert process.returncode == 0, (tmp_path / f"{name}.log").read_text()[-2000:]
    except subprocess.TimeoutExpired:
        pytest.fail("\n".join((tmp_path / f"{name}.log").read_text()[-600:] for name in names[1:]))
    status = do("owner", "status", "--json")
    assert (status["height"], status["phase"].lower()) == (HEIGHTS, "finished")
    assert [(seat["accepted"], seat["streak"]) for seat in status["seats"]] == [(HEIGHTS, HEIGHTS)] * 4
    for name in names[1:]:
        reports = [json.loads(line) for line in (tmp_path / f"{name}.log").read_text().splitlines()]
        kinds = [report["event"] for report in reports]
        assert kinds[-2:] == ["finished", "stopped"]
        # Two seats may try to open the same round on a slow machine; nothing else is ever in vain.
        assert not [r for r in reports if r["event"] == "refused" and r["call"] != "open"]
        assert [r["call"] for r in reports if r["event"] == "mined"].count("commit") == HEIGHTS

    # What it paid, and the way out.
    earned = do("owner", "seat", "status", 0, "--json")
    assert (earned["state"], earned["settled_to"], earned["credit_wei"]) == ("active", 0, 0)
    stage.anvil.advance(95)  # the horizon of a devnet's windows, and more
    reward = HEIGHTS * 10**16  # all four seats have one owner, and were accepted and voted in every round
    safe = do("owner", "seat", "status", 0, "--json")
    assert (safe["claimable_wei"], safe["locked_wei"]) == (reward // 4, 0)
    assert do("owner", "seat", "claim", *by_owner)["amount_wei"] == reward
    do("owner", "seat", "leave", 0, *by_owner)
    stage.anvil.advance(95)
    assert do("owner", "seat", "withdraw", 0, *by_owner)["amount_wei"] == 10**19
    stage.anvil.advance(60)
    assert do("owner", "run", "sweep", *by_owner)["amount_wei"] == HEIGHTS * 10**16
    assert do("owner", "run", "status", "--json")["pool_wei"] == 0

    with KuboDaemon(tmp_path / "auditor" / "kubo", swarm_key, name="auditor") as empty:
        found = subprocess.run(
            [COMITIA, "audit", "--address", deployed["address"], "--ipfs-api", empty.api, "--json"],
            env=os.environ | {"COMITIA_HOME": str(tmp_path / "auditor"), "ETH_RPC_URL": stage.anvil.url},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert found.returncode == 0, found.stderr
    verdict = json.loads(found.stdout)
    assert (verdict["verdict"], verdict["heights"], verdict["unjudged_rounds"]) == ("ok", HEIGHTS, [])
    assert verdict["root"] == status["state_root"]


def spawn(stage: Stage, name: str, home: Path, env: dict[str, Any], api: str) -> subprocess.Popen[bytes]:
    with (home / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [COMITIA, "worker", "--account", name, "--ipfs-api", api, "--json"],
            env=os.environ | {k: str(v) for k, v in env.items()} | {"COMITIA_HOME": str(home / name)},
            stdout=log, stderr=log,
        )  # fmt: skip
    stage.processes.append(process)
    return process
