"""Signs and sends transactions of one account: explicit nonces, fixed gas limits, replacements, and reverts as our
errors.

Signing and broadcasting are apart: a worker writes the raw bytes to its journal in between, and sends the same bytes
again after a restart or a reorganisation. One sender for each key: two would give out the same nonces.
"""

from __future__ import annotations

import heapq
import threading
import time
from dataclasses import dataclass

from hexbytes import HexBytes
from web3.types import RPCEndpoint

from trainer.chain.calls import Call
from trainer.chain.client import RunClient
from trainer.chain.node import Node
from trainer.chain.receipts import Receipt, explain_failure, simulate
from trainer.chain.transactions import SignedTransaction, bump, sign_transaction
from trainer.errors import NonceUsed, TransactionFailed, Underpriced, UnreachableError
from trainer.keys import OperatorKey

KEPT = 256  # signed transactions that are kept to be sent again
STUCK_BLOCKS = 3  # blocks without the transaction after which `send_and_wait` raises its fees
REPLACE_PERCENT = 125  # nodes ask for 110 % of both fees

# What the nodes say, in lower case: geth, anvil and reth, erigon, nethermind, besu.
SAID_KNOWN = ("already known", "alreadyknown", "already imported", "known transaction", "already exists")
SAID_NONCE = ("nonce too low", "nonce is too low", "oldnonce", "nonce_too_low", "invalid nonce")
SAID_PRICE = ("underpriced", "replacement", "feetoolow", "fee too low", "max fee per gas less than block base fee")
SAID_FUNDS = ("insufficient funds", "insufficientfunds", "insufficient balance")


@dataclass(frozen=True)
class FeePolicy:
    """Fees in wei for one unit of gas: the tip's floor, and a cap on the whole that is never exceeded."""

    min_priority: int
    max_fee: int


DEFAULT_FEES = FeePolicy(min_priority=10**9, max_fee=500 * 10**9)


