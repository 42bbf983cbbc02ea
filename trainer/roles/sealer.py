"""From trained bits to a sealed blob: header, plaintext, seal."""

from __future__ import annotations

import hashlib
import math

from trainer.protocol.gradient import Header, encode_plaintext
from trainer.protocol.run_state import RunState
from trainer.protocol.sealing import seal
from trainer.protocol.session import TrainingKey

UINT32_MAX = (1 << 32) - 1


def seal_gradient(
    run: RunState,
    seat: int,
    key: TrainingKey,
    bits: bytes,
    mean_loss: float,
    chain_key: bytes,
    numerics: str,
    sample: bytes,
) -> bytes:
    """Sealed blob of a seat's bits (Ppad/8 bytes) for the round of `key`. `mean_loss` in nats and `numerics` are
    self-reported. sample: of its cross-check, 512 bytes, NO_SAMPLE without one.
    """
    header = Header(
        seat=seat,
        round=key.round,
        height=key.height,
        parameter_count=run.parameters.parameter_count,
        profile=hashlib.sha256(numerics.encode()).digest()[:8],
        loss=min(max(round(mean_loss * 65_536), 0), UINT32_MAX) if math.isfinite(mean_loss) else UINT32_MAX,
        sample=sample,
    )
    return seal(encode_plaintext(header, bits), chain_key, run_domain=run.domains.run, round=key.round, seat=seat)
