// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "./IRunTypes.sol";

/// @title Errors of a training run
interface IRunErrors is IRunTypes {
    /// @notice A constructor argument is out of bounds.
    error BadParameter(string name);
    /// @notice The call belongs to another phase than the current one.
    error WrongPhase(Phase current);
    /// @notice The call names another round than the current one.
    error WrongRound(uint32 current);
    /// @notice The anchor is not a recent block of this chain, or older than the round's opening.
    error BadAnchor(uint64 number);
    /// @notice Only the seat's operator may do this.
    error NotOperator(address operator);
    /// @notice Only the seat's owner may do this.
    error NotOwner(address owner);
    /// @notice The seat may not act in this round.
    error NotActive(uint32 from, uint32 until);
    /// @notice The seat is active already.
    error AlreadyActive(uint32 from);
    /// @notice The seat has committed in this round.
    error AlreadyCommitted();
    /// @notice The seat has not committed in this round.
    error NotCommitted();
    /// @notice The seat has revealed in this round.
    error AlreadyRevealed();
    /// @notice The gradient root is not the one committed to by this sender.
    error CommitmentMismatch();
    /// @notice The seat has voted in this round.
    error AlreadyVoted();
    /// @notice A vote must accept somebody.
    error EmptySet();
    /// @notice A late vote counts only for the final outcome.
    error NotFinalOutcome(bytes20 outcome);
    /// @notice The next height is final: no more votes for this round.
    error RoundClosed();
    /// @notice Weight must be 1..255.
    error BadWeight();
    /// @notice The operator must not be the zero address.
    error BadOperator();
    /// @notice Exactly this many wei of stake must be sent.
    error WrongStake(uint256 expected);
    /// @notice All 256 seats have been given: bid for one.
    error RunFull();
    /// @notice The peer address is longer than 256 bytes.
    error PeerTooLong(uint256 length);
    /// @notice The seat has left.
    error HasLeft();
    /// @notice The seat has not left.
    error NotLeft();
    /// @notice Not before this time.
    error TooEarly(uint64 time);
    /// @notice The seat's vote is in a round that is not decided: wait until then.
    error VoteUndecided(uint64 time);
    /// @notice The last height is final: no round opens any more.
    error RunFinished();
    /// @notice Too little weight is active: no round opens while 3 * active <= 2 * base.
    error TooLittleWeight(uint16 active, uint16 base);
    /// @notice The ring slot of the next round is still within its horizon.
    error SlotBusy(uint64 time);
    /// @notice The transfer to the recipient failed.
    error TransferFailed();
    /// @notice The owner has stopped new rounds.
    error RunStopped();
    /// @notice Nobody has this seat.
    error NoSeat();
    /// @notice The seat is named by an overturn that is not settled.
    error NamedByOverturn(uint8 count);
    /// @notice The stake has been paid out.
    error AlreadyWithdrawn();
    /// @notice The seat did not miss this round, or it is too old or not over.
    error NotMissed(uint256 round);
    /// @notice Pay from before the last change of weight is not settled: settle first, when it is safe.
    error Unsettled(uint32 settledTo);
    /// @notice Seats are still free: join.
    error RunNotFull();
    /// @notice A bid must weigh more than twice what it takes the place of.
    error BidTooLow(uint8 other);
    /// @notice Only the bidder may do this.
    error NotBidder(address bidder);
    /// @notice Seats must be named in ascending order, each once.
    error NotAscending();
    /// @notice There is nothing to pay out.
    error NothingToClaim();
    /// @notice Only the owner of the run may do this.
    error NotRunOwner();
    /// @notice Not after this time.
    error TooLate(uint64 time);
    /// @notice That round did not make that height, or it was overturned.
    error NotStanding(uint32 round);
    /// @notice The round's state root begins otherwise.
    error WrongRoot(bytes26 root);
    /// @notice The state has only this many chunks.
    error NoSuchChunk(uint32 chunks);
    /// @notice This chunk of this round has been challenged.
    error AlreadyChallenged();
    /// @notice The bond is higher (it doubles with every open challenge).
    error BondTooLow(uint256 bond);
    /// @notice In an invitation-only run only accounts that have had a seat may challenge.
    error NeverSeated();
    /// @notice The challenge is not in a state that allows this.
    error WrongStatus(Status status);
    /// @notice The sums are not those of the sender's last part.
    error WrongProgress();
    /// @notice The answer has parts of a wrong length, or more seats than were accepted.
    error WrongLength();
    /// @notice A seat was accepted that has not revealed: nobody can answer.
    error NotRevealed(uint8 seat);
    /// @notice The chunk is not part of what the seat revealed.
    error WrongGradient(uint8 seat);
    /// @notice The bits of an accepted seat are missing.
    error SeatMissing(uint256 next);
    /// @notice The chunk is not part of the state before.
    error WrongOldState();
    /// @notice The step leads to another state: the challenge is right, or the path is wrong.
    error WrongNewState();
    /// @notice The seat is not named by this overturn, or is settled.
    error NotNamed();
    /// @notice A seat cannot accuse itself.
    error SelfAccused();
    /// @notice Accusations up to this round are void.
    error AlreadyCondemned(uint32 round);
    /// @notice The seat has accused already.
    error AlreadyAccused();
    /// @notice The run is open to all.
    error OpenToAll();
    /// @notice The sender has no invitation left.
    error NotInvited();
    /// @notice The signature is not that of the run's owner, or of the invitation's key.
    error BadSignature();
    /// @notice The invitation has been used.
    error AlreadyUsed();
}
