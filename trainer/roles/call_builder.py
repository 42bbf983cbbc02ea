"""The transaction that a session asked for, with what this machine holds."""

from __future__ import annotations

from trainer.chain import calls
from trainer.chain.calls import Call
from trainer.protocol.messages import Domains, compute_commitment
from trainer.protocol.session import Outcome, Send, Work
from trainer.protocol.types import BlockRef

NO_KEY = bytes(32)  # after a change of operators the chain may be another's: a key that is valid for nobody


def build_call(
    action: Send,
    seat: int,
    domains: Domains,
    head: BlockRef,
    sender: str,
    work: Work | None,
    own: Outcome | None,
    key: bytes | None,
) -> Call:
    """The call of an action. `work` and `own` outcome are those of its round; `head` is the anchor."""
    round_id, call = action.round, None
    match action.kind:
        case "activate":
            call = calls.activate(seat)
        case "open":
            call = calls.open_round()
        case "bench":
            call = calls.bench(action.seat, round_id)
        case "commit" if work:
            commitment = compute_commitment(domains, round_id, seat, sender, work.gradient_root)
            call = calls.commit(round_id, seat, head, commitment, work.sealed_digest)
        case "reveal" if work:
            call = calls.reveal(round_id, seat, work.gradient_root, key or NO_KEY, action.haves)
        case "vote" if own:
            call = calls.vote(round_id, seat, head, own.accepted, own.checked, own.state_root)
        case "accuse" if charge := action.charge:
            call = calls.accuse(round_id, charge.height, seat, charge.accused, charge.gradient_root, charge.witness)
    if call is None:
        raise ValueError(f"no transaction {action.kind!r} of round {round_id}")
    return call
