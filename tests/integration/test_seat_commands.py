"""What owners, guests and bystanders type between rounds: invitations, changes of a seat, places, exits."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stage import PASSWORD, PATIENCE, UNIT, Run, run_command
from trainer.chain import calls
from trainer.keys import OperatorKey, create_keystore

pytestmark = [pytest.mark.anvil, pytest.mark.kubo, pytest.mark.slow]
Deploy = Callable[..., Run]


class People:
    """Types commands about a run as one of several accounts."""

    def __init__(self, run: Run, *names: str) -> None:
        self.run, self.home = run, run.home / "people"
        self.keys = {name: OperatorKey.generate() for name in names} | {"deployer": run.owner.key}
        for name, key in self.keys.items():
            create_keystore(self.home / "keystores", name, key, PASSWORD, fast=True)
            run.stage.anvil.set_balance(key.address, 10**20)

    def type(self, name: str, *words: object) -> tuple[int, str, str]:
        """(exit code, stdout, stderr)."""
        env = self.run.environment() | {"COMITIA_HOME": str(self.home), "ETH_KEYSTORE_ACCOUNT": name}
        env |= {"COMITIA_IPFS_API": self.run.stage.daemons[0].api}
        return run_command(*map(str, words), env=env)

    def do(self, name: str, *words: object) -> Any:
        """What a command that succeeds prints as JSON."""
        code, out, err = self.type(name, *words, "--yes", "--json")
        assert code == 0, (words, err)
        return json.loads(out)

    def ask(self, *words: object) -> Any:
        """What a command that sends nothing prints as JSON."""
        code, out, err = self.type("deployer", *words, "--json")
        assert code == 0, (words, err)
        return json.loads(out)

    def fail(self, code: int, said: str, name: str, *words: object) -> None:
        """A command that is refused."""
        found, _, err = self.type(name, *words)
        assert (found, said in err) == (code, True), err

    def make_card(self, name: str) -> Path:
        """A card in a file."""
        _, out, _ = self.type(name, "seat", "card")
        path = self.home / f"card-{name}.json"
        path.write_text(out)
        return path


def test_a_guest_comes_and_goes(deploy: Deploy) -> None:
    run = deploy("doors", 6, seats=1, invitation_only=True)
    people = People(run, "guest", "operator", "successor", "stranger")
    card = people.make_card("operator")
    join = ("seat", "join", "--card", card, "--weight", 10)
    people.fail(2, "comitia run admit", "guest", *join, "--yes")

    bearer, bound = people.home / "bearer.json", people.home / "bound.json"
    people.fail(2, "only the run's owner", "guest", "run", "invite")
    assert people.type("deployer", "run", "invite", "--file", bearer)[0] == 0
    assert people.type("deployer", "run", "invite", "--for", people.keys["guest"].address, "--file", bound)[0] == 0
    assert stat.S_IMODE(bearer.stat().st_mode) == 0o600
    people.fail(2, "say --yes", "guest", "run", "admit", bearer)
    people.fail(2, "invites", "stranger", "run", "admit", bound, "--for", people.keys["stranger"].address, "--yes")
    assert people.do("guest", "run", "admit", bearer)["invitations"] == 1
    people.fail(10, "AlreadyUsed", "stranger", "run", "admit", bearer, "--yes")
    assert people.do("stranger", "run", "admit", bound)["account"] == people.keys["guest"].address

    people.fail(2, "say --yes", "guest", *join)
    assert people.do("guest", *join)["seat"] == 0
    assert people.do("guest", *join)["seat"] == 1
    people.fail(2, "comitia run admit", "guest", *join, "--yes")
    assert people.do("guest", "seat", "top-up", 0, "--by", 5)["stake_wei"] == 5 * UNIT
    people.do("operator", "seat", "new-tip", 0, "--index", 1)
    people.do("operator", "seat", "set-peer", 0)
    people.do("guest", "seat", "set-operator", 0, "--card", people.make_card("successor"))
    people.fail(10, "NotOwner", "stranger", "seat", "top-up", 0, "--by", 5, "--yes")
    found = people.ask("seat", "status", 0)
    assert (found["state"], found["stake_wei"], found["operator"]) == (
        "joined", 15 * UNIT, people.keys["successor"].address,
    )  # fmt: skip
    assert people.type("guest", "seat", "status", 0)[0] == 0
    people.fail(2, "nobody has seat 7", "guest", "seat", "status", 7)
    people.fail(2, "did not miss", "guest", "seat", "bench", 0, "--yes")
    people.fail(2, "nothing to claim", "guest", "seat", "claim", "--yes")

    assert people.do("guest", "run", "fund", "0.5")["pool_wei"] == 5 * 10**17
    people.fail(10, "NotRunOwner", "guest", "run", "stop", "--yes")
    people.do("deployer", "run", "revoke", 0)
    people.fail(10, "TooEarly", "guest", "seat", "withdraw", 0, "--yes")
    p = run.deployment.parameters
    run.stage.anvil.advance(p.horizon + p.leave_delay)
    assert people.do("guest", "seat", "withdraw", 0)["amount_wei"] == 15 * UNIT
    assert people.ask("seat", "status", 0)["state"] == "withdrawn"
    people.do("stranger", "seat", "retire", 1)
    people.do("deployer", "run", "stop")
    people.fail(10, "TooEarly", "deployer", "run", "sweep", "--yes")
    run.stage.anvil.advance(p.horizon + p.settle_window)
    assert people.do("deployer", "run", "sweep")["amount_wei"] == 5 * 10**17
    found = people.ask("run", "status")
    assert (found["pool_wei"], found["stopped_at"] is not None, found["staked_wei"]) == (0, True, 10 * UNIT)
    assert people.type("guest", "run", "status")[0] == 0


def test_a_place_in_a_full_run(deploy: Deploy) -> None:
    run = deploy("full", 6, seats=1)
    people = People(run, "bidder", "operator", "other")
    sent = [run.owner.sign(calls.join(1, run.owner.address, bytes(32), "", UNIT)) for _ in range(256)]
    for signed in sent:
        run.owner.broadcast(signed)
    for signed in sent:
        run.owner.wait(signed, PATIENCE, 0.05)
    card = people.make_card("operator")
    people.fail(2, "comitia seat bid", "bidder", "seat", "join", "--card", card, "--weight", 3, "--yes")
    people.fail(10, "BidTooLow", "bidder", "seat", "bid", 9, "--weight", 2, "--yes")
    people.do("bidder", "seat", "bid", 9, "--weight", 3)
    people.do("other", "seat", "bid", 9, "--weight", 7)
    people.do("other", "seat", "withdraw-bid", 9)
    assert people.do("other", "seat", "claim")["amount_wei"] == 7 * UNIT
    assert people.do("bidder", "seat", "claim")["amount_wei"] == 3 * UNIT
    people.do("bidder", "seat", "bid", 9, "--weight", 3)
    run.stage.anvil.advance(2)
    assert people.do("bidder", "seat", "take", 9, "--card", card)["weight"] == 3
    found = people.ask("seat", "status", 9)
    assert (found["owner"], found["stake_wei"], found["activates_in"]) == (people.keys["bidder"].address, 3 * UNIT, 0)
    p = run.deployment.parameters
    run.stage.anvil.advance(p.horizon + 1)
    assert people.do("deployer", "seat", "withdraw", 9)["amount_wei"] == UNIT
