"""`comitia worker` as an adversary: COMITIA_ADVERSARY names it, COMITIA_GANG its gang's seats."""

from __future__ import annotations

import os
from typing import Any

import trainer.roles.assembly
from tests.adversaries.place import Place
from tests.adversaries.zoo import BY_NAME
from trainer.cli import main

ADVERSARY = BY_NAME[os.environ["COMITIA_ADVERSARY"]]
GANG = tuple(int(seat) for seat in os.environ["COMITIA_GANG"].split(","))
assemble = trainer.roles.assembly.assemble


def assemble_altered(*arguments: Any, **named: Any) -> Any:
    """The parts of a worker, with the one change."""
    parts, seat = assemble(*arguments, **named)
    ADVERSARY.alter(parts, Place(seat.seat, GANG))
    return parts, seat


trainer.roles.assembly.assemble = assemble_altered
main()
