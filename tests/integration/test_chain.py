"""The chain floor against a real EVM node. Time and blocks move only when a test says so: nothing here waits for a
clock.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector
from web3.exceptions import Web3RPCError

from trainer.chain import artifacts, calls, events, receipts
from trainer.chain import feed as feeds
from trainer.chain.client import RunClient
from trainer.chain.deploy import deploy
from trainer.chain.deployment import Deployment, find_deployment
from trainer.chain.devnet import Anvil
from trainer.chain.discovery import discover_deployment
from trainer.chain.events import get_logs, snake
from trainer.chain.feed import EventFeed
from trainer.chain.node import Node
from trainer.chain.sender import FeePolicy, Sender
from trainer.chain.transactions import SignedTransaction
from trainer.errors import (
    REVERTS,
    ContractRevert,
    NonceUsed,
    TransactionFailed,
    Underpriced,
    UnreachableError,
    UsageError,
    WrongNetwork,
)
from trainer.keys import OperatorKey
from trainer.protocol.events import EVENTS, Joined, RoundFinal, RoundOpened
from trainer.protocol.messages import compute_commitment
from trainer.protocol.types import Parameters, Phase

pytestmark = pytest.mark.anvil

ROOT = Path(__file__).resolve().parents[2]
UNIT = 10**15
PARAMETERS = Parameters(
    genesis_root=b"\x01" * 32,
    spec_digest=b"\x02" * 32,
    parameter_count=5_000,
    commit_min=20,
    grace=5,
    commit_cap=60,
    reveal_window=20,
    vote_window=60,
    challenge_window=20,
    answer_window=20,
    settle_window=20,
    activate_delay=1,
    leave_delay=10,
    ring=16,
    weight_unit=UNIT,
    min_weight=1,
    peak_step=4_000,
    warmup=1,
    decay=1,
    total_heights=100,
    reward_per_round=8_000,
    check_reward=64_000,
    challenge_bond=10 * UNIT,
    invitation_only=False,
)


class Chain(Anvil):
    """A node that makes a block for each transaction, until it is told to stop."""

    def __init__(self, directory: Path, timestamp: int | None = None) -> None:
        super().__init__(directory / "anvil.log", block_time=None, timestamp=timestamp)
        self.start()
        self.node = Node([self.url])

    def fund(self, key: OperatorKey) -> OperatorKey:
        """Gives an account 1,000 coins."""
        self.set_balance(key.address, 10**21)
        return key


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    try:
        chain = Chain(tmp_path_factory.mktemp("anvil"))
    except UsageError as error:
        pytest.skip(str(error))
    with chain:
        yield chain


@pytest.fixture
def anvil(shared: Chain) -> Iterator[Chain]:
    """The module's node, as it was before the test."""
    snapshot = shared.snapshot()
    yield shared
    shared.revert(snapshot)
    shared.call("anvil_dropAllTransactions")
    shared.set_automine(True)


@pytest.fixture(scope="module")
def artifact() -> artifacts.Artifact:
    return artifacts.compile_contract()


def make_key(name: str) -> OperatorKey:
    return OperatorKey(sha256(name.encode()).digest())


@pytest.fixture(scope="module")
def deployment(shared: Chain, artifact: artifacts.Artifact) -> Deployment:
    sender = Sender(shared.node, shared.fund(make_key("owner")))
    return deploy(sender, artifact, PARAMETERS, "test", timeout=20)


@pytest.fixture
def client(anvil: Chain, deployment: Deployment) -> RunClient:
    return RunClient([anvil.url], deployment)


@pytest.fixture
def sender(anvil: Chain, client: RunClient) -> Sender:
    return Sender(client, anvil.fund(make_key("alice")))


def send(sender: Sender, call: calls.Call) -> receipts.Receipt:
    return sender.send_and_wait(call, timeout=20, poll=0.01)


def join(sender: Sender, weight: int = 1, peer: str = "/ip4/1.2.3.4/tcp/4001") -> receipts.Receipt:
    return send(sender, calls.join(weight, sender.address, b"\x07" * 32, peer, weight * UNIT))


def mined(sender: Sender, signed: SignedTransaction) -> receipts.Receipt:
    """The receipt; even without an interval anvil answers a send before its block is made."""
    until(lambda: sender.get_receipt(signed))
    receipt = sender.get_receipt(signed)
    assert receipt is not None
    return receipt


