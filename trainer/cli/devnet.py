"""`comitia devnet`: a chain and Kubo nodes on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainer.config import DEVNET

if TYPE_CHECKING:
    from trainer.roles.devnet import Devnet


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default="runs/devnet",
    show_default=True,
    help="Where chain, repositories and logs lie; the same home goes on where it stopped.",
)
@click.option(
    "--nodes", type=click.IntRange(1, 64), default=4, show_default=True, help="Kubo nodes, one for each participant."
)
@click.option("--block-time", type=float, default=DEVNET.block_time, show_default=True, help="Seconds between blocks.")
def devnet(home: Path, nodes: int, block_time: float) -> None:
    """Runs anvil and Kubo nodes on loopback until Ctrl-C, then stops them. <home>/devnet.json says where they are."""
    from trainer.roles.devnet import run_devnet

    def show(ready: Devnet) -> None:
        click.echo(f"chain 31337 at {ready.anvil.url}: export ETH_RPC_URL={ready.anvil.url}")
        for daemon in ready.daemons:
            click.echo(f"{daemon.name}: export COMITIA_IPFS_API={daemon.api}")
        click.echo(
            f"all of it in {home / 'devnet.json'}; accounts get play money with `comitia account fund`; Ctrl-C stops"
        )

    run_devnet(home, nodes, block_time, on_ready=show)
