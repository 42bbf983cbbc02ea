"""Signed EIP-1559 transactions as values that a journal can hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from trainer.errors import TransactionFailed
from trainer.keys import OperatorKey


@dataclass(frozen=True)
class SignedTransaction:
    """A signed transaction: `raw` is what goes to the nodes, the rest is read from it. Fees in wei for one unit of gas,
    `value` in wei.
    """

    raw: bytes = field(repr=False)
    hash: bytes
    nonce: int
    to: str | None
    data: bytes = field(repr=False)
    value: int
    gas: int
    priority: int
    fee: int

    @property
    def worst_cost(self) -> int:
        """The most that it can take from the account, in wei."""
        return self.value + self.gas * self.fee

    @staticmethod
    def from_raw(raw: bytes) -> SignedTransaction:
        """Reads a transaction back from its bytes. Raises TransactionFailed for anything else than a signed EIP-1559
        transaction.
        """
        try:
            found = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
            to = bytes(found["to"])
            return SignedTransaction(
                raw=bytes(raw),
                hash=bytes(keccak(raw)),
                nonce=int(found["nonce"]),
                to=str(to_checksum_address(to)) if to else None,
                data=bytes(found["data"]),
                value=int(found["value"]),
                gas=int(found["gas"]),
                priority=int(found["maxPriorityFeePerGas"]),
                fee=int(found["maxFeePerGas"]),
            )
        except Exception as error:  # noqa: BLE001 - a decoder of foreign bytes fails in many ways
            raise TransactionFailed(f"the journal holds no EIP-1559 transaction: {type(error).__name__}") from None


def sign_transaction(
    key: OperatorKey,
    chain_id: int,
    nonce: int,
    to: str | None,
    data: bytes,
    value: int,
    gas: int,
    priority: int,
    fee: int,
) -> SignedTransaction:
    """Signs an EIP-1559 transaction; `to` None creates a contract."""
    fields = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": to or "",
        "data": data,
        "value": value,
        "gas": gas,
        "maxPriorityFeePerGas": priority,
        "maxFeePerGas": fee,
    }
    raw, digest = key.sign_transaction(fields)
    return SignedTransaction(raw, digest, nonce, to, data, value, gas, priority, fee)


def bump(amount: int, percent: int) -> int:
    """`percent` of an amount, rounded up: nodes compare with theirs rounded down."""
    return -(-amount * percent // 100)