def until(is_so: Callable[[], object], timeout: float = 20) -> None:
    """Waits for what another thread or process is about to do."""
    end = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


# ---------------------------------------------------------------------- artifacts and deployments


@pytest.mark.slow
def test_bytecode_equals_hardhat(artifact: artifacts.Artifact, tmp_path: Path) -> None:
    """Byte for byte, the metadata's hash included."""
    theirs = find_hardhat_output(ROOT, artifact) or build_with_hardhat(tmp_path, artifact)
    assert theirs["evm"]["bytecode"]["object"] == artifact.creation.hex()
    assert theirs["evm"]["deployedBytecode"]["object"] == artifact.runtime.hex()
    assert theirs["abi"] == artifact.abi


def find_hardhat_output(root: Path, artifact: artifacts.Artifact) -> Any | None:
    """What Hardhat compiled from the very sources that we did (coverage leaves instrumented ones), if it has yet."""
    described = root / "artifacts/contracts/TrainingRun.sol/TrainingRun.json"
    if not described.is_file():
        return None
    info = root / "artifacts/build-info" / json.loads(described.read_text())["buildInfoId"]
    if (
        json.loads(info.with_name(info.name + ".json").read_text())["input"]["sources"]
        != artifact.compiler_input["sources"]
    ):
        return None
    output = json.loads(info.with_name(info.name + ".output.json").read_text())["output"]
    return output["contracts"]["project/contracts/TrainingRun.sol"]["TrainingRun"]


def build_with_hardhat(root: Path, artifact: artifacts.Artifact) -> Any:
    """Compiles in a directory of its own: other processes may be using the checkout's artifacts."""
    if not (ROOT / "node_modules" / "hardhat").is_dir():
        pytest.skip("no Hardhat in node_modules: run scripts/setup")
    shutil.copytree(ROOT / "contracts", root / "contracts")
    for name in ("package.json", "hardhat.config.js"):
        shutil.copy(ROOT / name, root)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    command = [ROOT / ".venv/bin/node", "node_modules/hardhat/dist/src/cli.js", "build", "--quiet"]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=300)
    return find_hardhat_output(root, artifact)


def test_sources_are_named_without_this_machine(artifact: artifacts.Artifact) -> None:
    assert all(name.startswith("project/contracts/") for name in artifact.compiler_input["sources"])
    assert str(ROOT) not in json.dumps(artifact.compiler_input) + artifact.metadata


def test_code_is_compared_without_the_immutables(
    anvil: Chain, deployment: Deployment, artifact: artifacts.Artifact
) -> None:
    code = anvil.node.get_code(deployment.address)
    start = artifact.immutables[0][0]
    assert code != artifact.runtime
    for changed, is_same in ((code, True), (_flip(code, start), True), (_flip(code, 10), False), (code + b"\0", False)):
        assert artifact.is_same(changed) is is_same
        assert deployment.is_code(changed) is is_same


def test_what_the_contract_executes_is_compared_too(
    client: RunClient, deployment: Deployment, artifact: artifacts.Artifact
) -> None:
    client.verify()
    changed = replace(deployment, settlement_digest=bytes(32))
    with pytest.raises(WrongNetwork, match="executes other code"):
        RunClient([client.node.provider.urls[0]], changed).verify()


def test_an_address_tells_all_of_a_run(anvil: Chain, deployment: Deployment) -> None:
    found = discover_deployment([anvil.url], deployment.address)
    assert replace(found, name="test", compiler_input=deployment.compiler_input) == deployment


@pytest.mark.parametrize("is_settlement", [False, True])
def test_a_forged_immutable_is_found(
    anvil: Chain, client: RunClient, artifact: artifacts.Artifact, is_settlement: bool
) -> None:
    """A creation of somebody's own could put a horizon of nothing into the code, and tell another in `parameters()`."""
    address = client.get_settlement() if is_settlement else client.address
    code, horizon = anvil.node.get_code(address), PARAMETERS.horizon.to_bytes(32, "big")
    spans = (artifact.settlement if is_settlement else artifact).immutables
    start = next(start for start, length in spans if code[start : start + length] == horizon)
    anvil.call("anvil_setCode", address, "0x" + (code[:start] + bytes(32) + code[start + 32 :]).hex())
    client.verify()  # as it may be for who has the run's file from whom it trusts
    with pytest.raises(WrongNetwork, match="other values"):
        discover_deployment([anvil.url], client.address)


