"""Membership: invitations, revocation, group keys, and the owner's stop (contracts/parts/Membership.sol)."""

from __future__ import annotations

from collections.abc import Callable

from trainer.protocol.calls import Call, Part, Revert
from trainer.protocol.events import Admitted, GroupKeyAnnounced, Stopped
from trainer.protocol.messages import Invitation, compute_acceptance_digest, compute_invitation_digest
from trainer.protocol.records import ZERO_ADDRESS
from trainer.protocol.types import Event

Signer = Callable[[bytes], str]  # digest -> address


class Membership(Part):
    """Operations of the run's owner, and of who was invited."""

    def admit(
        self, call: Call, account: str, invitation: Invitation, owner_signer: Signer, key_signer: Signer
    ) -> list[Event]:
        """Uses an invitation. `owner_signer`, `key_signer`: who signed a digest, by the signatures that come with the
        call; the zero address where that is nobody.
        """
        if call.block.time > invitation.deadline:
            raise Revert("TooLate", invitation.deadline)
        digest = compute_invitation_digest(self.state.domains, invitation)
        if digest in self.state.used_invitations:
            raise Revert("AlreadyUsed")
        self._require_signer(self.owner, owner_signer(digest))
        if invitation.invitee == ZERO_ADDRESS:
            acceptance = compute_acceptance_digest(self.state.domains, account)
            self._require_signer(invitation.key, key_signer(acceptance))
        elif invitation.invitee != account:
            raise Revert("NotInvited")
        return self._emit(Admitted(call.block, account, digest))

    def revoke(self, call: Call, seat: int) -> list[Event]:
        """Makes a seat of an invitation-only run leave."""
        self._require_owner(call)
        if not self.state.parameters.invitation_only:
            raise Revert("OpenToAll")
        s = self.state.find_holder(seat)
        if s.owner == ZERO_ADDRESS:
            raise Revert("NoSeat")
        if s.has_left:
            raise Revert("HasLeft")
        return self._depart(call, s)

    def announce_group_key(self, call: Call, file: bytes) -> list[Event]:
        """Announces the group key of the next rounds."""
        self._require_owner(call)
        return self._emit(GroupKeyAnnounced(call.block, self.state.epoch + 1, file, self.state.next_round))

    def stop(self, call: Call) -> list[Event]:
        """Stops new rounds, for ever."""
        self._require_owner(call)
        if self.state.stopped_at:
            raise Revert("RunStopped")
        return self._emit(Stopped(call.block))

    # ------------------------------------------------------------------ internal

    def _require_owner(self, call: Call) -> None:
        if call.sender != self.owner:
            raise Revert("NotRunOwner")

    def _require_signer(self, signer: str, found: str) -> None:
        if found in (ZERO_ADDRESS, "") or found != signer:
            raise Revert("BadSignature")
