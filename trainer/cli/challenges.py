"""`comitia challenge`, `answer`, `overturn`, `slash`, `lapse`: what refutes a wrong sum, and what defends a right one.
Each says what it will cost and do before it sends; --yes for scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainer.cli.options import format_coins, ipfs_option
from trainer.cli.sending import TIMEOUT, Teller, sends
from trainer.errors import UsageError

if TYPE_CHECKING:
    from trainer.chain.calls import Call
    from trainer.chain.records import Challenge
    from trainer.protocol.events import RoundFinal

round_argument = click.argument("round_id", metavar="ROUND", type=click.IntRange(2))
chunk_argument = click.argument("chunk", metavar="CHUNK", type=click.IntRange(0))


@click.command()
@round_argument
@click.option(
    "--chunk",
    type=click.IntRange(0),
    help="Which chunk of 1,024 parameters; without it (and --state) one that your account and the round draw.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The state that the voters claim (raw int32): its first chunk that differs is challenged.",
)
@click.option("--unseen", is_flag=True, help="Do not replay first: for who has seen elsewhere that the round is wrong.")
@ipfs_option
@sends
def challenge(
    teller: Teller, round_id: int, chunk: int | None, state_file: Path | None, unseen: bool, ipfs_api: str
) -> None:
    """Stakes a bond on one chunk of the state that ROUND made being wrong. Unless somebody shows within the answer
    window that it is right, the run falls back to the height before, and the voters of ROUND lose half of their stake.
    """
    from trainer.chain import calls

    if chunk is not None and state_file is not None:
        raise UsageError("give --chunk or --state, not both")
    if unseen and chunk is None:
        raise UsageError("--unseen needs --chunk: what is not replayed tells nothing about its chunks")
    if unseen:
        final, seen = _find_final(teller, round_id), "nothing was replayed"
    else:
        final, seen, chunk = _look(teller, round_id, chunk, state_file, ipfs_api)
    assert chunk is not None
    bond = teller.client.get_next_bond()
    call = calls.challenge(round_id, final.height, chunk, final.state_root, bond)
    done = teller.send(
        call,
        f"stake a bond of {format_coins(bond)} on chunk {chunk} of the state of round {round_id} (height "
        f"{final.height}) being wrong ({seen}); it is lost if somebody shows within "
        f"{2 * teller.parameters.answer_window} s that the chunk is right, and comes back, with a prize of up to "
        f"{format_coins(teller.parameters.challenge_bond)}, if nobody does",
    )
    teller.show(done | {"round": round_id, "height": final.height, "chunk": chunk, "bond_wei": bond})


@click.command()
@round_argument
@chunk_argument
@ipfs_option
@sends
def answer(teller: Teller, round_id: int, chunk: int, ipfs_api: str) -> None:
    """Shows that a challenged chunk is right: replays to ROUND, and lets the contract recompute the chunk. Half of the
    bond is yours.
    """
    from trainer.roles.answering import make_answer
    from trainer.roles.watch_plan import Verdict
    from trainer.roles.watching import examine_round

    found = _require(teller, round_id, chunk, ("OPEN", "EXECUTED"))
    replica, examined = examine_round(teller.client, teller.deployment, round_id, ipfs_api, teller.tell)
    if examined.verdict is not Verdict.RIGHT:
        raise UsageError(
            f"round {round_id}: {examined.verdict}: the challenge is right, and no answer exists. Nothing was sent"
        )
    what = (
        f"answer the challenge of chunk {chunk} of round {round_id} for {format_coins(found.bond // 2)}, half of its "
    )
    done = _send_all(teller, make_answer(replica.run, examined, chunk), what)
    teller.show(done | {"round": round_id, "chunk": chunk, "reward_wei": found.bond // 2})


@click.command()
@round_argument
@chunk_argument
@sends
def overturn(teller: Teller, round_id: int, chunk: int) -> None:
    """Executes a challenge that nobody answered within the answer window; there is another window for it."""
    from trainer.chain import calls

    found = _require(teller, round_id, chunk, ("OPEN",))
    lost = teller.client.get_clock().height - found.height + 1
    what = (
        f"overturn round {round_id}: the run falls back to height {found.height - 1}, {lost} "
        f"height{'s' if lost > 1 else ''} do not count, and the voters of round {round_id} are benched"
    )
    done = teller.send(calls.overturn(round_id, chunk), what)
    teller.show(done | {"round": round_id, "height": found.height - 1})


@click.command()
@round_argument
@chunk_argument
@click.argument("seats", metavar="[SEAT]...", type=click.IntRange(0, 255), nargs=-1)
@sends
def slash(teller: Teller, round_id: int, chunk: int, seats: tuple[int, ...]) -> None:
    """Settles the voters that an overturn names (all without SEAT): half of each stake is lost. After a late answer it
    sets them free, and nothing is lost.
    """
    from trainer.chain import calls

    found = _require(teller, round_id, chunk, ("EXECUTED", "CANCELLED"))
    named = [seat for seat in range(256) if found.voters >> seat & 1]
    wanted = list(dict.fromkeys(seats)) or named
    if not wanted or not set(wanted) <= set(named):
        raise UsageError(f"the overturn of round {round_id} still names the seats {named or 'none'}")
    is_guilty = found.status.name == "EXECUTED"
    what = f"slash the seats {wanted}: each loses half of its stake" if is_guilty else f"set the seats {wanted} free"
    done = _send_all(teller, [calls.slash(round_id, chunk, seat) for seat in wanted], what)
    teller.show(done | {"round": round_id, "seats": wanted})


@click.command()
@round_argument
@chunk_argument
@sends
def lapse(teller: Teller, round_id: int, chunk: int) -> None:
    """Ends a challenge that was not executed in time, or whose round another overturn took: its bond goes back."""
    from trainer.chain import calls

    found = _require(teller, round_id, chunk, ("OPEN",))
    what = f"end the challenge of chunk {chunk} of round {round_id}: {format_coins(found.bond)} for {found.challenger}"
    teller.show(teller.send(calls.lapse(round_id, chunk), what) | {"round": round_id, "chunk": chunk})


def _look(
    teller: Teller, round_id: int, chunk: int | None, state_file: Path | None, ipfs_api: str
) -> tuple[RoundFinal, str, int]:
    """Replays to the round: its end, what was seen, and the chunk to challenge. Refuses a challenge that would be
    answered.
    """
    from trainer.protocol.tree import compute_chunks
    from trainer.roles.watch_plan import Verdict, draw
    from trainer.roles.watching import examine_round, find_claimed_chunk, read_state

    replica, found = examine_round(teller.client, teller.deployment, round_id, ipfs_api, teller.tell)
    final = replica.run.rounds[round_id].final
    assert final is not None
    if found.verdict is Verdict.RIGHT:
        raise UsageError(
            f"the root of round {round_id} is right (replayed): a challenge would be answered, and the bond of "
            f"{format_coins(teller.client.get_next_bond())} lost. Nothing was sent; --unseen posts it all the same"
        )
    if state_file is not None:
        chunk = find_claimed_chunk(found, read_state(state_file))
        if chunk is None:
            raise UsageError(f"{state_file} is the replayed state: it names no chunk that is wrong")
    if chunk is None:
        chunk = draw(teller.key.address.encode(), round_id, compute_chunks(teller.parameters.parameter_count))
    return final, f"replayed: {found.verdict}", chunk


def _find_final(teller: Teller, round_id: int) -> RoundFinal:
    from trainer.protocol.events import RoundFinal

    for event in teller.client.get_events():
        if isinstance(event, RoundFinal) and event.round == round_id:
            return event
    raise UsageError(f"round {round_id} is not final")


def _require(teller: Teller, round_id: int, chunk: int, statuses: tuple[str, ...]) -> Challenge:
    """The challenge, if it is in one of these states; else says what became of it."""
    found = teller.client.get_challenge(round_id, chunk)
    if found.status.name not in statuses:
        became = "was never challenged" if found.status.name == "NONE" else f"is {found.status.name.lower()}"
        raise UsageError(f"chunk {chunk} of round {round_id} {became}")
    return found


def _send_all(teller: Teller, sent: Sequence[Call], what: str) -> dict[str, Any]:
    """Asks once, sends one after the other (each needs the one before), and adds up what they cost."""
    from trainer.chain.sender import DEFAULT_FEES, Sender

    if len(sent) == 1:
        return teller.send(sent[0], what) | {"transactions": 1}
    sender = Sender(teller.client, teller.key, DEFAULT_FEES)
    sender.check(sent[0])
    node = teller.client.node
    price = 2 * node.get_header("latest").base_fee + node.get_priority_fee()
    gas = format_coins(sum(call.gas for call in sent) * price)
    teller.ask(f"{what}, in {len(sent)} transactions (gas: at most {gas})")
    receipts = [sender.send_and_wait(call, TIMEOUT) for call in sent]
    return {
        "transaction": "0x" + receipts[-1].transaction.hex(),
        "block": receipts[-1].block,
        "gas_used": sum(receipt.gas_used for receipt in receipts),
        "cost_wei": sum(receipt.cost for receipt in receipts),
        "transactions": len(receipts),
    }