def _flip(code: bytes, at: int) -> bytes:
    return code[:at] + bytes([code[at] ^ 1]) + code[at + 1 :]


def test_deployment_survives_its_file(deployment: Deployment, artifact: artifacts.Artifact, tmp_path: Path) -> None:
    path = deployment.save(tmp_path, artifact.compiler_input)
    assert path == tmp_path / "devnet" / "test.json"
    assert Deployment.load(path) == deployment
    assert find_deployment("test", tmp_path) == find_deployment(str(path), tmp_path) == deployment
    assert json.loads((path.parent / deployment.compiler_input).read_text()) == artifact.compiler_input
    with pytest.raises(UsageError, match="there: test"):
        find_deployment("other", tmp_path)
    path.write_text("{}")
    with pytest.raises(UsageError, match="no run's file"):
        Deployment.load(path)


def test_lists_of_errors_and_events_equal_the_contract(artifact: artifacts.Artifact) -> None:
    errors = {item["name"]: item["inputs"] for item in artifact.abi if item["type"] == "error"}
    assert set(REVERTS) == set(errors)
    for name, sentence in REVERTS.items():
        assert all(int(found) < len(errors[name]) for found in re.findall(r"{(\d)}", sentence)), name
    layouts = {item["name"]: item["inputs"] for item in artifact.abi if item["type"] == "event"}
    assert set(layouts) == {cls.__name__ for cls in EVENTS}
    for cls in EVENTS:
        assert ["block", *(snake(value["name"]) for value in layouts[cls.__name__])] == [f.name for f in fields(cls)]


def test_bad_parameters_are_refused_before_anything_is_sent(anvil: Chain, artifact: artifacts.Artifact) -> None:
    sender = Sender(anvil.node, anvil.fund(make_key("poor")))
    with pytest.raises(ContractRevert, match="ring") as caught:
        deploy(sender, artifact, replace(PARAMETERS, ring=2), "bad", timeout=5)
    assert (caught.value.name, caught.value.args_) == ("BadParameter", ("ring",))
    assert anvil.node.get_nonce(sender.address) == 0


# ---------------------------------------------------------------------- reads and a whole round


def test_a_round_in_reads_and_events(anvil: Chain, client: RunClient) -> None:
    """Four seats play a round, the fourth votes otherwise. Reads, events, and the gas table hold what the contract
    says.
    """
    client.verify()
    assert client.get_parameters() == PARAMETERS
    seats = [Sender(client, anvil.fund(make_key(f"seat {index}"))) for index in range(4)]
    used: dict[str, int] = {}

    def play(sender: Sender, call: calls.Call) -> None:
        used[call.method] = max(used.get(call.method, 0), send(sender, call).gas_used)

    for sender in seats:
        play(sender, calls.join(2, sender.address, b"\x07" * 32, "p" * 256, 2 * UNIT))
    anvil.mine(2, seconds=5)
    for index, sender in enumerate(seats):
        play(sender, calls.activate(index))
    assert client.get_seat(3).from_round == 2
    play(seats[0], calls.open_round())
    head = client.get_head()
    assert (client.get_phase(), client.get_clock().base) == (Phase.COMMIT, 8)
    for index, sender in enumerate(seats):
        root = bytes([index]) * 32
        play(
            sender,
            calls.commit(2, index, head, compute_commitment(client.domains, 2, index, sender.address, root), root),
        )
    assert client.get_entry(2, 1).stage == 0
    for index, sender in enumerate(seats):
        play(sender, calls.reveal(2, index, bytes([index]) * 32, b"\x08" * 32, 15))
    assert client.get_entry(2, 1).digest == bytes([1]) * 27
    assert client.get_phase() == Phase.VOTE
    anchor = client.get_head()
    play(seats[3], calls.vote(2, 3, anchor, 15, 0, b"\x0a" * 32))  # the first vote, for what nobody else holds
    for index, sender in enumerate(seats[:3]):
        play(sender, calls.vote(2, index, anchor, 15, 0, b"\x09" * 32))  # dissent that wins, and opens round 3
    ballot = client.get_ballot(2)
    assert ballot.is_final
    assert (ballot.voters, ballot.dissenters, ballot.tally) == (7, 8, 6)
    result = client.get_result(1)
    assert result is not None
    assert (result.root, result.round, result.accepted) == (b"\x09" * 26, 2, 15)
    assert client.get_result(2) is None
    assert client.get_result(0).root == PARAMETERS.genesis_root[:26]  # type: ignore[union-attr]
    assert (client.get_clock().round, client.get_clock(at=anchor).round) == (3, 2)
    assert client.get_roll().seats == 4
    assert client.get_staked() == 8 * UNIT
    play(seats[3], calls.leave(3))
    anvil.mine(2, seconds=100)
    play(seats[3], calls.withdraw(3, seats[3].address))
    found = client.get_events()
    assert [type(event).__name__ for event in found[-5:]] == ["Voted", "RoundFinal", "RoundOpened", "Left", "Withdrawn"]
    assert found[-4] == RoundFinal(found[-4].block, 2, 1, 15, 0, b"\x09" * 32, 7)
    opened = next(event for event in found if isinstance(event, RoundOpened))
    assert opened == RoundOpened(head, 2, 0, 8, 8, 0, 0)
    assert used.keys() <= calls.GAS_LIMITS.keys()
    for method, gas in used.items():
        assert gas * 1.3 <= calls.GAS_LIMITS[method], (method, gas)


