"""Many mutants in one compile: each stands behind a switch that the test runner sets from outside.

The switch is the block's coinbase: the runner can set it for a run of tests, nothing else reads it, and reading it
changes no state. `pure` functions may not read it, so the copy's are made `view`: as many letters, and no offset moves.
"""

import re
from collections.abc import Iterable

from scripts.mutate.operators import Mutant, Span

BATCH = 48  # more switches make a compile longer and its repetition after a fault dearer


def edit_alone(source: bytes, mutant: Mutant) -> bytes:
    """The source with the mutant and nothing else."""
    after = (mutant.after or "{}").encode()
    return source[: mutant.span.start] + after + source[mutant.span.end :]


def relax(source: bytes) -> bytes:
    return re.sub(rb"\bpure\b", b"view", source)


def instrument(source: bytes, switched: Iterable[tuple[int, Mutant]]) -> tuple[bytes, list[tuple[Span, Mutant]]]:
    """The source with the mutants behind their numbers, and where in it each one's text is now. Hosts must be apart."""
    parts: list[bytes] = []
    places: list[tuple[Span, Mutant]] = []
    at = length = 0
    for number, mutant in sorted(switched, key=lambda pair: pair[1].host.start if pair[1].host else 0):
        if mutant.host is None:
            raise ValueError(f"{mutant.id} has no host")
        before = source[mutant.host.start : mutant.host.end]
        # A deleted statement leaves nothing between the braces.
        changed = (
            source[mutant.host.start : mutant.span.start]
            + mutant.after.encode()
            + source[mutant.span.end : mutant.host.end]
        )
        chosen = b"block.coinbase == address(uint160(%d))" % number
        if mutant.is_statement:
            # In braces: the `else` of an outer `if` must not find ours.
            text = b"{ if (%s) { %s } else { %s } }" % (chosen, changed, before)
        else:
            text = b"(%s ? (%s) : (%s))" % (chosen, changed, before)
        kept = source[at : mutant.host.start]
        parts += [kept, text]
        length += len(kept)
        places.append((Span(length, length + len(text)), mutant))
        length += len(text)
        at = mutant.host.end
    parts.append(source[at:])
    return relax(b"".join(parts)), places


def make_batches(mutants: Iterable[Mutant], size: int = BATCH) -> list[list[Mutant]]:
    """First fit: in a batch no two hosts overlap."""
    batches: list[list[Mutant]] = []
    for mutant in mutants:
        if mutant.host is None:
            continue
        for batch in batches:
            if len(batch) < size and all(is_apart(mutant, other) for other in batch):
                batch.append(mutant)
                break
        else:
            batches.append([mutant])
    return batches


def is_apart(one: Mutant, other: Mutant) -> bool:
    if one.host is None or other.host is None:
        return False
    return one.file != other.file or one.host.is_apart(other.host)
