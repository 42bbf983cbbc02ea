"""Options that several commands share, named as foundry names them, each with its environment variable and its default
in one place.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trainer.config import DTYPES
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.chain.client import RunClient
    from trainer.chain.deployment import Deployment
    from trainer.keys import OperatorKey

F = TypeVar("F", bound=Callable[..., Any])

RPC_URL = "http://127.0.0.1:8545"
HOME = "~/.comitia"
DEPLOYMENTS = "deployments"
COIN = 10**18  # wei
IPFS_API = "/ip4/127.0.0.1/tcp/5001"


def parse_address(text: str) -> str:
    """The checksummed address of an account or contract, as the type of an option: 0x and 40 hex digits; where they mix
    cases, with the right checksum (EIP-55).
    """
    from eth_utils.address import to_checksum_address

    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise click.BadParameter(f"{text!r} is no address: 0x and 40 hex digits are needed")
    address = str(to_checksum_address(text))
    if text[2:] not in (address[2:], text[2:].lower(), text[2:].upper()):
        raise click.BadParameter(f"{text} has a wrong checksum: is it mistyped?")
    return address


def rpc_option(command: F) -> F:
    """--rpc-url, once for each node; the first that answers is asked."""
    return click.option(
        "--rpc-url",
        "rpc_urls",
        multiple=True,
        envvar="ETH_RPC_URL",
        default=(RPC_URL,),
        show_default=True,
        show_envvar=True,
        help="An Ethereum node; give several for failover.",
    )(command)


def home_option(command: F) -> F:
    """--home: keystores, journals, caches."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="COMITIA_HOME",
        default=HOME,
        show_default=True,
        show_envvar=True,
        help="Where this participant keeps its keystores, journals and caches.",
    )(command)


def deployments_option(command: F) -> F:
    """--deployments."""
    return click.option(
        "--deployments",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="COMITIA_DEPLOYMENTS",
        default=DEPLOYMENTS,
        show_default=True,
        show_envvar=True,
        help="The directory of the runs' files.",
    )(command)


def run_options(command: F) -> F:
    """--run and --deployments."""
    return click.option(
        "--run",
        "run_name",
        envvar="COMITIA_RUN",
        show_envvar=True,
        required=True,
        help="Name or file of the run, as `comitia deploy` wrote it.",
    )(deployments_option(command))


def key_options(command: F) -> F:
    """--keystore, --account, --password-file."""
    command = click.option(
        "--password-file",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="ETH_PASSWORD",
        show_envvar=True,
        help="File with the keystore's password; asked for without it.",
    )(command)
    command = click.option(
        "--account",
        envvar="ETH_KEYSTORE_ACCOUNT",
        show_envvar=True,
        help="Name of a keystore that `comitia account new` made.",
    )(command)
    return click.option(
        "--keystore", envvar="ETH_KEYSTORE", show_envvar=True, help="Path of a keystore, in place of --account."
    )(command)


def ipfs_option(command: F) -> F:
    """--ipfs-api."""
    return click.option(
        "--ipfs-api",
        envvar="COMITIA_IPFS_API",
        default=IPFS_API,
        show_default=True,
        show_envvar=True,
        help="Address of your Kubo node's API.",
    )(command)


def dtype_option(command: F) -> F:
    """--dtype."""
    return click.option(
        "--dtype",
        type=click.Choice(DTYPES),
        envvar="COMITIA_DTYPE",
        default=DTYPES[0],
        show_default=True,
        show_envvar=True,
        help="What this machine's model computes in; parameters and optimizer are float32 in any case.",
    )(command)


def json_option(command: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def load_key(home: Path, keystore: str | None, account: str | None, password_file: Path | None) -> OperatorKey:
    """The key of --keystore or --account; asks for the password on a terminal. Raises KeystoreError, UsageError."""
    from trainer.keys import load_keystore, read_password

    name = keystore or account
    if name is None:
        raise UsageError("which key? give --account NAME (see `comitia account list`) or --keystore FILE")
    prompt = None if password_file else lambda: str(click.prompt(f"Password of {name}", hide_input=True, err=True))
    return load_keystore(keystores_of(home), name, read_password(password_file, None, prompt))


def yes_option(command: F) -> F:
    """--yes."""
    return click.option("--yes", is_flag=True, help="Send without asking.")(command)


def require_answer(yes: bool) -> None:
    """Raises UsageError where nobody can be asked: before work that would be in vain."""
    if not yes and not sys.stdin.isatty():
        raise UsageError("nothing was sent: nobody can be asked here, so say --yes")


def ask(what: str, yes: bool) -> None:
    """Says what is about to be sent, and asks on a terminal. Raises UsageError where nobody can answer."""
    require_answer(yes)
    if not yes:
        click.confirm(f"{what}. Send?", abort=True, err=True)


def format_coins(wei: int) -> str:
    """An amount for a person: coins of 10^18 wei."""
    text = f"{wei // COIN}.{wei % COIN:018}".rstrip("0").rstrip(".")
    return f"{text} coins"


def parse_coins(text: str) -> int:
    """Wei of an amount in coins, exactly, as the type of an option: 2, 0.5, 1e-3."""
    from decimal import Decimal, InvalidOperation

    try:
        wei = Decimal(text) * COIN
    except InvalidOperation:
        raise click.BadParameter(f"{text!r} is no amount of coins, such as 2 or 0.5") from None
    if not wei.is_finite() or wei <= 0 or wei != int(wei):
        raise click.BadParameter(f"{text!r} coins are not a positive whole number of wei (10^-18 coins)")
    return int(wei)


def keystores_of(home: Path) -> Path:
    """The directory of the keystores."""
    return home.expanduser() / "keystores"


def connect(rpc_urls: Sequence[str], run_name: str, deployments: Path) -> tuple[RunClient, Deployment]:
    """A verified client of a run: right chain, code and parameters, or WrongNetwork before anything is sent."""
    from trainer.chain.client import RunClient
    from trainer.chain.deployment import find_deployment

    deployment = find_deployment(run_name, deployments)
    client = RunClient(split_urls(rpc_urls), deployment)
    client.verify()
    return client, deployment


def split_urls(rpc_urls: Sequence[str]) -> list[str]:
    """Several URLs may also stand in one value, with commas (as in an environment variable)."""
    return [url.strip() for value in rpc_urls for url in value.split(",") if url.strip()]


def show(data: dict[str, Any], *, as_json: bool) -> None:
    """Prints a result: JSON, or a line for each value."""
    if as_json:
        click.echo(json.dumps(data))
    else:
        width = max(len(key) for key in data)
        for key, value in data.items():
            click.echo(f"{key.replace('_', ' '):<{width}}  {value}")
