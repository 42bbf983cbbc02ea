"""How far long work is, for a person: on stderr, one line that is written over on a terminal, else one now and then."""

from __future__ import annotations

import sys
import time

import click

TERMINAL_SECONDS = 0.2  # between two lines
OTHER_SECONDS = 10.0


class Progress:
    """Progress of `total` units of work. total 0: how much it is is not known."""

    def __init__(self, total: float, *, is_quiet: bool) -> None:
        self._total, self._done = total, 0.0
        self._is_quiet, self._is_terminal = is_quiet, sys.stderr.isatty()
        self._started = self._said = time.monotonic()
        self._is_open = False  # a line on the terminal waits to be written over

    def advance(self, done: float, what: str) -> None:
        """So much more is done; `what` is being done."""
        self._done += done
        now = time.monotonic()
        if self._is_quiet or now - self._said < (TERMINAL_SECONDS if self._is_terminal else OTHER_SECONDS):
            return
        self._said = now
        if self._total:
            left = (now - self._started) * (self._total / self._done - 1) if self._done else 0.0
            what = f"{100 * self._done / self._total:3.0f} %, {describe_seconds(left)} left: {what}"
        if self._is_terminal:
            click.echo(f"\r\033[K{what[:100]}", err=True, nl=False)
            self._is_open = True
        else:
            click.echo(what, err=True)

    def say(self, line: str) -> None:
        """A line that stays."""
        self.close()
        if not self._is_quiet:
            click.echo(line, err=True)

    def close(self) -> None:
        """Takes the line that waits away."""
        if self._is_open:
            click.echo("\r\033[K", err=True, nl=False)
            self._is_open = False


def describe_seconds(seconds: float) -> str:
    """A time for a person: 40 s, 12 min."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
