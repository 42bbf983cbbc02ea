"""A run on a chain of its own, driven straight through the contract's functions: what the gas benches share."""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_abi import encode
from eth_utils import keccak
from eth_utils.abi import function_signature_to_4byte_selector, get_abi_input_types
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from trainer.chain.artifacts import compile_contract

ROOT = Path(__file__).resolve().parents[2]
RING = 8
WINDOW = 1_000_000  # seconds: no phase of a benchmark ends by its deadline
PARAMETERS: dict[str, Any] = {
    "genesisRoot": b"\x01" * 32,
    "specDigest": b"\x02" * 32,
    "parameterCount": 10_000,
    "commitMin": 2,  # RING * commitMin covers the horizon (3 s) and settleWindow
    "grace": WINDOW,
    "commitCap": WINDOW,
    "revealWindow": WINDOW,
    "voteWindow": WINDOW,
    "challengeWindow": 1,
    "answerWindow": 1,
    "settleWindow": 1,
    "activateDelay": 1,
    "leaveDelay": 1,
    "ring": RING,
    "weightUnit": 10**15,
    "minWeight": 1,
    "peakStep": 1000,
    "warmup": 10,
    "decay": 10,
    "totalHeights": 1000,
    "rewardPerRound": 10**15,
    "checkReward": 10**15,
    "challengeBond": 10**15,
    "invitationOnly": False,
}


@contextmanager
def anvil(accounts: int) -> Iterator[Web3]:
    """A chain of its own on a free port, from the same first second each time."""
    binary = next((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(binary), "--port", str(port), "--hardfork", "osaka", "--accounts", str(accounts), "--silent"]
    process = subprocess.Popen([*command, "--timestamp", "1800000000", "--no-cors", "--max-persisted-states", "0"])
    try:
        w3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}", request_kwargs={"timeout": 60}))
        give_up = time.monotonic() + 30
        while not w3.is_connected():
            if time.monotonic() > give_up:
                raise SystemExit("anvil does not answer")
            time.sleep(0.05)
        w3.provider.make_request(RPCEndpoint("anvil_setBlockTimestampInterval"), [1])
        yield w3
    finally:
        process.terminate()
        process.wait()


