"""The devnet: anvil with a chain that is kept, one Kubo daemon per participant, known by one file."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.waiting import is_running, until
from trainer.blobs.kubo import KuboStore
from trainer.chain.devnet import CHAIN_ID, MNEMONIC, Anvil, RpcError, derive_account
from trainer.errors import ComitiaError, LockedError, UnreachableError, UsageError
from trainer.roles.devnet import Devnet, run_devnet

ROOT = Path(__file__).resolve().parents[2]

# ---------------------------------------------------------------------- anvil


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anvil]:
    with Anvil(tmp_path_factory.mktemp("anvil") / "anvil.log", block_time=None) as anvil:
        yield anvil


@pytest.fixture
def anvil(shared: Anvil) -> Iterator[Anvil]:
    """A node whose chain is put back after the test."""
    before = shared.snapshot()
    yield shared
    shared.set_automine(True)
    shared.revert(before)


def send(anvil: Anvil, value: int = 1) -> str:
    sender, receiver = derive_account(0)[0], derive_account(1)[0]
    return str(anvil.call("eth_sendTransaction", {"from": sender, "to": receiver, "value": hex(value)}))


def send_mined(anvil: Anvil, value: int = 1) -> str:
    """With one block for each transaction; the answer comes before the block."""
    sent = send(anvil, value)
    until(lambda: anvil.call("eth_getTransactionReceipt", sent) is not None, "mined")
    return sent


def get_balance(anvil: Anvil, index: int) -> int:
    return int(anvil.call("eth_getBalance", derive_account(index)[0], "latest"), 16)


@pytest.mark.anvil
def test_a_node_as_the_contract_and_the_workers_expect_it(anvil: Anvil) -> None:
    info = anvil.call("anvil_nodeInfo")
    assert info["hardFork"] == "Osaka"
    assert int(anvil.call("eth_chainId"), 16) == CHAIN_ID
    assert anvil.url.startswith("http://127.0.0.1:")
    anvil.mine(10)
    finalized = int(anvil.call("eth_getBlockByNumber", "finalized", False)["number"], 16)
    assert anvil.get_head()[0] - finalized <= 2


@pytest.mark.anvil
def test_accounts_are_those_of_the_public_mnemonic(anvil: Anvil) -> None:
    accounts = [account.lower() for account in anvil.call("eth_accounts")]
    assert [derive_account(index)[0].lower() for index in range(10)] == accounts
    assert derive_account(0)[1].hex() == "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    assert get_balance(anvil, 3) == 10_000 * 10**18
    anvil.set_balance(derive_account(50)[0], 7)
    assert get_balance(anvil, 50) == 7


@pytest.mark.anvil
def test_the_clock_is_the_tests(anvil: Anvil) -> None:
    number, now = anvil.get_head()
    anvil.mine(3, seconds=5)
    assert anvil.get_head()[0] == number + 3
    anvil.set_next_timestamp(now + 1_000)
    anvil.mine()
    assert anvil.get_head() == (number + 4, now + 1_000)
    anvil.advance(500)
    assert now + 1_500 <= anvil.get_head()[1] <= now + 1_505
    with pytest.raises(RpcError, match="evm_setNextBlockTimestamp"):
        anvil.set_next_timestamp(now)


@pytest.mark.anvil
def test_snapshot_and_revert(anvil: Anvil) -> None:
    head = anvil.get_head()
    snapshot = anvil.snapshot()
    anvil.mine(5)
    anvil.revert(snapshot)
    assert anvil.get_head() == head
    with pytest.raises(RpcError):
        anvil.revert("0xdead")


@pytest.mark.anvil
def test_mining_by_hand_and_by_interval(anvil: Anvil) -> None:
    anvil.set_automine(False)
    number = anvil.get_head()[0]
    sent = send(anvil)
    assert anvil.call("eth_getTransactionReceipt", sent) is None
    anvil.mine()
    assert anvil.call("eth_getTransactionReceipt", sent)["status"] == "0x1"
    assert anvil.get_head()[0] == number + 1
    anvil.set_interval(1)
    until(lambda: anvil.get_head()[0] >= number + 2, "a block by itself")
    anvil.set_interval(0)


@pytest.mark.anvil
def test_a_reorganisation_drops_transactions(anvil: Anvil) -> None:
    anvil.mine()
    before = get_balance(anvil, 1)
    sent = send_mined(anvil, 5)
    anvil.mine()
    old = anvil.call("eth_getBlockByNumber", "latest", False)["hash"]
    assert get_balance(anvil, 1) == before + 5
    anvil.reorganise(2)
    assert anvil.call("eth_getBlockByNumber", "latest", False)["hash"] != old
    assert get_balance(anvil, 1) == before
    assert anvil.call("eth_getTransactionByHash", sent) is None


@pytest.mark.anvil
def test_fractions_of_a_second_between_blocks(tmp_path: Path) -> None:
    with Anvil(tmp_path / "anvil.log", block_time=0.1) as anvil:
        started, first = time.monotonic(), anvil.get_head()[0]
        until(lambda: anvil.get_head()[0] >= first + 10, "ten blocks")
        assert time.monotonic() - started < 5


@pytest.mark.anvil
@pytest.mark.parametrize("stop", ["stop", "kill"])
def test_the_chain_is_kept(tmp_path: Path, stop: str) -> None:
    anvil = Anvil(tmp_path / "anvil.log", state=tmp_path / "chain" / "state.json", block_time=None)
    with anvil:
        sent = send_mined(anvil)
        block = anvil.call("eth_getBlockByNumber", "latest", False)
    with anvil.start():
        assert anvil.call("eth_getBlockByNumber", block["number"], False)["hash"] == block["hash"]
        assert anvil.call("eth_getTransactionReceipt", sent)["status"] == "0x1"
        send_mined(anvil)
        if stop == "kill":
            anvil.kill()
            with pytest.raises(UnreachableError, match="does not answer"):
                anvil.get_head()
    with anvil.start():  # at least what the last clean stop saved
        assert anvil.call("eth_getTransactionReceipt", sent)["status"] == "0x1"
        assert anvil.get_head()[0] >= int(block["number"], 16) + (stop == "stop")


@pytest.mark.anvil
@pytest.mark.parametrize("torn", ["", '{"block": {"number": "0x'])
def test_a_torn_chain_goes_back_to_the_last_whole_one(tmp_path: Path, torn: str) -> None:
    state = tmp_path / "state.json"
    anvil = Anvil(tmp_path / "anvil.log", state=state, block_time=None)
    with anvil:
        anvil.mine(7)
        head = anvil.get_head()
    state.write_text(torn)
    with anvil.start():
        assert anvil.get_head() == head
    assert (tmp_path / "state.json.torn").read_text() == torn


@pytest.mark.anvil
def test_a_wanted_port_is_taken_if_it_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Anvil(tmp_path / "a.log", block_time=None, port=port) as anvil:
            assert not anvil.url.endswith(f":{port}")
    with Anvil(tmp_path / "b.log", block_time=None, port=port) as anvil:
        assert anvil.url == f"http://127.0.0.1:{port}"


@pytest.mark.anvil
def test_a_node_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"block": 7}')
    with pytest.raises(ComitiaError, match=r"anvil ended with [1-9]") as caught:
        Anvil(tmp_path / "anvil.log", state=tmp_path / "state.json").start()
    assert "state.json" in str(caught.value)


# ---------------------------------------------------------------------- the whole

Run = Callable[..., "Running"]


class Running:
    """A devnet in a thread of the test."""

    def __init__(self, home: Path, **options: Any) -> None:
        self._stop = threading.Event()
        self._ready = threading.Event()
        self.devnet: Devnet | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(home,), kwargs=options)
        self._thread.start()
        until(lambda: self._ready.is_set() or not self._thread.is_alive(), "the devnet runs", 60)

    def _run(self, home: Path, **options: Any) -> None:
        try:
            run_devnet(home, on_ready=self._note, stop=self._stop, **options)
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.error = error

    def _note(self, devnet: Devnet) -> None:
        self.devnet = devnet
        self._ready.set()

    def stop(self) -> None:
        self._stop.set()
        self.join()

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def run() -> Iterator[Run]:
    running: list[Running] = []

    def start(home: Path, **options: Any) -> Running:
        running.append(Running(home, **options))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.mark.anvil
@pytest.mark.kubo
def test_a_devnet_is_known_by_its_file_and_kept_over_restarts(tmp_path: Path, run: Run) -> None:
    first = run(tmp_path / "net", nodes=2, block_time=0.2)
    file = tmp_path / "net" / "devnet.json"
    known = json.loads(file.read_text())
    assert known["chain_id"] == CHAIN_ID
    assert known["pid"] == os.getpid()
    assert MNEMONIC in known["mnemonic"]
    assert [node["name"] for node in known["nodes"]] == ["node0", "node1"]
    one, two = (KuboStore(node["api"]) for node in known["nodes"])
    digest = one.put(b"kept", "kept")
    assert two.connect([known["nodes"][0]["peer"]]) == {known["nodes"][0]["peer"]: None}
    assert two.get(digest, 4, time.monotonic() + 10) == b"kept"
    assert first.devnet is not None
    until(lambda: first.devnet.anvil.get_head()[0] > 3, "blocks")  # type: ignore[union-attr]
    head = first.devnet.anvil.get_head()[0]
    first.stop()
    assert first.error is None
    assert not file.exists()
    assert not first.devnet.anvil.is_alive
    assert not any(daemon.is_alive for daemon in first.devnet.daemons)

    second = run(tmp_path / "net", nodes=3, block_time=0.2)  # one more
    again = json.loads(file.read_text())
    assert again["rpc_url"] == known["rpc_url"]
    assert again["nodes"][:2] == known["nodes"]
    assert second.devnet is not None
    assert second.devnet.anvil.get_head()[0] >= head
    assert KuboStore(again["nodes"][1]["api"]).has(digest)
    assert KuboStore(again["nodes"][0]["api"]).pins("kept") == {digest: "kept"}
    second.stop()


@pytest.mark.anvil
@pytest.mark.kubo
def test_one_devnet_per_home(tmp_path: Path, run: Run) -> None:
    first = run(tmp_path, nodes=1)
    second = run(tmp_path, nodes=1)
    assert isinstance(second.error, LockedError)
    assert first.error is None
    assert (tmp_path / "devnet.json").exists()
    first.stop()
    (tmp_path / "devnet.json").write_text(json.dumps({"pid": os.getpid()}))  # as a kill -9 leaves it
    third = run(tmp_path, nodes=1)
    assert third.error is None


@pytest.mark.anvil
@pytest.mark.kubo
def test_the_end_of_one_program_is_the_end_of_all(tmp_path: Path, run: Run) -> None:
    running = run(tmp_path, nodes=2)
    assert running.devnet is not None
    running.devnet.daemons[1].kill()
    running.join()
    assert "node1 ended by itself" in str(running.error)
    assert not running.devnet.anvil.is_alive
    assert not running.devnet.daemons[0].is_alive
    assert not (tmp_path / "devnet.json").exists()


def test_nonsense_is_refused(tmp_path: Path) -> None:
    for options in ({"nodes": 0}, {"nodes": 65}, {"nodes": 1, "block_time": 0.0}):
        with pytest.raises(UsageError):
            run_devnet(tmp_path, **options)  # type: ignore[arg-type]


@pytest.mark.anvil
@pytest.mark.kubo
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    program = "import sys; from pathlib import Path; from trainer.roles.devnet import run_devnet; "
    program += "run_devnet(Path(sys.argv[1]), 1)"
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT)
    try:
        until((tmp_path / "devnet.json").exists, "the devnet runs", 60)
        children = get_children(parent.pid)
        assert len(children) == 2
        parent.send_signal(number)
        assert parent.wait(20) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        until(lambda: not any(is_running(pid) for pid in children), "the children are gone", 10)
        assert (tmp_path / "devnet.json").exists() == (number == signal.SIGKILL)
        json.loads((tmp_path / "chain" / "state.json").read_text())  # saved also at SIGKILL: anvil got SIGTERM
    finally:
        parent.kill()
        parent.wait()


def get_children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found
