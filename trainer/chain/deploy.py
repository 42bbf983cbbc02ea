"""Puts a run's contract on a chain."""

from __future__ import annotations

from dataclasses import astuple

from hexbytes import HexBytes

from trainer.chain.artifacts import Artifact
from trainer.chain.deployment import Deployment
from trainer.chain.node import Node
from trainer.chain.receipts import simulate
from trainer.chain.sender import Sender
from trainer.errors import TransactionFailed
from trainer.protocol.types import Parameters

# Two contracts of up to 24 kB of code at 200 gas a byte, 43 kB of calldata, and the constructors; chains allow 16.7
# million in one transaction (EIP-7825).
DEPLOY_GAS = 16_000_000


def deploy(sender: Sender, artifact: Artifact, parameters: Parameters, name: str, timeout: float) -> Deployment:
    """Creates the contract, whose owner is the sender's account, and waits up to `timeout` seconds for it. Returns the
    deployment, not yet saved.

    Raises ContractRevert BadParameter, before anything is sent, for parameters out of bounds; TransactionFailed,
    UnreachableError.
    """
    node: Node = sender.node
    factory = node.w3.eth.contract(abi=artifact.abi, bytecode=artifact.creation)
    data = bytes(HexBytes(factory.constructor(astuple(parameters)).data_in_transaction))
    simulate(node, artifact.abi, sender.address, None, data, 0, DEPLOY_GAS)
    receipt = sender.wait(sender.sign_raw(None, data, 0, DEPLOY_GAS), timeout)
    if receipt.contract is None or not artifact.is_same(node.get_code(receipt.contract)):
        raise TransactionFailed(f"the node made no contract with our code in transaction 0x{receipt.transaction.hex()}")
    return Deployment(
        name=name,
        chain_id=node.chain_id,
        address=receipt.contract,
        block=receipt.block,
        owner=sender.address,
        parameters=parameters,
        abi=artifact.abi,
        code_digest=artifact.digest,
        immutables=artifact.immutables,
        settlement_digest=artifact.settlement.digest,
        settlement_immutables=artifact.settlement.immutables,
        compiler=artifact.compiler,
        compiler_input=f"{name}.input.json",
        metadata=artifact.metadata,
    )
