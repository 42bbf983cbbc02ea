"""What became of a transaction, and why it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3.types import RPCEndpoint

from trainer.chain.node import Node
from trainer.chain.reverts import decode_revert, find_revert_data
from trainer.chain.transactions import SignedTransaction
from trainer.errors import TransactionFailed, UnreachableError


@dataclass(frozen=True)
class Receipt:
    """A transaction in a block. `cost` is what gas took from the account, in wei; `contract` the address that a
    creation made.
    """

    transaction: bytes
    is_success: bool
    block: int
    block_hash: bytes
    gas_used: int
    cost: int
    contract: str | None

    @staticmethod
    def of(found: Any) -> Receipt:
        """From web3's form."""
        return Receipt(
            transaction=bytes(found["transactionHash"]),
            is_success=found["status"] == 1,
            block=found["blockNumber"],
            block_hash=bytes(found["blockHash"]),
            gas_used=found["gasUsed"],
            cost=found["gasUsed"] * found["effectiveGasPrice"],
            contract=found.get("contractAddress"),
        )


def simulate(node: Node, abi: Sequence[Any], sender: str, to: str | None, data: bytes, value: int, gas: int) -> None:
    """Tries a transaction in the pending block without sending it. Raises ContractRevert if it would fail; silent where
    the node cannot tell.
    """
    found = _try(node, _fields(sender, to, data, value, gas), "pending")
    if found is not None:
        raise decode_revert(abi, found)


def explain_failure(
    node: Node, abi: Sequence[Any], sender: str, signed: SignedTransaction, receipt: Receipt
) -> TransactionFailed:
    """Why a mined transaction failed."""
    if receipt.gas_used >= signed.gas:
        return TransactionFailed(
            f"the transaction ran out of its {signed.gas} units of gas: the limit in trainer/chain/calls.py is too low"
        )
    data = _trace(node, receipt.transaction)
    # Nodes without traces: the call again on the state after its block and, if others in that block changed the
    # picture, on the one before.
    for block in (receipt.block, receipt.block - 1):
        if data is None:
            data = _try(node, _fields(sender, signed.to, signed.data, signed.value, signed.gas), hex(block))
    return decode_revert(abi, data or b"")


def _trace(node: Node, transaction: bytes) -> bytes | None:
    tracer = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
    try:
        answer = node.provider.make_request(RPCEndpoint("debug_traceTransaction"), ["0x" + transaction.hex(), tracer])
    except UnreachableError:
        return None  # some nodes close the connection on a method that they do not offer
    result = answer.get("result")
    output = result.get("output") if isinstance(result, dict) and result.get("error") else None
    return None if output is None else find_revert_data(output)


def _try(node: Node, fields: dict[str, str], block: str) -> bytes | None:
    answer = node.provider.make_request(RPCEndpoint("eth_call"), [fields, block])
    return find_revert_data(answer.get("error"))


def _fields(sender: str, to: str | None, data: bytes, value: int, gas: int) -> dict[str, str]:
    fields = {"from": sender, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(gas)}
    return fields if to is None else fields | {"to": to}