class Bench:
    """One run with `seats` seats; `gas[kind]` collects what the counted rounds used."""

    def __init__(self, w3: Web3, seats: int, **changes: Any) -> None:
        self.w3 = w3
        self.random = random.Random(seats)
        self.accounts = w3.eth.accounts[:seats]
        artifact = compile_contract()
        factory = w3.eth.contract(abi=artifact.abi, bytecode=artifact.creation)
        self.parameters = PARAMETERS | changes
        sent = factory.constructor(tuple(self.parameters.values())).transact(
            {"from": self.accounts[0], "gas": 16_000_000}
        )
        receipt = w3.eth.wait_for_transaction_receipt(sent)
        self.sizes = {"TrainingRun": len(artifact.runtime), "Settlement": len(artifact.settlement.runtime)}
        self.deploy_gas = receipt["gasUsed"]
        self.run = w3.eth.contract(address=receipt["contractAddress"], abi=artifact.abi)
        tag = keccak(b"comitia.commitment.v1")
        self.domain = keccak(encode(["bytes32", "uint256", "address"], [tag, w3.eth.chain_id, self.run.address]))
        self.methods: dict[str, tuple[bytes, list[str]]] = {}
        self.round = 0
        self.weights: list[int] = []
        self.gas: dict[str, list[int]] = defaultdict(list)
        self.per_round: dict[str, list[float]] = defaultdict(list)
        self.accepted = 0  # in the last round

    def send(self, method: str, *args: Any, seat: int = 0, value: int = 0) -> int:
        """Sends one transaction; its gas."""
        call = {
            "from": self.accounts[seat],
            "to": self.run.address,
            "data": self.encode(method, args),
            "value": hex(value),
            "gas": hex(16_000_000),
            "gasPrice": hex(10**10),
        }
        # Past web3's middleware, which asks more than once for each.
        sent = self.ask("eth_sendTransaction", call)
        give_up = time.monotonic() + 30
        while (receipt := self.ask("eth_getTransactionReceipt", sent)) is None:
            if time.monotonic() > give_up:
                raise SystemExit(f"{method} in round {self.round} is not mined")
        if receipt["status"] != "0x1":
            raise SystemExit(f"{method} reverted in round {self.round}")
        return int(receipt["gasUsed"], 16)

    def encode(self, method: str, args: Sequence[Any]) -> str:
        """Calldata. web3's own way looks through the whole ABI each time: ten times what the node takes."""
        if method not in self.methods:
            (function,) = (f for f in self.run.abi if f["type"] == "function" and f["name"] == method)
            types = get_abi_input_types(function)
            self.methods[method] = function_signature_to_4byte_selector(f"{method}({','.join(types)})"), types
        selector, types = self.methods[method]
        return "0x" + (selector + encode(types, args)).hex()

    def get_open_round(self) -> int:
        """The round of the contract's clock."""
        call = {"to": self.run.address, "data": self.encode("clock", ())}
        return int(self.ask("eth_call", call, "latest")[2:66], 16)

    def ask(self, method: str, *parameters: Any) -> Any:
        """The result of one request."""
        answer = self.w3.provider.make_request(RPCEndpoint(method), parameters)
        if "error" in answer:
            raise SystemExit(f"{method} in round {self.round}: {answer['error']}")
        return answer["result"]

    def seat_all(self) -> None:
        """Everybody joins and activates; the first round opens."""
        for seat, account in enumerate(self.accounts):
            weight = self.random.randint(100, 255)
            peer = f"/ip4/10.0.0.{seat}/tcp/4001/p2p/12D3KooW" + "x" * 44
            value = weight * self.parameters["weightUnit"]
            self.weights.append(weight)
            self.gas["join"].append(self.send("join", weight, account, self.word(), peer, seat=seat, value=value))
        for seat in range(len(self.accounts)):
            self.gas["activate"].append(self.send("activate", seat, seat=seat))
        self.gas["openRound"].append(self.send("openRound"))

    def play_round(
        self,
        kind: str = "",
        roots: Sequence[bytes] | None = None,
        state_root: bytes | None = None,
    ) -> None:
        """One good round; adds what it cost to `gas` under the methods' names with this prefix, if any. Gradient roots
        and the next state's root may be given; then all seats are accepted.
        """
        self.round = self.get_open_round()
        seats = list(range(len(self.accounts)))
        used: list[tuple[str, int]] = []
        roots = roots or [self.word() for _ in self.accounts]
        for seat in self.shuffled(seats):
            commitment = self.commitment(seat, roots)
            gas = self.send("commit", self.round, seat, *self.anchor(), commitment, self.word(), seat=seat)
            used.append(("commit", gas))
        for seat in self.shuffled(seats):
            gas = self.send("reveal", self.round, seat, roots[seat], self.word(), self.draw(seats, 0.9), seat=seat)
            used.append(("reveal", gas))
        self.accepted = sum(1 << seat for seat in seats) if state_root else self.draw(seats, 0.9) or 1
        outcome = (self.accepted, 0, state_root or self.word())
        vote = "vote, first"
        for seat in self.shuffled(seats):
            gas = self.send("vote", self.round, seat, *self.anchor(), *outcome, seat=seat)
            if vote != "vote, late" and self.get_open_round() != self.round:
                vote = "vote, quorum"
            used.append((vote, gas))
            vote = "vote" if vote in ("vote, first", "vote") else "vote, late"
        if kind:
            for method, gas in used:
                self.gas[kind + method].append(gas)
            self.per_round[kind].append(sum(gas for _, gas in used) / len(seats))

    def commitment(self, seat: int, roots: Sequence[bytes]) -> bytes:
        words = [self.round, seat, int(self.accounts[seat], 16), int.from_bytes(roots[seat])]
        return keccak(self.domain + encode(["uint256"] * 4, words))

    def anchor(self) -> tuple[int, bytes]:
        block = self.ask("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), bytes.fromhex(block["hash"][2:])

    def word(self) -> bytes:
        return self.random.randbytes(32)

    def draw(self, seats: list[int], share: float) -> int:
        """A bitmap with about this share of the seats."""
        return sum(1 << seat for seat in seats if self.random.random() < share)

    def shuffled(self, seats: list[int]) -> list[int]:
        return self.random.sample(seats, len(seats))
