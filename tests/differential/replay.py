"""Replays a recorded sequence on the contract and on the Python model, and compares everything after every block."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import function_abi_to_4byte_selector, function_signature_to_4byte_selector

from tests.differential.anvil import Anvil
from tests.differential.census import Census
from tests.differential.operations import ACTORS, OWNER, Sequence, Step, account, recipient, split_blocks
from tests.differential.scene import Scene
from tests.differential.words import UINT64_MAX, Ghost, Words
from trainer.chain.events import EventDecoder
from trainer.chain.reverts import decode_revert
from trainer.protocol.contract import Revert
from trainer.protocol.events import Claimed, FormerWithdrawn, Swept, Withdrawn
from trainer.protocol.phases import stretched
from trainer.protocol.step import Schedule
from trainer.protocol.types import NO_END, Event

GAS = 12_000_000  # an overturn of 256 seats, or an answer for sixteen
DEPLOYMENT_GAS = 16_000_000

READ = "read(address,(uint32[],uint32[],uint8[],bytes32[],address[],uint32[2][],uint32[3][]))"
READ_TYPES = ["address", "(uint32[],uint32[],uint8[],bytes32[],address[],uint32[2][],uint32[3][])"]
PEEK_TYPES = ["(uint32,uint32,address)[]", "uint256[2][]", "address[]", "bytes32[]"]
PEEK = f"peek({','.join(PEEK_TYPES)})"
READ_PHASE = "readPhase(address)"


class Mismatch(AssertionError):
    """Contract and model differ."""


class Replayer:
    """Replays sequences on one anvil: each on a fresh contract. lens: creation code of Lens.sol; peek: what Peek.sol
    is once deployed.
    """

    def __init__(self, anvil: Anvil, abi: list[Any], creation: bytes, lens: bytes, peek: bytes) -> None:
        self.anvil = anvil
        self.peek = peek
        self.census = Census()
        self.replayed = 0
        self._abi = abi
        self._creation = creation
        self._functions = {item["name"]: item for item in abi if item["type"] == "function"}
        self._selectors = {name: function_abi_to_4byte_selector(item) for name, item in self._functions.items()}
        self._errors = [item for item in abi if item["type"] == "error"]
        self._decoder = EventDecoder(abi)
        self._hashes: dict[int, bytes] = {}
        self.chain_id = int(anvil.call("eth_chainId"), 16)
        for index in range(ACTORS):
            anvil.call("anvil_setBalance", account(index), hex(10**24))
        self.lens = self._deploy(lens)
        self.mine(300, anvil.get_block("latest")[2])  # so that blocks older than 256 exist

    # ------------------------------------------------------------------ chain

    def mine(self, count: int, time: int) -> None:
        """Empty blocks, all at one time."""
        for _ in range(count):
            self.anvil.call("evm_mine", time)  # anvil_mine may take the times of its own clock

    def get_hash(self, number: int) -> bytes:
        """Hash of a block."""
        if number not in self._hashes:
            self._hashes[number] = self.anvil.get_block(number)[1]
        return self._hashes[number]

    def encode_call(self, method: str, args: list[Any]) -> str:
        """Calldata of one of the contract's functions."""
        types = [_abi_type(value) for value in self._functions[method]["inputs"]]
        return "0x" + (self._selectors[method] + encode(types, args)).hex()

    def view(self, address: str, method: str, *args: Any) -> Any:
        """The one result of a view."""
        data = self.anvil.call("eth_call", {"to": address, "data": self.encode_call(method, list(args))}, "latest")
        types = [_abi_type(value) for value in self._functions[method]["outputs"]]
        return decode(types, bytes.fromhex(data[2:]))[0]

    def deploy(self, parameters: object) -> str:
        """A fresh contract. Raises Revert."""
        constructor = next(item for item in self._abi if item["type"] == "constructor")
        types = [_abi_type(value) for value in constructor["inputs"]]
        return self._deploy(self._creation + encode(types, [astuple(parameters)]))  # type: ignore[call-overload]

    def _deploy(self, creation: bytes) -> str:
        transaction = {"from": account(OWNER), "data": "0x" + creation.hex(), "gas": hex(DEPLOYMENT_GAS)}
        sent = self.anvil.call("eth_sendTransaction", transaction)
        self.anvil.call("evm_mine", self.anvil.get_block("latest")[2])
        receipt = self.anvil.call("eth_getTransactionReceipt", sent)
        if receipt["status"] != "0x1":
            raise self.get_revert(sent)
        return str(receipt["contractAddress"])

    def get_revert(self, transaction: str) -> Revert:
        """What a failed transaction reverted with."""
        trace = self.anvil.call("debug_traceTransaction", transaction, {"tracer": "callTracer"})
        error = decode_revert(self._errors, bytes.fromhex(trace.get("output", "0x")[2:]))
        return Revert(error.name, *error.args_)

    # ------------------------------------------------------------------ a sequence

    def replay(self, sequence: Sequence) -> None:
        """Plays a sequence on both sides. Raises Mismatch."""
        # Afterwards the chain forgets it: anvil's time for a block grows with all that its state ever held.
        snapshot = self.anvil.call("evm_snapshot")
        self._hashes.clear()
        try:
            self._replay(sequence)
            self.replayed += 1
        finally:
            self.anvil.call("evm_revert", snapshot)

    def _replay(self, sequence: Sequence) -> None:
        parameters = sequence.all_parameters
        address = self.deploy(parameters)
        play = Play(self, Scene(parameters, self.chain_id, address, self.get_hash))
        for index, block in enumerate(split_blocks(sequence.steps)):
            try:
                play.play_block(block)
            except Mismatch as mismatch:
                raise Mismatch(f"{sequence.name}, block {index}, steps {block}: {mismatch}") from mismatch


