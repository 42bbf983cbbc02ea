"""Logs to the frozen dataclasses of `protocol/events.py`: the only home of event layouts.

Decoded with eth_abi, not with web3's own decoder: a peer address is any bytes that a stranger chose, and strict UTF-8
would stop every worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from keyword import iskeyword
from typing import Any

import requests
from eth_abi.abi import decode
from eth_typing import BlockNumber
from eth_utils.abi import event_abi_to_log_topic
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import Web3RPCError

from trainer.chain.node import translated
from trainer.errors import UnreachableError
from trainer.protocol.events import EVENTS
from trainer.protocol.types import BlockRef, Event

MAX_RANGE = 2_000  # blocks in one query: what public nodes allow
REFUSALS = (requests.Timeout, requests.HTTPError)

TimeOf = Callable[[bytes], int]  # block hash -> seconds of chain time


class EventDecoder:
    """Decodes the logs of one contract. Logs of events that the ABI or this package does not know are passed over."""

    def __init__(self, abi: Sequence[Any]) -> None:
        classes = {cls.__name__: cls for cls in EVENTS}
        self._layouts = {
            bytes(event_abi_to_log_topic(item)): (classes[item["name"]], item["inputs"])
            for item in abi
            if item["type"] == "event" and item["name"] in classes
        }

    def decode(self, log: Any, time_of: TimeOf) -> Event | None:
        """One log in web3's form; None for an unknown event."""
        topics = [bytes(topic) for topic in log["topics"]]
        if not topics or topics[0] not in self._layouts:
            return None
        cls, inputs = self._layouts[topics[0]]
        plain = [value for value in inputs if not value["indexed"]]
        # A string's encoding is that of bytes; read as such, it cannot fail.
        values = decode([value["type"].replace("string", "bytes") for value in plain], bytes(log["data"]))
        fields = {value["name"]: _convert(value["type"], raw) for value, raw in zip(plain, values, strict=True)}
        for value, topic in zip((value for value in inputs if value["indexed"]), topics[1:], strict=True):
            fields[value["name"]] = _convert(value["type"], decode([value["type"]], topic)[0])
        block = bytes(log["blockHash"])
        stamp = log.get("blockTimestamp")  # newer nodes put it into the log, which saves a request
        if stamp is None:
            time = time_of(block)
        else:
            time = int(stamp, 16) if isinstance(stamp, str) else int(stamp)
        return cls(
            block=BlockRef(log["blockNumber"], block, time), **{snake(name): value for name, value in fields.items()}
        )

    def decode_all(self, logs: Iterable[Any], time_of: TimeOf) -> list[Event]:
        """Logs in the order of the chain, whatever the order in which they came."""
        ordered = sorted(
            (log for log in logs if not log.get("removed")), key=lambda log: (log["blockNumber"], log["logIndex"])
        )
        cached = cache(time_of)
        return [event for event in (self.decode(log, cached) for log in ordered) if event is not None]


def get_logs(w3: Web3, address: str, from_block: int, to_block: int) -> list[Any]:
    """Logs of a contract in the blocks from_block .. to_block, in ranges of at most 2,000 blocks that are halved when a
    node refuses one.
    """
    contract = to_checksum_address(address)
    logs: list[Any] = []
    start, size = from_block, MAX_RANGE
    while start <= to_block:
        end = min(start + size - 1, to_block)
        try:
            found = w3.eth.get_logs({"address": contract, "fromBlock": BlockNumber(start), "toBlock": BlockNumber(end)})
        except (Web3RPCError, UnreachableError) as error:
            # A node that is away is away for half of the range too; one that refuses or takes too long may not be.
            if isinstance(error, UnreachableError) and not isinstance(error.__cause__, REFUSALS):
                raise
            if end == start:
                raise UnreachableError(f"the node does not give the logs of block {start}: {error}") from error
            size = (end - start + 1) // 2
            continue
        logs += found
        start = end + 1
    return logs


def get_block_logs(w3: Web3, address: str, block: bytes) -> list[Any]:
    """Logs of a contract in one block, named by its hash: never those of another fork."""
    with translated(f"the logs of block 0x{block.hex()}"):
        return list(w3.eth.get_logs({"address": to_checksum_address(address), "blockHash": HexBytes(block)}))


def snake(name: str) -> str:
    """`newStateRoot` -> `new_state_root`; `from`, which Python keeps for itself, -> `from_`."""
    found = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
    return f"{found}_" if iskeyword(found) else found


def _convert(kind: str, value: Any) -> Any:
    if kind == "string":
        return value.decode("utf-8", "replace")
    if kind == "address":
        return str(to_checksum_address(value))
    return value
