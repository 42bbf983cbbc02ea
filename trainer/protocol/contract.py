"""The contract's operations in Python: the same checks in the same order, the same events. Ghost model of the
contract's tests; what a call would do before it is sent.
"""

from __future__ import annotations

from trainer.protocol.accusations import Accusations
from trainer.protocol.calls import Anchor, Call, Revert
from trainer.protocol.challenges import Challenges
from trainer.protocol.membership import Membership
from trainer.protocol.pay import Pay
from trainer.protocol.places import Places
from trainer.protocol.rounds import Rounds
from trainer.protocol.seats import Seats

__all__ = ["Anchor", "Call", "Contract", "Revert"]


class Contract(Seats, Places, Rounds, Pay, Challenges, Accusations, Membership):
    """The whole state machine over a `RunState`. ZERO_ADDRESS, as default owner of the run, owns nothing."""
