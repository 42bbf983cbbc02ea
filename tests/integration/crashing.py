"""`comitia worker` that kills itself (SIGKILL: no handler, no flush) at one point of one round, `COMITIA_DIE`:

signed:R   the commit of round R is in the journal, and not sent
mined:R    the commit of round R is in a block
voted:R    the vote of round R was sent
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import NoReturn

import trainer.roles.assembly
from trainer.chain.calls import Call
from trainer.chain.sender import Sender
from trainer.cli import main
from trainer.roles.submitter import Submitter
from trainer.roles.vault import Vault

POINT, _, ROUND = os.environ["COMITIA_DIE"].partition(":")


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class Crashing(Submitter):
    """Dies where it is told to."""

    def __init__(self, sender: Sender, vault: Vault, report: Callable[..., None]) -> None:
        def look(event: str, **values: object) -> None:
            report(event, **values)
            if (POINT, event, values.get("call"), values.get("round")) == ("mined", "mined", "commit", int(ROUND)):
                die()

        super().__init__(sender, vault, look)

    def send(self, kind: str, round_id: int, call: Call) -> None:
        if (POINT, kind, round_id) == ("signed", "commit", int(ROUND)):
            self._sender.broadcast = die  # type: ignore[method-assign]
        super().send(kind, round_id, call)
        if (POINT, kind, round_id) == ("voted", "vote", int(ROUND)):
            die()


trainer.roles.assembly.Submitter = Crashing  # type: ignore[misc]
main()
