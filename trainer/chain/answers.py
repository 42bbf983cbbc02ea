"""Reads an answered challenge's path back from the calldata of the transaction that answered it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types
from hexbytes import HexBytes

from trainer.chain.client import RunClient
from trainer.chain.node import translated


def find_new_path(
    client: RunClient, block: bytes, round_id: int, chunk: int, is_right: Callable[[bytes], bool]
) -> bytes | None:
    """`newPath` of the answer for a chunk that was mined in a block.

    Whoever answers may do it through a contract of its own, so any transaction of the block counts that holds such a
    call somewhere. is_right: whether a path leads to the challenged root, since what such a transaction holds proves
    nothing. None if there is none: then the path was computed on chain.
    """
    layout = next(item for item in client.abi if item["type"] == "function" and item["name"] == "answer")
    begin = bytes(function_abi_to_4byte_selector(layout)) + round_id.to_bytes(32, "big") + chunk.to_bytes(32, "big")
    with translated(f"the transactions of block 0x{block.hex()}"):
        found: Any = client.node.w3.eth.get_block(HexBytes(block), full_transactions=True)
    for transaction in found["transactions"]:
        data = bytes(HexBytes(transaction["input"]))
        start = data.find(begin)
        while start >= 0:
            path = _read_path(get_abi_input_types(layout), data[start + 4 :])
            if path is not None and is_right(path):
                return path
            start = data.find(begin, start + 1)
    return None


def _read_path(types: list[str], arguments: bytes) -> bytes | None:
    try:
        return bytes(decode(types, arguments, strict=False)[-1])
    except (DecodingError, OverflowError, ValueError):
        return None
