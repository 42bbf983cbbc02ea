"""A worker's transactions: signed, written to the journal, sent, watched until they are mined; one account, one nonce
order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from trainer.chain.calls import Call
from trainer.chain.sender import Sender
from trainer.chain.transactions import SignedTransaction
from trainer.errors import NonceUsed, TransactionFailed
from trainer.protocol.types import BlockRef

STUCK_BLOCKS = 3  # without the transaction, after which its fees are raised


class Notes(Protocol):
    """Where signed transactions are written down: a worker's `Vault`."""

    def save_transaction(self, kind: str, round_id: int, raw: bytes) -> None: ...


@dataclass
class _Sent:
    versions: list[SignedTransaction]  # of one nonce, the newest last
    since: int  # block number of the last broadcast


class Submitter:
    """Sends calls and knows which are not decided. `report(event, **values)` tells what became of each."""

    def __init__(self, sender: Sender, vault: Notes, report: Callable[..., None]) -> None:
        self._sender = sender
        self._vault = vault
        self._report = report
        self._sent: dict[tuple[str, int], _Sent] = {}
        self._head = 0

    @property
    def address(self) -> str:
        """The operator's account."""
        return self._sender.address

    @property
    def pending(self) -> frozenset[tuple[str, int]]:
        """(kind, round) of every transaction that is sent and not in a block."""
        return frozenset(self._sent)

    def send(self, kind: str, round_id: int, call: Call) -> None:
        """Signs, writes to the journal, broadcasts. The signed bytes are on disk before they leave."""
        self._broadcast(kind, round_id, [], lambda: self._sender.sign(call))

    def resend(self, kind: str, round_id: int, raw: bytes) -> None:
        """After a restart: the same bytes again; what was mined meanwhile is no error."""
        signed = SignedTransaction.from_raw(raw)
        if self._sender.get_receipt(signed) is None:
            self._sender.adopt(signed)
            self._broadcast(kind, round_id, [], lambda: signed)

    def restore(self) -> None:
        """After a reorganisation: sends again what the chain does not hold any more; a gap in the nonces would hold
        back all that follows.
        """
        for signed in self._sender.resend():
            self._report("sent again", transaction="0x" + signed.hash.hex())

    def settle(self, head: BlockRef) -> None:
        """Looks at what was sent; tells of failures; raises the fees of what is stuck."""
        if head.number == self._head:
            return
        self._head = head.number
        for (kind, round_id), sent in list(self._sent.items()):
            receipts = [(version, self._sender.get_receipt(version)) for version in sent.versions]
            # A receipt of a block after `head` counts at that block: its event is not applied yet, and the session
            # would ask for the same transaction again.
            mined = next(((v, receipt) for v, receipt in receipts if receipt and receipt.block <= head.number), None)
            if mined is not None:
                version, receipt = mined
                del self._sent[kind, round_id]
                if receipt.is_success:
                    self._report(
                        "mined", call=kind, round=round_id, gas=receipt.gas_used, transaction="0x" + version.hash.hex()
                    )
                else:
                    reason = self._sender.explain(version, receipt)
                    self._report(
                        "refused", call=kind, round=round_id, reason=str(reason), transaction="0x" + version.hash.hex()
                    )
            elif head.number >= sent.since + STUCK_BLOCKS and not sent.versions:
                del self._sent[kind, round_id]
            elif head.number >= sent.since + STUCK_BLOCKS:
                newest = sent.versions[-1]
                self._broadcast(kind, round_id, sent.versions, partial(self._sender.bump, newest))

    def _broadcast(
        self, kind: str, round_id: int, earlier: list[SignedTransaction], sign: Callable[[], SignedTransaction]
    ) -> None:
        """Signs, writes down and sends one more version. What fails is asked again after some blocks, not at every look
        at the chain: an empty purse or a spike of the fees does not end in a second.
        """
        unsent = _Sent(earlier, self._head)
        try:
            signed = sign()
            self._vault.save_transaction(kind, round_id, signed.raw)
            # Before it leaves: if the node's answer is lost, whether it left is not known, and it is looked for.
            self._sent[kind, round_id] = _Sent([*earlier, signed], self._head)
            self._sender.broadcast(signed)
        except NonceUsed as error:
            self._report("not sent", call=kind, round=round_id, reason=str(error))
            # An earlier version was mined: its receipt tells. Without one the session asks again, with a new nonce.
            if not earlier:
                del self._sent[kind, round_id]
        except TransactionFailed as error:
            self._report("not sent", call=kind, round=round_id, reason=str(error))
            self._sent[kind, round_id] = unsent
