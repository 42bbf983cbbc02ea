"""A run from its address alone: what an auditor needs who was given an RPC address and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from trainer.chain.artifacts import compile_contract
from trainer.chain.client import RunClient
from trainer.chain.deployment import Deployment
from trainer.chain.immutables import verify_immutables
from trainer.chain.node import Node
from trainer.errors import WrongNetwork
from trainer.protocol.types import Parameters


def discover_deployment(urls: Sequence[str], address: str) -> Deployment:
    """The deployment at an address: code compared with this package's own sources, parameters and first block read from
    the chain.

    Raises WrongNetwork if the code is not that of this package's contract; UnreachableError.
    """
    node = Node(urls)
    artifact = compile_contract()
    address = str(node.w3.to_checksum_address(address))
    code = node.get_code(address)
    if not code:
        raise WrongNetwork(f"there is no contract at {address} on chain {node.chain_id}")
    if not artifact.is_same(code):
        raise WrongNetwork(
            f"the contract at {address} is not compiled from this version's sources: audit it with the version that "
            f"deployed it"
        )
    nothing = Parameters(**{field.name: 0 for field in fields(Parameters)})  # type: ignore[arg-type]
    found = Deployment(
        name=address,
        chain_id=node.chain_id,
        address=address,
        block=_find_first_block(node, address),
        owner="",
        parameters=nothing,
        abi=artifact.abi,
        code_digest=artifact.digest,
        immutables=artifact.immutables,
        settlement_digest=artifact.settlement.digest,
        settlement_immutables=artifact.settlement.immutables,
        compiler=artifact.compiler,
        compiler_input="",
        metadata=artifact.metadata,
    )
    client = RunClient(urls, found)
    client.verify_settlement()
    parameters = client.get_parameters()
    verify_immutables(client, artifact, parameters)
    return replace(found, parameters=parameters, owner=client.get_owner())


def _find_first_block(node: Node, address: str) -> int:
    """First block with code at the address, by bisection; 0 where the node keeps no old states (then every block is
    read).
    """
    low, high = 0, node.get_head().number
    while low < high:
        middle = (low + high) // 2
        try:
            is_there = bool(node.w3.eth.get_code(node.w3.to_checksum_address(address), middle))
        except Exception:  # noqa: BLE001 - nodes refuse old states in many ways; reading from block 0 is always right
            return 0
        low, high = (low, middle) if is_there else (middle + 1, high)
    return low
