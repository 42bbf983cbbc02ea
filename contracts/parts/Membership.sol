// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrainingRun} from "../interfaces/ITrainingRun.sol";
import {RunStorage} from "./RunStorage.sol";

/// @title Membership: invitations, revocation, group keys, and the owner's stop
abstract contract Membership is RunStorage, ITrainingRun {
    bytes32 private constant DOMAIN_TYPE = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant INVITATION_TYPE = keccak256("Invitation(address invitee,address key,uint64 deadline,uint256 nonce)");
    bytes32 private constant ACCEPTANCE_TYPE = keccak256("Acceptance(address account)");

    modifier onlyOwner() {
        if (msg.sender != OWNER) revert NotRunOwner();
        _;
    }

    /// @inheritdoc ITrainingRun
    function admit(address account, Invitation calldata invitation, bytes calldata ownerSignature, bytes calldata keySignature) external {
        if (block.timestamp > invitation.deadline) revert TooLate(invitation.deadline);
        // The digest is what is used up, so another form of the same signature opens nothing.
        bytes32 digest = _digest(
            keccak256(abi.encode(INVITATION_TYPE, invitation.invitee, invitation.key, invitation.deadline, invitation.nonce))
        );
        if (_isUsed[digest]) revert AlreadyUsed();
        _requireSigner(OWNER, digest, ownerSignature);
        if (invitation.invitee == address(0)) {
            // A bearer invitation would be stolen in the mempool: the key names the account.
            _requireSigner(invitation.key, _digest(keccak256(abi.encode(ACCEPTANCE_TYPE, account))), keySignature);
        } else if (invitation.invitee != account) {
            revert NotInvited();
        }

        _isUsed[digest] = true;
        ++_invitations[account];
        emit Admitted(account, digest);
    }

    /// @inheritdoc ITrainingRun
    function revoke(uint8 seat) external onlyOwner {
        if (!_parameters.invitationOnly) revert OpenToAll();
        Seat storage s = _seats[seat];
        if (s.owner == address(0)) revert NoSeat();
        if (s.leftAt != 0) revert HasLeft();
        _depart(seat, s);
    }

    /// @inheritdoc ITrainingRun
    function announceGroupKey(bytes32 file) external onlyOwner {
        uint32 epoch = _roll.epoch + 1;
        _roll.epoch = epoch;
        emit GroupKeyAnnounced(epoch, file, _nextRound());
    }

    /// @inheritdoc ITrainingRun
    function stop() external onlyOwner {
        if (_roll.stoppedAt != 0) revert RunStopped();
        _roll.stoppedAt = uint32(block.timestamp);
        // Else a last round in which nobody commits would never end, and hold the pool.
        _startCap();
        emit Stopped();
    }

    // ------------------------------------------------------------------ internal

    /// @dev EIP-712, with the chain and this contract in the domain.
    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE, keccak256("Comitia"), keccak256("1"), block.chainid, address(this)));
        return keccak256(abi.encodePacked(bytes2(0x1901), domain, structHash));
    }

    function _requireSigner(address signer, bytes32 digest, bytes calldata signature) private pure {
        if (signature.length != 65) revert BadSignature();
        address found = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        if (found == address(0) || found != signer) revert BadSignature();
    }
}
