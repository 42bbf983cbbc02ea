"""Typed reads of one run's contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import get_abi_output_types
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.exceptions import ContractLogicError

from trainer.chain.deployment import Deployment
from trainer.chain.events import EventDecoder, get_logs
from trainer.chain.failover import Ask
from trainer.chain.node import Node, translated
from trainer.chain.records import (
    Ballot,
    Bid,
    Challenge,
    Entry,
    Result,
    Roll,
    SeatRecord,
)
from trainer.chain.reverts import decode_revert, find_revert_data
from trainer.errors import UnreachableError, WrongNetwork
from trainer.protocol.messages import Domains
from trainer.protocol.phases import Clock
from trainer.protocol.types import NO_END, BlockRef, Event, Parameters, Phase


class RunClient:
    """A run's contract, read through one node or the first of several that answers.

    Every node is checked before its first answer counts: chain id, first block, and the code at the contract's address
    (WrongNetwork). All methods raise UnreachableError when no node answers; whether to wait is the caller's choice.
    `at` reads the state after that block, else the newest.
    """

    def __init__(self, urls: Sequence[str], deployment: Deployment) -> None:
        self.node = Node(urls, deployment.chain_id)
        self.deployment = deployment
        self.address = deployment.address
        self.abi = deployment.abi
        self.contract = self.node.w3.eth.contract(address=deployment.address, abi=deployment.abi)  # type: ignore[call-overload]
        self._outputs = {item["name"]: get_abi_output_types(item) for item in self.abi if item["type"] == "function"}
        self.decoder = EventDecoder(deployment.abi)
        self.node.provider.checks.append(self._check_code)

    @property
    def domains(self) -> Domains:
        """The run's hash domains (docs/protocol.md, Formats: Domains)."""
        return Domains.of(self.deployment.chain_id, self.address)

    def verify(self) -> None:
        """Runs the checks now, and compares the contract's parameters with the deployment's file."""
        found = self.get_parameters()
        if found != self.deployment.parameters:
            raise WrongNetwork(f"the contract {self.address} has other parameters than the run's file says")
        self.verify_settlement()

    def verify_settlement(self) -> None:
        """Compares the code that the contract executes between rounds with the deployment's."""
        address = self.get_settlement()
        if not self.deployment.is_settlement_code(self.node.get_code(address)):
            raise WrongNetwork(f"the contract {self.address} executes other code ({address}) than the run's file says")

    def get_head(self) -> BlockRef:
        """The newest block."""
        return self.node.get_head()

    def get_balance(self, address: str) -> int:
        """Balance of an account, in wei."""
        return self.node.get_balance(address)

    def get_parameters(self) -> Parameters:
        """The constructor's arguments."""
        return Parameters(*self._read("parameters"))

    def get_clock(self, at: BlockRef | None = None) -> Clock:
        """The current round as stored."""
        return Clock(*self._read("clock", at=at))

    def get_roll(self, at: BlockRef | None = None) -> Roll:
        """What the next opening needs."""
        return Roll(*self._read("roll", at=at))

    def get_phase(self, at: BlockRef | None = None) -> Phase:
        """The phase at the block's own time, which lags behind the clock by up to a block: a worker computes it from
        the events.
        """
        return Phase(self._read("phase", at=at))

    def get_deadline(self, at: BlockRef | None = None) -> int:
        """End of that phase, NO_END where it has none."""
        end: int = self._read("deadline", at=at)
        return end if end < NO_END else NO_END

    def get_seat(self, seat: int, at: BlockRef | None = None) -> SeatRecord:
        """A seat by id; `owner` is the zero address if it was never given."""
        return SeatRecord.of(self._read("seats", seat, at=at))

    def get_former_seat(self, seat: int, at: BlockRef | None = None) -> SeatRecord:
        """The holder of a seat id before its present one; `owner` is the zero address if there is none."""
        return SeatRecord.of(self._read("formerSeats", seat, at=at))

    def get_bid(self, seat: int, at: BlockRef | None = None) -> Bid:
        """The bid for a seat's place; weight 0 if there is none."""
        return Bid.of(self._read("bids", seat, at=at))

    def get_challenge(self, round: int, chunk: int, at: BlockRef | None = None) -> Challenge:
        """The challenge of a chunk of a round."""
        return Challenge.of(self._read("challenges", round, chunk, at=at))

    def get_entry(self, round: int, seat: int, at: BlockRef | None = None) -> Entry:
        """A seat's commitment or gradient root of a round."""
        return Entry(*self._read("entry", round, seat, at=at))

    def get_ballot(self, round: int, at: BlockRef | None = None) -> Ballot:
        """The vote of a round."""
        ballot, *bitmaps = self._read("ballot", round, at=at)
        return Ballot(*ballot, *bitmaps)

    def get_result(self, height: int, at: BlockRef | None = None) -> Result | None:
        """The state of a height (0: the first); None if it is not made, was overturned, or its record is gone."""
        result = Result(*self._read("result", height, at=at))
        return result if any(result.root) else None

    def get_staked(self, at: BlockRef | None = None) -> int:
        """Sum of all stakes held, in wei."""
        return int(self._read("staked", at=at))

    def get_pool(self, at: BlockRef | None = None) -> int:
        """What rounds can still be paid from, in wei."""
        return int(self._read("pool", at=at))

    def get_burnt(self, at: BlockRef | None = None) -> int:
        """What belongs to nobody any more, in wei."""
        return int(self._read("burnt", at=at))

    def get_credit(self, account: str, at: BlockRef | None = None) -> int:
        """What an account can claim, in wei."""
        return int(self._read("credit", account, at=at))

    def get_next_bond(self, at: BlockRef | None = None) -> int:
        """The bond of the next challenge, in wei."""
        return int(self._read("nextBond", at=at))

    def get_invitations(self, account: str, at: BlockRef | None = None) -> int:
        """Seats that an account may still take in an invitation-only run."""
        return int(self._read("invitations", account, at=at))

    def get_settlement(self) -> str:
        """The contract whose code the run executes between rounds."""
        return str(to_checksum_address(self._read("settlement")))

    def get_owner(self, at: BlockRef | None = None) -> str:
        """The account that deployed the run."""
        return str(to_checksum_address(self._read("owner", at=at)))

    def get_events(self, from_block: int | None = None, to_block: int | None = None) -> list[Event]:
        """The contract's events in from_block (default: its first) .. to_block (default: the newest), in the order of
        the chain.
        """
        start = self.deployment.block if from_block is None else from_block
        end = self.get_head().number if to_block is None else to_block
        return self.decoder.decode_all(get_logs(self.node.w3, self.address, start, end), self.get_time)

    def get_time(self, block: bytes) -> int:
        """Time of a block by its hash, in seconds of chain time."""
        return self.node.get_header(block).block.time

    def _read(self, method: str, *args: object, at: BlockRef | None = None) -> Any:
        """Return values of a view. Not by web3's `call`, which turns a block's hash into its number and so reads the
        wrong fork after a reorganisation.
        """
        data = self.contract.encode_abi(method, args)
        block: Any = "latest" if at is None else HexBytes(at.hash)
        with translated(f"{method}()"):
            try:
                found = bytes(self.node.w3.eth.call({"to": self.address, "data": data}, block))
            except ContractLogicError as error:
                raise decode_revert(self.abi, find_revert_data(error.data) or b"") from None
        if not found:
            self._require_code(self.node.get_code(self.address))
            raise UnreachableError(f"the node does not know the contract at block {at or block}: it is behind")
        values = decode(self._outputs[method], found)
        return values[0] if len(values) == 1 else values

    def _check_code(self, ask: Ask) -> None:
        code = bytes.fromhex(ask("eth_getCode", [self.address, "latest"])[2:])
        if not code and int(ask("eth_blockNumber", []), 16) < self.deployment.block:
            raise UnreachableError(f"a node is behind: it has not reached block {self.deployment.block} yet")
        self._require_code(code)

    def _require_code(self, code: bytes) -> None:
        if not code:
            raise WrongNetwork(f"there is no contract at {self.address} on chain {self.deployment.chain_id}")
        if not self.deployment.is_code(code):
            raise WrongNetwork(f"the contract at {self.address} has other code than the run's file says")
