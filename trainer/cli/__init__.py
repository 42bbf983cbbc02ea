"""The command line. Commands import web3 and JAX inside, so that `--help` is instant."""

from __future__ import annotations

import logging
import os
import sys

import click

from trainer.cli.accounts import account
from trainer.cli.audit import audit
from trainer.cli.bench import bench_group
from trainer.cli.challenges import answer, challenge, lapse, overturn, slash
from trainer.cli.deploy import deploy
from trainer.cli.devnet import devnet
from trainer.cli.pay import claim, settle
from trainer.cli.places import bid, take, withdraw_bid
from trainer.cli.recompute import recompute
from trainer.cli.runs import run
from trainer.cli.seat_care import bench, retire, seat_status
from trainer.cli.seats import seat
from trainer.cli.status import status
from trainer.cli.worker import worker
from trainer.errors import ComitiaError

INTERRUPTED = 130  # exit code of whatever Ctrl-C ended, as shells have it


class _Commands(click.Group):
    """Turns our errors into one line and their exit code; a traceback only with COMITIA_TRACEBACK=1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ComitiaError as error:
            if os.environ.get("COMITIA_TRACEBACK"):
                raise
            click.echo(f"comitia: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("comitia: stopped by Ctrl-C", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="comitia")
def main() -> None:
    """Train one model together by stake-weighted vote: strangers, one chain, one model that anybody can replay."""
    logging.basicConfig(
        level=os.environ.get("COMITIA_LOG", "WARNING"), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )


for _command in (settle, claim, bid, take, withdraw_bid, seat_status, bench, retire):
    seat.add_command(_command)
for _command in (devnet, account, deploy, run, seat, worker, status, audit, recompute, bench_group):
    main.add_command(_command)
for _command in (challenge, answer, overturn, slash, lapse):
    main.add_command(_command)