def test_a_strangers_peer_address_stops_nobody(sender: Sender, client: RunClient) -> None:
    """The contract takes any bytes for a string; a strict decoder would fail in every worker, for ever."""
    arguments = encode(["uint8", "address", "bytes32", "bytes"], [1, sender.address, b"\x07" * 32, b"\xff\xfe/ip4"])
    data = function_signature_to_4byte_selector("join(uint8,address,bytes32,string)") + arguments
    sender.wait(sender.sign_raw(client.address, data, UNIT, 400_000), timeout=20, poll=0.01)
    (event,) = client.get_events()
    assert isinstance(event, Joined)
    assert event.peer == "\ufffd\ufffd/ip4"


def test_logs_without_a_time_get_that_of_their_block(sender: Sender, client: RunClient) -> None:
    """Older nodes leave it out."""
    join(sender)
    anvil_logs = get_logs(client.node.w3, client.address, client.deployment.block, client.get_head().number)
    bare = [{name: value for name, value in log.items() if name != "blockTimestamp"} for log in anvil_logs]
    assert client.decoder.decode_all(bare, client.get_time) == client.get_events() != []


# ---------------------------------------------------------------------- sending


def test_a_foreseen_revert_costs_nothing(anvil: Chain, sender: Sender) -> None:
    with pytest.raises(ContractRevert) as caught:
        send(sender, calls.join(3, sender.address, b"\x07" * 32, "", UNIT))
    assert (caught.value.name, caught.value.args_) == ("WrongStake", (3 * UNIT,))
    assert str(caught.value) == f"WrongStake: exactly {3 * UNIT} wei of stake must be sent"
    assert anvil.node.get_nonce(sender.address) == 0


@pytest.mark.parametrize("has_traces", [True, False])
def test_a_mined_revert_is_explained(sender: Sender, monkeypatch: pytest.MonkeyPatch, has_traces: bool) -> None:
    if not has_traces:
        monkeypatch.setattr(receipts, "_trace", lambda *_: None)
    signed = sender.sign(calls.open_round())
    sender.broadcast(signed)
    receipt = mined(sender, signed)
    assert not receipt.is_success
    error = sender.explain(signed, receipt)
    assert isinstance(error, ContractRevert)
    assert (error.name, error.args_) == ("TooLittleWeight", (0, 1))
    with pytest.raises(ContractRevert, match="TooLittleWeight"):
        sender.wait(sender.sign(calls.open_round()), timeout=20)


