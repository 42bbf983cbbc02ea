"""What the commands that send have in common: their options, and how they say what they will do, ask, send and wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import (
    ask,
    connect,
    format_coins,
    home_option,
    json_option,
    key_options,
    load_key,
    rpc_option,
    run_options,
    show,
    yes_option,
)

if TYPE_CHECKING:
    from trainer.chain.calls import Call
    from trainer.keys import OperatorKey
    from trainer.protocol.types import Parameters

TIMEOUT = 300  # seconds until a command stops waiting for its transaction
DEVNET_CHAIN_ID = 31337


class Teller:
    """A verified run, and the account of the command: opened when it is first needed, with its password."""

    def __init__(
        self,
        rpc_urls: tuple[str, ...],
        run_name: str,
        deployments: Path,
        home: Path,
        yes: bool,
        as_json: bool,
        key: dict[str, Any],
    ) -> None:
        self.client, self.deployment = connect(rpc_urls, run_name, deployments)
        self._home, self._yes, self._as_json, self._key = home, yes, as_json, key

    @property
    def parameters(self) -> Parameters:
        """The run's constructor arguments."""
        return self.deployment.parameters

    @cached_property
    def key(self) -> OperatorKey:
        """The key of --account or --keystore."""
        return load_key(self._home, **self._key)

    def format_stake(self, weight: int) -> str:
        """A stake in coins."""
        return format_coins(weight * self.parameters.weight_unit)

    def send(self, call: Call, what: str) -> dict[str, Any]:
        """Says what a call will do and cost, asks, sends it and waits. Raises ContractRevert before it asks where the
        node foresees one. Returns what to show of it.
        """
        from trainer.chain.sender import DEFAULT_FEES, Sender

        sender = Sender(self.client, self.key, DEFAULT_FEES)
        sender.check(call)
        signed = sender.sign(call)
        gas = signed.worst_cost - signed.value
        self.ask(f"{what} (gas: at most {format_coins(gas)})")
        self.tell(f"sending {call.method}: 0x{signed.hash.hex()}")
        receipt = sender.wait(signed, TIMEOUT)
        return {
            "transaction": "0x" + receipt.transaction.hex(),
            "block": receipt.block,
            "gas_used": receipt.gas_used,
            "cost_wei": receipt.cost,
        }

    def ask(self, what: str) -> None:
        """Says what is about to be sent, and asks. Raises UsageError where nobody can answer."""
        ask(f"{self.key.address} will {what}", self._yes)

    def show(self, data: dict[str, Any]) -> None:
        """Prints the command's result."""
        show(data, as_json=self._as_json)

    def tell(self, text: str) -> None:
        """A line for a person, beside the result."""
        click.echo(text, err=True)


def sends(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of all that send, and a `Teller` as its first argument in their place."""

    @wraps(command)
    def wrapped(
        rpc_urls: tuple[str, ...],
        run_name: str,
        deployments: Path,
        home: Path,
        yes: bool,
        as_json: bool,
        keystore: str | None,
        account: str | None,
        password_file: Path | None,
        **arguments: Any,
    ) -> None:
        key = {"keystore": keystore, "account": account, "password_file": password_file}
        command(Teller(rpc_urls, run_name, deployments, home, yes, as_json, key), **arguments)

    for option in (yes_option, json_option, key_options, home_option, run_options, rpc_option):
        wrapped = option(wrapped)
    return wrapped


def seat_argument(command: Callable[..., None]) -> Callable[..., None]:
    """SEAT."""
    return click.argument("seat_id", metavar="SEAT", type=click.IntRange(0, 255))(command)


def warn_of_private(peer: str, chain_id: int) -> None:
    """Off a devnet nobody dials a private address: such a seat reaches others and is not reached."""
    from trainer.blobs.peer_address import parse_peer

    try:
        parse_peer(peer, allow_private=chain_id == DEVNET_CHAIN_ID)
    except ValueError as error:
        click.echo(
            f"warning: others cannot dial this Kubo node ({error}); set Addresses.Announce to /ip4/PUBLIC/tcp/PORT and "
            "restart it, or be sure that a seat that you dial is public",
            err=True,
        )
