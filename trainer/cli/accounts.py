"""`comitia account`: keystores."""

from __future__ import annotations

from pathlib import Path

import click

from trainer.cli.options import home_option, json_option, keystores_of, parse_address, rpc_option, show, split_urls
from trainer.errors import UsageError


@click.group()
def account() -> None:
    """Keystores: new, list; fund on a devnet."""


@account.command()
@click.argument("name")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ETH_PASSWORD",
    show_envvar=True,
    help="File with the new password.",
)
@click.option("--devnet", is_flag=True, help="Weak and quick protection, for keys that are worth nothing.")
@home_option
@json_option
def new(name: str, password_file: Path | None, devnet: bool, home: Path, as_json: bool) -> None:
    """Makes a key and its keystore (mode 0600), which `cast wallet` reads too."""
    from trainer.keys import OperatorKey, create_keystore, read_password

    prompt = (
        None
        if password_file
        else lambda: str(click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))
    )
    password = read_password(password_file, None, prompt)
    keystore = create_keystore(keystores_of(home), name, OperatorKey.generate(), password, fast=devnet)
    show({"name": keystore.name, "address": keystore.address, "path": str(keystore.path)}, as_json=as_json)


@account.command("list")
@home_option
@json_option
def list_(home: Path, as_json: bool) -> None:
    """Lists the keystores."""
    import json

    from trainer.keys import list_keystores

    found = [{"name": k.name, "address": k.address, "path": str(k.path)} for k in list_keystores(keystores_of(home))]
    if as_json:
        click.echo(json.dumps(found))
    elif not found:
        click.echo(f"no keystores in {keystores_of(home)}; make one with `comitia account new NAME`")
    for entry in [] if as_json else found:
        click.echo(f"{entry['name']:<20} {entry['address'] or '(address not in the file)'}  {entry['path']}")


@account.command()
@click.argument("accounts", nargs=-1, required=True)
@click.option("--coins", type=int, default=1000, show_default=True, help="New balance, in coins of 10^18 wei.")
@rpc_option
@home_option
def fund(accounts: tuple[str, ...], coins: int, rpc_urls: tuple[str, ...], home: Path) -> None:
    """Gives accounts play money on a devnet (chain id 31337). ACCOUNTS are addresses, or names of keystores."""
    from trainer.chain.node import Node
    from trainer.keys import list_keystores

    named = {k.name: k.address for k in list_keystores(keystores_of(home)) if k.address}
    addresses = [parse_address(named.get(account, account)) for account in accounts]
    node = Node(split_urls(rpc_urls))
    if node.chain_id != 31337:
        raise UsageError(f"chain {node.chain_id} is no devnet: send real coins with a wallet")
    for address in addresses:
        # web3's own type for the name lives in chain/ with web3
        node.provider.make_request("anvil_setBalance", [address, hex(coins * 10**18)])  # type: ignore[arg-type]
        click.echo(f"{address} has {coins} coins")