def test_too_low_a_gas_limit_is_said(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(calls.GAS_LIMITS, "join", 60_000)
    signed = sender.sign(calls.join(1, sender.address, b"\x07" * 32, "", UNIT))
    with pytest.raises(TransactionFailed, match="ran out of its 60000 units"):
        sender.wait(signed, timeout=20)


def test_parallel_sends_take_their_nonces_in_order(anvil: Chain, sender: Sender) -> None:
    anvil.set_automine(False)

    def one(value: int) -> SignedTransaction:
        signed = sender.sign_raw(sender.address, b"", value, 21_000)
        sender.broadcast(signed)
        return signed

    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(one, range(32)))
    anvil.mine()
    assert sorted(signed.nonce for signed in sent) == list(range(32))
    found = [sender.get_receipt(signed) for signed in sent]
    assert all(receipt is not None and receipt.is_success for receipt in found)


def test_the_same_bytes_again_change_nothing(anvil: Chain, sender: Sender, client: RunClient) -> None:
    anvil.set_automine(False)
    signed = sender.sign(calls.join(1, sender.address, b"\x07" * 32, "", UNIT))
    sender.broadcast(signed)
    sender.broadcast(signed)  # waiting
    anvil.mine()
    sender.broadcast(signed)  # in a block
    anvil.mine()
    assert len(client.get_events()) == 1


def test_a_restarted_sender_goes_on_after_its_journal(anvil: Chain, sender: Sender, client: RunClient) -> None:
    """Signed and journalled, never broadcast: the new life sends the same bytes and gives their nonce to nothing."""
    anvil.set_automine(False)
    written = sender.sign(calls.join(1, sender.address, b"\x07" * 32, "", UNIT)).raw
    again = Sender(client, sender.key)
    again.adopt(SignedTransaction.from_raw(written))
    later = again.sign_raw(sender.address, b"", 0, 21_000)
    again.broadcast(later)
    assert later.nonce == 1
    assert [signed.raw for signed in again.resend()] == [written, later.raw]
    anvil.mine()
    assert len(client.get_events()) == 1
    with pytest.raises(TransactionFailed, match="journal"):
        SignedTransaction.from_raw(written[:-1])


def test_somebody_else_with_the_same_key_is_noticed(anvil: Chain, sender: Sender, client: RunClient) -> None:
    mine = sender.sign_raw(sender.address, b"", 1, 21_000)
    other = Sender(client, sender.key)
    for value in (2, 3):
        theirs = other.sign_raw(sender.address, b"", value, 21_000)
        other.broadcast(theirs)
        mined(other, theirs)
    with pytest.raises(NonceUsed, match=sender.address):
        sender.broadcast(mine)
    retry = sender.sign_raw(sender.address, b"", 1, 21_000)
    sender.broadcast(retry)
    assert retry.nonce == 2
    assert mined(sender, retry).is_success


def test_a_replacement_takes_the_nonce(anvil: Chain, sender: Sender, client: RunClient) -> None:
    anvil.set_automine(False)
    old = sender.sign(calls.open_round())
    sender.broadcast(old)
    cheap = Sender(client, sender.key, FeePolicy(min_priority=1, max_fee=10**12))
    cheap.adopt(old)
    with pytest.raises(Underpriced):  # without more fees the node keeps the old one
        cheap.broadcast(SignedTransaction.from_raw(_sign_same_fees(sender, old)))
    new = sender.sign(calls.join(1, sender.address, b"\x07" * 32, "", UNIT), replacing=old)
    assert new.nonce == old.nonce
    assert new.fee * 100 >= old.fee * 125
    assert new.priority * 100 >= old.priority * 125
    sender.broadcast(new)
    anvil.mine()
    assert sender.get_receipt(old) is None
    assert len(client.get_events()) == 1
    with pytest.raises(NonceUsed):
        sender.broadcast(old)
    assert sender.sign_raw(sender.address, b"", 0, 21_000).nonce == 1


def _sign_same_fees(sender: Sender, old: SignedTransaction) -> bytes:
    from trainer.chain.transactions import sign_transaction

    values = (old.nonce, old.to, old.data, 1, old.gas, old.priority, old.fee)
    return sign_transaction(sender.key, sender.node.chain_id, *values).raw


