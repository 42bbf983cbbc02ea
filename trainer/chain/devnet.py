"""An EVM node for one machine: anvil on loopback, its chain kept in a file, and the means to move its clock.

Chain time moves with blocks only, so a devnet is interval-mined; tests switch that off and mine by hand.
Source of the flags: design, toolchain and operations, section 3.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.config import DEVNET, find_anvil
from trainer.errors import ComitiaError, UnreachableError
from trainer.processes import Child

CHAIN_ID = 31337
HARDFORK = "osaka"  # as contracts/solc.json compiles
# Known to everybody: worth nothing on any chain, allowed on chain id 31337 only.
MNEMONIC = "test test test test test test test test test test test junk"
RPC_TIMEOUT = 30.0  # seconds; mining thousands of blocks at once takes some


class RpcError(ComitiaError):
    """The node refused a call."""


class Anvil:
    """One node. `state`: the file that keeps the chain over restarts (None: forgotten at the end). `block_time`:
    seconds, fractions allowed; None: one block for each transaction, so that tests own the clock.

    Its port is chosen by the system unless `port` is free.
    """

    name = "anvil"

    def __init__(
        self,
        log: Path,
        *,
        state: Path | None = None,
        block_time: float | None = DEVNET.block_time,
        accounts: int = 10,
        port: int = 0,
        binary: Path | None = None,
        timestamp: int | None = None,
    ) -> None:
        self.log = log
        self.url = ""
        self._state = state
        self._block_time = block_time
        self._accounts = accounts
        self._port = port
        self._binary = binary
        self._timestamp = timestamp
        self._child: Child | None = None
        self._calls = 0

    # ------------------------------------------------------------------ life

    def start(self, timeout: float = DEVNET.start_timeout) -> Anvil:
        """Start it and wait until it answers. timeout: seconds. Raises ComitiaError, UnreachableError with its last
        lines.
        """
        self._restore_torn_state()
        try:
            self._launch(self._port, timeout)
        except ComitiaError:
            if self._port == 0 or self._child is None or "Address already in use" not in self._child.read_log():
                raise
            self._launch(0, timeout)
        self._save_good_state()
        self.call("anvil_setLoggingEnabled", False)  # else every read of the head is a line
        return self

    def _launch(self, port: int, timeout: float) -> None:
        command: list[str | Path] = [self._binary or find_anvil(), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--chain-id", str(CHAIN_ID), "--hardfork", HARDFORK, "--slots-in-an-epoch", "1"]
        command += ["--accounts", str(self._accounts), "--mnemonic", MNEMONIC, "--gas-limit", str(DEVNET.gas_limit)]
        command += ["--color", "never", "--no-cors"]
        if self._block_time is not None:
            command += ["--block-time", f"{self._block_time:g}"]
        if self._timestamp is not None:
            command += ["--timestamp", str(self._timestamp)]
        if self._state is not None:
            self._state.parent.mkdir(parents=True, exist_ok=True)
            command += ["--state", self._state, "--state-interval", f"{max(1, round(DEVNET.state_interval))}"]
        # anvil leaves the states of old blocks in ~/.foundry for ever: in a day of tests that was 70 GB. Only a devnet
        # that is kept needs them, and only while it runs.
        if self._state is None:
            command += ["--max-persisted-states", "0"]
        else:
            command += ["--max-persisted-states", str(DEVNET.states_on_disk), "--cache-path", self._clear_states()]
        # SIGTERM when we die: it saves the chain, which SIGKILL would tear.
        self._child = Child(self.name, command, self.log, parent_death_signal=signal.SIGTERM)
        try:
            self.url = self._child.wait_ready(self._find_url, timeout)
        except ComitiaError:
            self._child.kill()
            raise

    def _find_url(self) -> str | None:
        """Where it says that it listens, once it answers there."""
        match = re.search(r"Listening on (127\.0\.0\.1:\d+)", self._get_child().read_log())
        if match is None:
            return None
        self.url = f"http://{match.group(1)}"
        try:
            return self.url if int(self.call("eth_chainId"), 16) == CHAIN_ID else None
        except UnreachableError:
            return None

    def request_stop(self) -> None:
        """SIGTERM without waiting."""
        self._get_child().request_stop()

    def stop(self) -> int:
        """Stop it, its chain saved, within a bounded time. Returns its exit code."""
        code = self._get_child().stop()
        self._save_good_state()
        self._clear_states()
        return code

    def kill(self) -> int:
        """SIGKILL: loses the blocks since the last save."""
        return self._get_child().kill()

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.is_alive

    @property
    def pid(self) -> int:
        """Process id."""
        return self._get_child().pid

    def __enter__(self) -> Anvil:
        return self if self.is_alive else self.start()

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self.stop()

    def _get_child(self) -> Child:
        if self._child is None:
            raise UnreachableError("anvil was not started")
        return self._child

    def _clear_states(self) -> Path:
        """Remove the states of old blocks of a process that ended: another one does not read them."""
        folder = self.log.with_name("anvil-states")
        if folder.is_dir():
            shutil.rmtree(folder)
        return folder

    # A kill in the middle of a save tears the file, and anvil then refuses to start. So the last one that was whole is
    # kept beside it; going back to it looks like a deep reorganisation, which workers survive.

    def _save_good_state(self) -> None:
        if self._state is not None and _is_whole(self._state):
            new = self._state.with_name(self._state.name + ".new")
            shutil.copyfile(self._state, new)
            new.replace(self._state.with_name(self._state.name + ".good"))

    def _restore_torn_state(self) -> None:
        if self._state is None or not self._state.exists() or _is_whole(self._state):
            return
        good = self._state.with_name(self._state.name + ".good")
        self._state.replace(self._state.with_name(self._state.name + ".torn"))
        if good.exists():
            shutil.copyfile(good, self._state)

    # ------------------------------------------------------------------ calls

    def call(self, method: str, *parameters: Any) -> Any:
        """One JSON-RPC call. Raises UnreachableError, RpcError with the node's words."""
        self._calls += 1
        body = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": list(parameters)}
        request = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST"
        )
        try:
            with _open(request, timeout=RPC_TIMEOUT) as response:
                answer = json.load(response)
        except (OSError, ValueError) as error:
            raise UnreachableError(f"anvil at {self.url} does not answer: {error}") from error
        if "error" in answer:
            raise RpcError(f"{method}: {answer['error'].get('message', answer['error'])}")
        return answer.get("result")

    def get_head(self) -> tuple[int, int]:
        """(number, timestamp in seconds) of the latest block."""
        block = self.call("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), int(block["timestamp"], 16)

    def mine(self, blocks: int = 1, seconds: int = 0) -> None:
        """Mine blocks now, `seconds` of chain time apart (0: as the clock has it)."""
        self.call("anvil_mine", hex(blocks), *([hex(seconds)] if seconds else []))

    def set_next_timestamp(self, timestamp: int) -> None:
        """Chain time of the next block; later than the head's. Interval mining goes on from there."""
        self.call("evm_setNextBlockTimestamp", hex(timestamp))

    def increase_time(self, seconds: int) -> None:
        """Move the clock forward; seen from the next block on."""
        self.call("evm_increaseTime", hex(seconds))

    def advance(self, seconds: int) -> None:
        """Move the clock forward and mine one block there."""
        self.increase_time(seconds)
        self.mine()

    def set_automine(self, enabled: bool) -> None:
        """One block for each transaction, or none but those that are mined by hand. Ends interval mining."""
        self.call("evm_setAutomine", enabled)
        if not enabled:
            self.call("evm_setIntervalMining", 0)

    def set_interval(self, seconds: int) -> None:
        """Mine every so many whole seconds; 0: no longer. Fractions only at the start: `block_time`."""
        self.call("evm_setIntervalMining", seconds)

    def snapshot(self) -> str:
        """Remember the chain. Returns what `revert` takes."""
        return str(self.call("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Back to a snapshot, which is used up. Raises RpcError if there is no such."""
        if not self.call("evm_revert", snapshot):
            raise RpcError(f"no snapshot {snapshot}")

    def reorganise(self, depth: int, transactions: list[tuple[str, int]] | None = None) -> None:
        """Replace the last `depth` blocks. transactions: (raw transaction as hex, which of the new blocks) to put into
        them; the old ones are dropped and do *not* return to the pool.
        """
        self.call("anvil_reorg", depth, [[raw, block] for raw, block in transactions or []])

    def set_balance(self, address: str, wei: int) -> None:
        """Give an account this much."""
        self.call("anvil_setBalance", address, hex(wei))


def derive_account(index: int) -> tuple[str, bytes]:
    """(address, private key) of the devnet's account `index`, which has 10,000 coins if index < `accounts`."""
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    account = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account.address, bytes(account.key)


def _is_whole(path: Path) -> bool:
    """Whether every brace is closed: a torn file is a beginning, and strings in it are hexadecimal. Not parsed: after a
    day it has hundreds of megabytes.
    """
    opened = closed = 0
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                opened += block.count(b"{")
                closed += block.count(b"}")
    except OSError:
        return False
    return opened == closed > 0


_open: Callable[..., Any] = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # never through a proxy
