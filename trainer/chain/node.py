"""One chain, through its nodes: what it is, its blocks and accounts. Nothing here knows the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_typing import HexStr
from web3 import Web3
from web3.exceptions import BlockNotFound, TransactionIndexingInProgress, TransactionNotFound, Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint

from trainer.chain.failover import Ask, FailoverProvider
from trainer.errors import UnreachableError, WrongNetwork
from trainer.protocol.types import BlockRef


@dataclass(frozen=True)
class Header:
    """A block as the feed and the sender need it. `base_fee` in wei for one unit of gas."""

    block: BlockRef
    parent: bytes
    base_fee: int


class Node:
    """One chain, through one or more nodes. `w3` is web3 over all of them.

    Raises UnreachableError from every method when no node answers (the caller decides whether to wait), WrongNetwork
    when one is on another chain.
    """

    def __init__(self, urls: Sequence[str], chain_id: int | None = None) -> None:
        self.provider = FailoverProvider(urls)
        self.w3 = Web3(self.provider)
        # Some chains put more than 32 bytes into extraData, which web3 refuses otherwise.
        self.w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        self._expected_id = chain_id
        self._genesis: str | None = None
        self.provider.checks.append(self._check_chain)

    @property
    def chain_id(self) -> int:
        """The chain's id; asked once."""
        if self._expected_id is None:
            self.get_header(0)  # the first request runs the checks, which learn the id
        assert self._expected_id is not None
        return self._expected_id

    def get_head(self) -> BlockRef:
        """The newest block."""
        return self.get_header("latest").block

    def get_finalized(self) -> BlockRef | None:
        """The newest block that cannot be reorganised; None where the chain has no such notion (yet)."""
        try:
            return self.get_header("finalized").block
        except (BlockNotFound, UnreachableError) as error:
            if isinstance(error, UnreachableError) and not isinstance(error.__cause__, Web3Exception):
                raise
            return None

    def get_header(self, block: int | str | bytes) -> Header:
        """A block by number, hash or tag. Raises BlockNotFound."""
        with translated(f"block {block.hex() if isinstance(block, bytes) else block}"):
            found = self.w3.eth.get_block(block)  # type: ignore[arg-type]
        ref = BlockRef(found["number"], bytes(found["hash"]), found["timestamp"])
        return Header(ref, bytes(found["parentHash"]), found.get("baseFeePerGas", 0))

    def get_balance(self, address: str) -> int:
        """Balance of an account at the newest block, in wei."""
        with translated("a balance"):
            return self.w3.eth.get_balance(Web3.to_checksum_address(address))

    def get_nonce(self, address: str, block: str = "latest") -> int:
        """Number of an account's transactions at the newest block, or "pending" with those that wait."""
        with translated("a nonce"):
            return self.w3.eth.get_transaction_count(Web3.to_checksum_address(address), block)  # type: ignore[arg-type]

    def get_priority_fee(self) -> int:
        """Tip that the node advises, in wei for one unit of gas; 0 where it advises none."""
        answer = self.provider.make_request(RPCEndpoint("eth_maxPriorityFeePerGas"), [])
        return int(answer["result"], 16) if answer.get("result") else 0

    def get_code(self, address: str) -> bytes:
        """Runtime bytecode at an address."""
        with translated("code"):
            return bytes(self.w3.eth.get_code(Web3.to_checksum_address(address)))

    def get_receipt(self, transaction: bytes) -> Any | None:
        """Receipt of a transaction (web3's form); None while it is not in a block."""
        try:
            with translated("a receipt"):
                return self.w3.eth.get_transaction_receipt(HexStr("0x" + transaction.hex()))
        except (TransactionNotFound, TransactionIndexingInProgress):
            return None

    def is_known(self, transaction: bytes) -> bool:
        """Whether the node holds the transaction, in a block or waiting."""
        try:
            with translated("a transaction"):
                self.w3.eth.get_transaction(HexStr("0x" + transaction.hex()))
        except TransactionNotFound:
            return False
        return True

    def _check_chain(self, ask: Ask) -> None:
        chain_id = int(ask("eth_chainId", []), 16)
        genesis = ask("eth_getBlockByNumber", ["0x0", False])["hash"]
        expected = self._expected_id
        if expected is None:
            self._expected_id = chain_id
        elif chain_id != expected:
            raise WrongNetwork(f"the node is on chain {chain_id}, not on {expected}")
        if self._genesis is None:
            self._genesis = genesis
        elif genesis != self._genesis:
            raise WrongNetwork(
                f"the node has another chain {chain_id}: its first block is {genesis}, not {self._genesis}"
            )


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns what web3 raises into our errors, except "not found", which is an answer."""
    try:
        yield
    except (BlockNotFound, TransactionNotFound, TransactionIndexingInProgress):
        raise
    except Web3Exception as error:
        raise UnreachableError(f"the node does not give {what}: {error}") from error