def test_a_stuck_command_raises_its_fees(anvil: Chain, sender: Sender, client: RunClient) -> None:
    anvil.set_automine(False)
    call = calls.join(1, sender.address, b"\x07" * 32, "", UNIT)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send, sender, call)
        until(lambda: _pool(anvil, sender))
        first = _pool(anvil, sender)
        fee = int(first["maxFeePerGas"], 16)
        for _ in range(3):
            anvil.call("anvil_setNextBlockBaseFeePerGas", hex(fee + 1))  # out of its reach
            anvil.mine()
        until(lambda: _pool(anvil, sender).get("hash") not in {None, first["hash"]})
        anvil.mine()
        assert waiting.result(20).transaction.hex() != first["hash"][2:]
    assert len(client.get_events()) == 1


def _pool(anvil: Chain, sender: Sender) -> Any:
    content = anvil.call("txpool_content")["pending"]
    mine = {address.lower(): found for address, found in content.items()}.get(sender.address.lower(), {})
    return next(iter(mine.values()), {})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("already known", None),  # geth
        ("AlreadyKnown", None),  # erigon, nethermind
        ("Known transaction", None),  # besu
        ("nonce too low: next nonce 5, tx nonce 0", NonceUsed),
        ("OldNonce", NonceUsed),
        ("replacement transaction underpriced", Underpriced),
        ("transaction underpriced: tip needed 1, tip permitted 0", Underpriced),
        ("insufficient funds for gas * price + value: balance 0, tx cost 1", TransactionFailed),
        ("exceeds block gas limit", TransactionFailed),
    ],
)
def test_what_other_nodes_say_is_understood(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, said: str, expected: type[TransactionFailed] | None
) -> None:
    """Some of them do not show a transaction that waits, so that it cannot be looked up either."""
    signed = sender.sign(calls.open_round())
    answer = {"error": {"code": -32000, "message": said}}
    monkeypatch.setattr(sender.node.provider, "broadcast", lambda *_: [answer])
    if expected is None:
        sender.broadcast(signed)
        return
    with pytest.raises(TransactionFailed) as caught:
        sender.broadcast(signed)
    assert type(caught.value) is expected
    # A nonce that no transaction has is given out again; an underpriced one is for the bump.
    assert sender.sign(calls.open_round()).nonce == (0 if expected is TransactionFailed else 1)


def test_fees_never_pass_the_cap(sender: Sender, client: RunClient) -> None:
    tight = Sender(client, sender.key, FeePolicy(min_priority=10**9, max_fee=10**9))
    with pytest.raises(TransactionFailed, match=r"cap of 1\.00"):
        tight.sign(calls.open_round())


def test_an_empty_purse_is_said_and_the_nonce_comes_back(anvil: Chain, sender: Sender, client: RunClient) -> None:
    anvil.set_balance(sender.address, 10**9)
    with pytest.raises(TransactionFailed, match=rf"{sender.address} has 0\.000000 coins"):
        sender.broadcast(sender.sign(calls.open_round()))
    anvil.fund(sender.key)
    assert sender.sign(calls.open_round()).nonce == 0


# ---------------------------------------------------------------------- following the head


class Counter:
    """Counts the requests of a client by method."""

    def __init__(self, client: RunClient) -> None:
        self.asked: list[str] = []
        provider: Any = client.node.provider
        original = provider._ask

        def count(index: int, method: str, params: Any) -> Any:
            self.asked.append(method)
            return original(index, method, params)

        provider._ask = count


