"""A watcher's transactions: tried before they are sent, sent once, again after ever longer pauses where they failed;
nothing is refused silently. Nothing is kept on disk: what is due follows from the chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from trainer.chain.calls import Call
from trainer.chain.sender import Sender
from trainer.errors import ContractRevert, TransactionFailed
from trainer.protocol.types import BlockRef
from trainer.roles.submitter import Submitter

PAUSE = 4  # blocks before an errand is tried a second time, and as many times more before each further one


class NoJournal:
    """In place of a worker's vault: what was sent is either on the chain, or due again."""

    def save_transaction(self, kind: str, round_id: int, raw: bytes) -> None:
        """Keeps nothing."""


class Errands:
    """Sends for one account, or, without a sender, tells what it would send. budget: wei of bonds that may be held or
    lost at the same time.
    """

    def __init__(self, sender: Sender | None, budget: int, report: Callable[..., None]) -> None:
        self._sender = sender
        self._submitter = None if sender is None else Submitter(sender, NoJournal(), report)
        self._report = report
        self._attempts: Counter[tuple[str, int]] = Counter()
        self._not_before: dict[tuple[str, int], int] = {}  # block number
        self._said: set[tuple[object, ...]] = set()
        self._head = 0
        self.budget = budget

    @property
    def account(self) -> str:
        """Address of the account; "" without one."""
        return "" if self._sender is None else self._sender.address

    def restore(self) -> None:
        """After a reorganisation: sends again what the chain does not hold any more."""
        if self._submitter is not None:
            self._submitter.restore()
        self._attempts.clear()
        self._not_before.clear()

    def settle(self, head: BlockRef) -> None:
        """Looks at what was sent."""
        self._head = head.number
        if self._submitter is not None:
            self._submitter.settle(head)

    def is_due(self, name: str, round_id: int) -> bool:
        """Whether an errand is worth preparing: not under way, and not tried just now."""
        if self._submitter is None:
            return ("would send", name, round_id) not in self._said
        pending = {(kind.removesuffix(")").partition(" (")[0], of) for kind, of in self._submitter.pending}
        key = (name, round_id)
        return key not in pending and self._head >= self._not_before.get(key, 0)

    def refuse(self, name: str, round_id: int, reason: str, **values: object) -> None:
        """Tells, once for each reason, what is not sent and why."""
        key = ("refuse", name, round_id, reason)
        if key not in self._said:
            self._said.add(key)
            self._report("would send", call=name, round=round_id, reason=reason, **values)

    def send(self, name: str, round_id: int, calls: Sequence[Call]) -> None:
        """Sends calls that belong together, in order. The first is tried before: what must fail is not sent."""
        if self._sender is None or self._submitter is None:
            self._said.add(("would send", name, round_id))
            self._report("would send", call=name, round=round_id, reason="no account was given")
            return
        key = (name, round_id)
        self._not_before[key] = self._head + 1
        try:
            self._sender.check(calls[0])
        except ContractRevert as error:
            self.refuse(name, round_id, str(error))
            return
        self._attempts[key] += 1
        self._not_before[key] = self._head + PAUSE ** self._attempts[key]
        self._report("sending", call=name, round=round_id, transactions=len(calls), attempt=self._attempts[key])
        try:
            for number, call in enumerate(calls, 1):
                kind = name if len(calls) == 1 else f"{name} ({number} of {len(calls)})"
                self._submitter.send(kind, round_id, call)
        except TransactionFailed as error:
            self.refuse(name, round_id, str(error))