class Play:
    """One sequence under way."""

    def __init__(self, replayer: Replayer, scene: Scene) -> None:
        self.replayer, self.anvil, self.scene = replayer, replayer.anvil, scene
        self.number, _, self.time = self.anvil.get_block("latest")
        self.ghost = Ghost(scene)
        self.blocks = 0
        scene.started = self.time
        self._check_constants()

    def play_block(self, steps: list[Step]) -> None:
        """Mines one block with these steps in it, and compares."""
        if steps[0].kind == "mine":
            count = steps[0].args[0]
            self.time += steps[0].delay
            self.replayer.mine(count, self.time)
            self.replayer.census.counts["mine"] += 1
            self.number += count
            return
        self.number, self.time, self.blocks = self.number + 1, self.time + steps[0].delay, self.blocks + 1
        # What a step means may depend on those before it in the block: the model goes ahead.
        sent = [(self._send(step), self._apply(step)) for step in steps]
        self.anvil.call("evm_mine", self.time)
        for step, (transaction, expected) in zip(steps, sent, strict=True):
            self._check_step(step, transaction, expected)
        self._check_state(steps)
        self._check_phases()

    def _send(self, step: Step) -> str:
        method, args, value = self.scene.build(step, self.number)
        data = self.replayer.encode_call(method, args)
        return str(
            self.anvil.call(
                "eth_sendTransaction",
                {
                    "from": account(step.args[0]),
                    "to": self.scene.address,
                    "data": data,
                    "value": hex(value),
                    "gas": hex(GAS),
                },
            )
        )

    def _apply(self, step: Step) -> list[Event] | Revert:
        before = self.scene.state.compute_phase(self.time)[0]
        try:
            events = self.ghost.apply(step, self.number, self.time)
        except Revert as revert:
            self.replayer.census.add(self.scene, step, revert.name, before, [])
            return revert
        self.replayer.census.add(self.scene, step, "", before, events)
        return events

    # ------------------------------------------------------------------ comparisons

    def _check_step(self, step: Step, transaction: str, said: list[Event] | Revert) -> None:
        receipt = self.anvil.call("eth_getTransactionReceipt", transaction)
        if int(receipt["blockNumber"], 16) != self.number:
            raise AssertionError(f"mined in block {receipt['blockNumber']}, not {self.number}: the harness is wrong")
        error = said.name if isinstance(said, Revert) else ""
        expected: object = _plain(said) if isinstance(said, Revert) else [_comparable(event) for event in said]
        if receipt["status"] == "0x1":
            logs = [_to_web3(log) for log in receipt["logs"]]
            found: object = [
                _comparable(event) for event in self.replayer._decoder.decode_all(logs, lambda block: self.time)
            ]
        else:
            found = _plain(self.replayer.get_revert(transaction))
        if found != expected:
            raise Mismatch(f"{step}\n  contract {found}\n  model    {expected}")
        if error != step.expected:
            raise Mismatch(f"{step}: both say {error or 'success'!r} now; write the sequences anew if that is meant")
        for event in [] if isinstance(said, Revert) else said:
            if isinstance(event, Withdrawn | FormerWithdrawn | Claimed | Swept):
                self._check_payment(step, event.amount)

    def _check_payment(self, step: Step, amount: int) -> None:
        to = recipient(step.args[-1], self.scene.address)
        found = int(self.anvil.call("eth_getBalance", to, "latest"), 16)
        if found != amount:
            raise Mismatch(f"{to} got {found} wei, not {amount}")

    def _check_constants(self) -> None:
        parameters, address = self.scene.state.parameters, self.scene.address
        heights = range(parameters.total_heights)
        schedule = Schedule(parameters.peak_step, parameters.warmup, parameters.decay, parameters.total_heights)
        found = (
            [self.replayer.view(address, "stepAt", height) for height in heights],
            self.replayer.view(address, "parameters"),
            self.replayer.view(address, "owner"),
            self.replayer.view(address, "runDomain"),
            self.replayer.view(address, "horizon"),
        )
        steps = [schedule.compute_step(height) for height in heights]
        expected = (steps, astuple(parameters), account(OWNER).lower(), self.scene.domains.run, parameters.horizon)
        if found != expected:
            raise Mismatch(f"constants\n  contract {found}\n  model    {expected}")

    def _check_state(self, steps: list[Step]) -> None:
        query = self.ghost.list_query(steps, self.blocks)
        read = function_signature_to_4byte_selector(READ) + encode(READ_TYPES, [self.scene.address, query.lens])
        _compare(self._lens(read), self.ghost.list_words(query, self.number, self.time))
        peek = function_signature_to_4byte_selector(PEEK) + encode(PEEK_TYPES, list(query.peek))
        request = {"to": self.scene.address, "data": "0x" + peek.hex()}
        code = {self.scene.address: {"code": "0x" + self.replayer.peek.hex()}}
        answer = bytes.fromhex(self.anvil.call("eth_call", request, "latest", code)[2:])
        _compare(answer, self.ghost.list_peeked(query))

    def _check_phases(self) -> None:
        """Phase and deadline just before, at and just after every end that the clock knows."""
        clock, p = self.scene.state.clock, self.scene.state.parameters
        if self.blocks % 4 or clock.commit_end == NO_END:
            return
        reveal_end = clock.reveal_end or clock.commit_end + stretched(p.reveal_window, clock.stretch)
        vote_end = reveal_end + stretched(p.vote_window, clock.stretch)
        for time in (clock.commit_end, reveal_end - 1, reveal_end, vote_end - 1, vote_end):
            if time < self.time:
                continue
            call = function_signature_to_4byte_selector(READ_PHASE) + encode(["address"], [self.scene.address])
            data = self._lens(call, {"time": hex(time)})
            phase, end = self.scene.state.compute_phase(time)
            found = (int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big"))
            if found != (phase, UINT64_MAX if end == NO_END else end):
                raise Mismatch(f"at {time}: contract {found}, model {(phase, end)}")

    def _lens(self, call: bytes, block: dict[str, str] | None = None) -> bytes:
        request: dict[str, str] = {"to": self.replayer.lens, "data": "0x" + call.hex()}
        parameters: list[Any] = [request, "latest"] if block is None else [request, "latest", {}, block]
        return bytes.fromhex(self.anvil.call("eth_call", *parameters)[2:])


def _compare(data: bytes, expected: Words) -> None:
    """Words of an answer (after its offset and its length), and those of the model."""
    if data[64:] == b"".join(value.to_bytes(32, "big") for _, value in expected):
        return
    found = [int.from_bytes(data[start : start + 32], "big") for start in range(64, len(data), 32)]
    differing = [
        f"{name}: contract {word:#x}, model {value:#x}"
        for word, (name, value) in zip(found, expected, strict=True)
        if word != value
    ]
    raise Mismatch("; ".join(differing))


def _comparable(event: Event) -> tuple[str, tuple[Any, ...]]:
    values = [getattr(event, field.name) for field in fields(event) if field.name != "block"]
    return type(event).__name__, (event.block.number, event.block.time, *values)


def _plain(revert: Revert) -> tuple[Any, ...]:
    return revert.name, *(value.lower() if isinstance(value, str) else value for value in revert.arguments)


def _to_web3(log: dict[str, Any]) -> dict[str, Any]:
    return {
        "topics": [bytes.fromhex(topic[2:]) for topic in log["topics"]],
        "data": bytes.fromhex(log["data"][2:]),
        "blockHash": bytes.fromhex(log["blockHash"][2:]),
        "blockNumber": int(log["blockNumber"], 16),
        "logIndex": int(log["logIndex"], 16),
        "blockTimestamp": log.get("blockTimestamp"),
    }


def _abi_type(value: dict[str, Any]) -> str:
    kind = str(value["type"])
    if kind.startswith("tuple"):
        return "(" + ",".join(_abi_type(component) for component in value["components"]) + ")" + kind[5:]
    return kind