def test_the_feed_is_cheap_when_near_and_when_far(
    anvil: Chain, sender: Sender, client: RunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_RANGE", 100)  # many blocks take anvil seconds to make
    join(sender)
    anvil.mine(210)
    join(sender)
    feed = EventFeed(client, client.deployment.block)
    client.get_head()  # the checks of a fresh connection are not counted
    counter = Counter(client)
    update = feed.poll()
    assert [type(event) for event in update.new] == [Joined, Joined]
    assert (update.dropped, update.is_reorg) == ((), False)
    assert len(counter.asked) <= 6
    for blocks, cost in ((0, 1), (1, 2), (90, 5)):
        if blocks:
            anvil.mine(blocks)
        counter.asked.clear()
        assert feed.poll().new == ()
        assert len(counter.asked) <= cost, (blocks, counter.asked)
    assert feed.events == client.get_events()


def test_the_feed_sees_a_reorganisation_and_the_sender_repairs_it(
    anvil: Chain, sender: Sender, client: RunClient
) -> None:
    feed = EventFeed(client, client.deployment.block)
    join(sender)
    kept = feed.poll().new
    anvil.mine(2)
    feed.poll()
    signed = sender.sign(calls.join(2, sender.address, b"\x06" * 32, "", 2 * UNIT))
    sender.broadcast(signed)
    mined(sender, signed)
    lost = feed.poll().new
    assert len(kept) == len(lost) == 1
    anvil.mine()
    feed.poll()
    anvil.reorganise(3)
    assert sender.get_receipt(signed) is None
    update = feed.poll()
    assert (update.is_reorg, update.dropped, update.new) == (True, lost, ())
    assert feed.events == list(kept)
    assert [again.raw for again in sender.resend()] == [signed.raw]
    mined(sender, signed)
    update = feed.poll()
    assert (update.is_reorg, update.dropped) == (False, ())
    assert [replace(event, block=lost[0].block) for event in update.new] == list(lost)
    assert feed.events == client.get_events()


def test_empty_blocks_that_are_replaced_count_as_a_reorganisation(
    anvil: Chain, sender: Sender, client: RunClient
) -> None:
    """Their hashes may be anchors of transactions."""
    join(sender)
    anvil.mine(3, seconds=7)  # anvil may make the very same empty block again, but for its time
    feed = EventFeed(client, client.deployment.block)
    assert len(feed.poll().new) == 1
    anvil.reorganise(2)
    update = feed.poll()
    assert (update.is_reorg, update.dropped, update.new) == (True, (), ())
    assert not feed.poll().is_reorg


def test_a_next_block_on_another_fork_is_no_next_block(anvil: Chain, sender: Sender, client: RunClient) -> None:
    feed = EventFeed(client, client.deployment.block)
    anvil.mine()
    feed.poll()
    join(sender)
    lost = feed.poll()
    anvil.reorganise(1)
    anvil.mine()
    update = feed.poll()
    assert update.head.number == lost.head.number + 1
    assert (update.is_reorg, update.dropped, update.new, feed.events) == (True, lost.new, (), [])


def test_a_reorganisation_after_catching_up_reads_little_again(
    anvil: Chain, sender: Sender, client: RunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One poll knows of the blocks with events, so the walk back ends at the last of them that is left."""
    join(sender)
    anvil.mine(20)
    join(sender)
    second = client.get_head()
    anvil.mine(3, seconds=7)
    feed = EventFeed(client, client.deployment.block)
    kept = feed.poll().new
    ranges = []
    monkeypatch.setattr(feeds, "get_logs", lambda *a: ranges.append(a[2:]) or get_logs(*a))
    anvil.reorganise(2)
    update = feed.poll()
    assert (update.is_reorg, update.dropped, update.new) == (True, (), ())
    assert ranges == [(second.number + 1, second.number + 3)]
    assert tuple(feed.events) == kept


def test_a_reorganisation_deeper_than_the_trail_drops_only_what_is_gone(
    anvil: Chain, sender: Sender, client: RunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "TRAIL", 1)
    feed = EventFeed(client, client.deployment.block)
    join(sender)
    join(sender)
    kept = feed.poll().new
    join(sender)
    lost = feed.poll().new
    anvil.reorganise(1)
    update = feed.poll()
    assert (update.is_reorg, update.dropped, update.new) == (True, lost, ())
    assert tuple(feed.events) == kept


def test_a_feed_that_forgot_never_guesses(anvil: Chain, sender: Sender, client: RunClient) -> None:
    join(sender)
    feed = EventFeed(client, client.deployment.block)
    safe = feed.poll().head
    feed.forget(safe)
    assert feed.events == []
    join(sender)
    assert len(feed.poll().new) == 1
    anvil.reorganise(1)
    assert len(feed.poll().dropped) == 1
    anvil.reorganise(2)
    with pytest.raises(WrongNetwork, match=f"block {safe.number}, which was taken as safe"):
        feed.poll()


def test_ranges_of_logs_are_halved_when_refused() -> None:
    asked = []

    def refuse(query: Any) -> list[Any]:
        asked.append((query["fromBlock"], query["toBlock"]))
        if query["toBlock"] - query["fromBlock"] >= 300:
            raise Web3RPCError("query returned more than 10000 results")
        return [query["fromBlock"]]

    w3: Any = SimpleNamespace(eth=SimpleNamespace(get_logs=refuse))
    assert get_logs(w3, "0x" + "11" * 20, 5, 1_004) == [5, 255, 505, 755]
    assert asked[:3] == [(5, 1_004), (5, 504), (5, 254)]
    w3.eth.get_logs = lambda query: (_ for _ in ()).throw(Web3RPCError("no logs here"))
    with pytest.raises(UnreachableError, match="logs of block 5: no logs here"):
        get_logs(w3, "0x" + "11" * 20, 5, 1_004)


# ---------------------------------------------------------------------- the right chain, and none


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Another chain of the same id."""
    with Chain(tmp_path_factory.mktemp("stranger"), timestamp=1_700_000_000) as chain:
        yield chain


def test_another_chain_or_contract_is_refused_before_anything_is_sent(
    anvil: Chain, stranger: Chain, deployment: Deployment, client: RunClient
) -> None:
    nowhere = replace(deployment, address="0x" + "11" * 20)
    other_code = replace(deployment, code_digest=b"\0" * 32)
    for wrong, message in (
        (replace(deployment, chain_id=1), "on chain 31337, not on 1"),
        (nowhere, "no contract at 0x1111"),
        (other_code, "other code than the run's file"),
    ):
        sender = Sender(RunClient([anvil.url], wrong), make_key("alice"))
        with pytest.raises(WrongNetwork, match=message):
            sender.sign(calls.open_round())
    with pytest.raises(WrongNetwork, match="other parameters"):
        RunClient([anvil.url], replace(deployment, parameters=replace(PARAMETERS, grace=6))).verify()
    stranger.mine(deployment.block + 1)
    with pytest.raises(WrongNetwork, match="no contract at"):
        RunClient([stranger.url], deployment).get_clock()


def test_the_next_node_answers_and_is_checked(anvil: Chain, stranger: Chain, deployment: Deployment) -> None:
    dead = "http://127.0.0.1:1/secret-access-key"
    both = RunClient([dead, anvil.url], deployment)
    assert both.get_head().number >= deployment.block
    sender = Sender(both, anvil.fund(make_key("alice")))
    join(sender)  # goes to all nodes, of which one is enough
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1 does not answer") as caught:
        RunClient([dead], deployment).get_head()
    assert "secret" not in str(caught.value)
    moved = Node([anvil.url, stranger.url])
    assert moved.chain_id == 31337
    moved.provider.current = 1  # as after a failure of the first
    with pytest.raises(WrongNetwork, match="another chain 31337"):
        moved.get_head()


def test_a_node_that_lags_is_waited_for(anvil: Chain, stranger: Chain, deployment: Deployment) -> None:
    """Its missing code, and its lower head, are no reorganisation and no wrong network."""
    early = replace(deployment, address="0x" + "11" * 20, block=10**6)
    with pytest.raises(UnreachableError, match="behind"):
        RunClient([anvil.url], early).get_clock()
    client = RunClient([anvil.url, anvil.url], deployment)
    feed = EventFeed(client, deployment.block)
    head = feed.poll().head
    provider: Any = client.node.provider
    original = provider._ask

    def lag(index: int, method: str, params: Any) -> Any:
        params = [hex(head.number - 1), *params[1:]] if params[0] == "latest" else params
        return original(index, method, params)

    provider._ask = lag
    provider.current = 1
    with pytest.raises(UnreachableError, match="behind"):
        feed.poll()
    provider._ask = original
    assert feed.poll().head == head


def test_no_answer_and_no_sense_are_unreachable(deployment: Deployment, anvil: Chain) -> None:
    for url in ("ws://127.0.0.1:1", "127.0.0.1:8545", "http://"):
        with pytest.raises(UsageError, match="http"):
            Node([url])
    lost = replace(RunClient([anvil.url], deployment).get_head(), hash=b"\x12" * 32)
    with pytest.raises(UnreachableError, match="does not give clock"):
        RunClient([anvil.url], deployment).get_clock(at=lost)


def test_web3_is_imported_by_no_other_floor() -> None:
    code = "import sys, trainer.keys, trainer.errors; assert not {'web3', 'eth_account'} & set(sys.modules)"
    python = ROOT / ".venv" / "bin" / "python"
    subprocess.run([python, "-c", code], cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
