"""Revert data to our errors, by the ABI. web3's ContractCustomError carries only the bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_signature_to_4byte_selector

from trainer.errors import ContractRevert

ERROR = function_signature_to_4byte_selector("Error(string)")
PANIC = function_signature_to_4byte_selector("Panic(uint256)")


def decode_revert(abi: Sequence[Any], data: bytes) -> ContractRevert:
    """The error that revert data stand for; name "Unknown" with the data in hex where the ABI does not tell."""
    known: dict[bytes, tuple[str, list[str]]] = {ERROR: ("Error", ["string"]), PANIC: ("Panic", ["uint256"])}
    for item in abi:
        if item["type"] == "error":
            types = [value["type"] for value in item["inputs"]]
            known[function_signature_to_4byte_selector(f"{item['name']}({','.join(types)})")] = (item["name"], types)
    try:
        name, types = known[data[:4]]
        return ContractRevert(name, tuple(decode(types, data[4:])))
    except (KeyError, DecodingError, UnicodeDecodeError):
        return ContractRevert("Unknown", ("0x" + data.hex(),) if data else ())


def find_revert_data(error: object) -> bytes | None:
    """Revert data in an RPC error's `data` (a hex string, or one inside an object, as some nodes nest it); None where
    there is none.
    """
    if isinstance(error, dict):
        for key in ("data", "result", "originalError"):
            found = find_revert_data(error.get(key))
            if found is not None:
                return found
    if isinstance(error, str):
        text = error.removeprefix("Reverted ")
        try:
            return bytes.fromhex(text.removeprefix("0x")) if text.startswith("0x") else None
        except ValueError:
            return None
    return None