class Sender:
    """Sends with one key. Thread-safe; raises UnreachableError when no node answers."""

    def __init__(self, client: RunClient | Node, key: OperatorKey, fees: FeePolicy = DEFAULT_FEES) -> None:
        self.client = client if isinstance(client, RunClient) else None
        self.node = client.node if isinstance(client, RunClient) else client
        self.key = key
        self.address = key.address
        self._fees = fees
        self._lock = threading.Lock()
        self._next: int | None = None
        self._free: list[int] = []  # heap of nonces below _next that no transaction holds
        self._signed: dict[int, SignedTransaction] = {}  # newest of each nonce

    # ------------------------------------------------------------------ signing

    def sign(self, call: Call, replacing: SignedTransaction | None = None) -> SignedTransaction:
        """Signs a call with the next nonce, or with the nonce of a transaction that it replaces, then with at least 25
        % more fees.

        Replaces, where a phase is over before its transaction was mined, the useless transaction by the next phase's.
        Raises TransactionFailed when the fees would pass the cap.
        """
        if self.client is None:
            raise TypeError("a sender without a contract signs no calls")
        data = bytes(HexBytes(self.client.contract.encode_abi(call.method, call.args)))
        return self.sign_raw(self.client.address, data, call.value, call.gas, replacing)

    def sign_raw(
        self, to: str | None, data: bytes, value: int, gas: int, replacing: SignedTransaction | None = None
    ) -> SignedTransaction:
        """As `sign`, for any transaction; `to` None creates a contract."""
        priority, fee = self._compute_fees()
        if replacing is not None:
            priority, fee = (
                max(priority, bump(replacing.priority, REPLACE_PERCENT)),
                max(fee, bump(replacing.fee, REPLACE_PERCENT)),
            )
        if fee > self._fees.max_fee:
            raise TransactionFailed(
                f"a unit of gas costs {fee / 1e9:.2f} gwei, more than the cap of {self._fees.max_fee / 1e9:.2f}"
            )
        with self._lock:
            nonce = self._take_nonce() if replacing is None else replacing.nonce
            signed = sign_transaction(self.key, self.node.chain_id, nonce, to, data, value, gas, priority, fee)
            self._keep(signed)
        return signed

    def bump(self, signed: SignedTransaction) -> SignedTransaction:
        """The same transaction with at least 25 % more fees."""
        return self.sign_raw(signed.to, signed.data, signed.value, signed.gas, signed)

    def adopt(self, signed: SignedTransaction) -> None:
        """Takes over a transaction of an earlier life (from the journal), so that its nonce is not given out again."""
        with self._lock:
            self._start()
            if signed.nonce in self._free:
                self._free.remove(signed.nonce)
                heapq.heapify(self._free)
            known = self._signed.get(signed.nonce)
            if known is None or known.fee <= signed.fee:
                self._keep(signed)

    # ------------------------------------------------------------------ sending

    def broadcast(self, signed: SignedTransaction) -> None:
        """Sends the bytes to every node; sending what is known or mined already is no error.

        Raises NonceUsed, Underpriced, or TransactionFailed where no node took it; then the nonce is free again.
        """
        answers = self.node.provider.broadcast(RPCEndpoint("eth_sendRawTransaction"), ["0x" + signed.raw.hex()])
        said = [_said(answer.get("error")) for answer in answers]
        if any(text is None or _is(text, SAID_KNOWN) for text in said) or self.node.is_known(signed.hash):
            return
        message = said[0] or ""
        if _is(message, SAID_NONCE):
            with self._lock:
                self._drop(signed)
                self._next = max(self._next or 0, self.node.get_nonce(self.address, "pending"))
            raise NonceUsed(f"another transaction of {self.address} has nonce {signed.nonce}")
        if _is(message, SAID_PRICE):
            raise Underpriced(f"the node asks for higher fees than {signed.fee / 1e9:.2f} gwei ({message})")
        self._release(signed)
        if _is(message, SAID_FUNDS):
            have = self.node.get_balance(self.address)
            raise TransactionFailed(
                f"{self.address} has {have / 1e18:.6f} coins, the transaction may cost {signed.worst_cost / 1e18:.6f}"
            )
        raise TransactionFailed(f"the node refuses the transaction: {message}")

    def resend(self) -> list[SignedTransaction]:
        """After a reorganisation or a restart: sends again what the chain does not hold any more, lowest nonce first,
        and returns it.

        A gap in the nonces would silently hold back all that follows; nonces that nothing is known of are given out
        again.
        """
        with self._lock:
            self._start()
            mined, held = self.node.get_nonce(self.address), self.node.get_nonce(self.address, "pending")
            end = max(self._next or 0, held)
            again = [self._signed[nonce] for nonce in range(mined, end) if nonce in self._signed]
            self._free = [nonce for nonce in range(held, end) if nonce not in self._signed]
        for signed in again:
            try:
                self.broadcast(signed)
            except (NonceUsed, Underpriced):
                continue  # another version of it is on its way, or mined by now
        return again

    def get_receipt(self, signed: SignedTransaction) -> Receipt | None:
        """The receipt, None while the transaction is in no block. Look at `is_success`: a reverted transaction has a
        receipt too.
        """
        found = self.node.get_receipt(signed.hash)
        return None if found is None else Receipt.of(found)

    def explain(self, signed: SignedTransaction, receipt: Receipt) -> TransactionFailed:
        """Why a mined transaction failed: ContractRevert with the contract's own error where the node can tell."""
        return explain_failure(self.node, self.client.abi if self.client else (), self.address, signed, receipt)

    def check(self, call: Call) -> None:
        """Tries a call in the pending block without sending it. Raises ContractRevert if it would fail."""
        if self.client is None:
            raise TypeError("a sender without a contract sends no calls")
        data = bytes(HexBytes(self.client.contract.encode_abi(call.method, call.args)))
        simulate(self.node, self.client.abi, self.address, self.client.address, data, call.value, call.gas)

    def send_and_wait(self, call: Call, timeout: float, poll: float = 0.2) -> Receipt:
        """Sends a call and waits until it is in a block; for commands. `timeout` and `poll` in seconds.

        Raises ContractRevert, before anything is sent where the node foresees it; TransactionFailed when it is not
        mined in time.
        """
        self.check(call)
        return self.wait(self.sign(call), timeout, poll)

    def wait(self, signed: SignedTransaction, timeout: float, poll: float = 0.2) -> Receipt:
        """Broadcasts a signed transaction and waits for its success, with more fees whenever three blocks passed
        without it.
        """
        versions = [self._push(signed)]
        since = self.node.get_head().number
        end = time.monotonic() + timeout
        trouble = ""
        while time.monotonic() < end:
            try:
                for version in versions:
                    receipt = self.get_receipt(version)
                    if receipt is not None and not receipt.is_success:
                        raise self.explain(version, receipt)
                    if receipt is not None:
                        return receipt
                head = self.node.get_head().number
                if head >= since + STUCK_BLOCKS:
                    versions.append(self._push(self.bump(versions[-1])))
                    since = head
            except UnreachableError as error:
                trouble = f" ({error})"  # it is on its way: a node that is away for a moment changes nothing
            except NonceUsed:
                since = self.node.get_head().number  # one of the versions was mined since its receipt was asked for
            time.sleep(poll)
        raise TransactionFailed(
            f"transaction 0x{versions[-1].hash.hex()} is in no block after {timeout:.0f} s{trouble}; it may still come"
        )

    # ------------------------------------------------------------------ internal

    def _push(self, signed: SignedTransaction) -> SignedTransaction:
        """Broadcasts with as much more fees as the node asks for, up to the cap; returns the version that it took."""
        while True:
            try:
                self.broadcast(signed)
            except Underpriced:
                signed = self.bump(signed)
            else:
                return signed

    def _compute_fees(self) -> tuple[int, int]:
        header = self.node.get_header("latest")
        priority = max(self._fees.min_priority, self.node.get_priority_fee())
        # Room for six full blocks in a row (12.5 % each); the chain takes what is current, not this.
        return priority, 2 * header.base_fee + priority

    def _start(self) -> None:
        if self._next is None:
            self._next = self.node.get_nonce(self.address, "pending")

    def _take_nonce(self) -> int:
        self._start()
        assert self._next is not None
        while self._free:
            nonce = heapq.heappop(self._free)
            if nonce not in self._signed:
                return nonce
        self._next += 1
        return self._next - 1

    def _keep(self, signed: SignedTransaction) -> None:
        self._signed[signed.nonce] = signed
        self._next = max(self._next or 0, signed.nonce + 1)
        for nonce in sorted(self._signed)[:-KEPT]:
            del self._signed[nonce]

    def _drop(self, signed: SignedTransaction) -> bool:
        if self._signed.get(signed.nonce) != signed:
            return False  # a newer version has its place
        del self._signed[signed.nonce]
        return True

    def _release(self, signed: SignedTransaction) -> None:
        with self._lock:
            if self._drop(signed):
                heapq.heappush(self._free, signed.nonce)


def _said(error: object) -> str | None:
    if not error:
        return None
    return str(error.get("message", error) if isinstance(error, dict) else error).lower()


def _is(text: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in text for phrase in phrases)
