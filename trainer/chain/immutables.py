"""Whether the values that a contract's constructor wrote into its code are those of the parameters that it tells.

`parameters()` reads storage, and a forged creation could put others into the code that rules: a shorter horizon, say.
So the node runs our own creation with the told parameters, without sending it, and the code that comes out must be the
code on chain.
"""

from __future__ import annotations

from dataclasses import astuple

from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from trainer.chain.artifacts import Artifact, Spans
from trainer.chain.client import RunClient
from trainer.chain.node import Node, translated
from trainer.errors import UnreachableError, WrongNetwork
from trainer.protocol.messages import Domains
from trainer.protocol.types import Parameters

CREATION_GAS = 16_000_000


def verify_immutables(client: RunClient, artifact: Artifact, parameters: Parameters) -> None:
    """Raises WrongNetwork where the code of the run, or of what it executes, has other values in it; UnreachableError
    where the node does not run creations.
    """
    owner, settlement = client.get_owner(), client.get_settlement()
    kind = next(item["inputs"][0] for item in artifact.abi if item["type"] == "constructor")
    arguments = encode([collapse_if_tuple(kind)], [astuple(parameters)])
    made = _create(client.node, owner, artifact.creation + arguments)
    there = compute_created(owner, client.node.get_nonce(owner))
    mine, theirs = Domains.of(client.node.chain_id, there), client.domains
    values = {
        mine.run: theirs.run,
        mine.commitment: theirs.commitment,
        mine.outcome: theirs.outcome,
        _word(compute_created(there, 1)): _word(settlement),
    }
    if mine.run not in {made[start : start + length] for start, length in artifact.immutables}:
        raise UnreachableError("the node does not run a creation as a call: ask another one")
    if _replace(made, artifact.immutables, values) != client.node.get_code(client.address):
        raise WrongNetwork(f"the code at {client.address} has other values in it than the parameters that it tells")
    # What it executes is created by the run, and depends on no address of its own.
    arguments = encode([collapse_if_tuple(kind), "address"], [astuple(parameters), owner])
    if _create(client.node, client.address, artifact.settlement.creation + arguments) != client.node.get_code(
        settlement
    ):
        raise WrongNetwork(f"the code at {settlement} has other values in it than the parameters that the run tells")


def _create(node: Node, sender: str, data: bytes) -> bytes:
    with translated("a creation that is not sent"):
        return bytes(
            node.w3.eth.call({"from": to_checksum_address(sender), "data": HexBytes(data), "gas": CREATION_GAS})
        )


def compute_created(creator: str, nonce: int) -> str:
    """Address of the contract that an account creates with a nonce (CREATE)."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    item = number if len(number) == 1 and nonce < 0x80 else bytes([0x80 + len(number)]) + number
    payload = b"\x94" + bytes.fromhex(creator[2:]) + item
    return str(to_checksum_address(keccak(bytes([0xC0 + len(payload)]) + payload)[12:]))


def _word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def _replace(code: bytes, spans: Spans, values: dict[bytes, bytes]) -> bytes:
    """Code with the values of some immutables replaced by others."""
    changed = bytearray(code)
    for start, length in spans:
        word = code[start : start + length]
        changed[start : start + length] = values.get(word, word)
    return bytes(changed)
