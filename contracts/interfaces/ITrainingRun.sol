// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "./IRunErrors.sol";
import {IRunEvents} from "./IRunEvents.sol";

/// @title One training run by vote
/// @notice Records rounds and stakes, takes 32-byte gradient hashes, and counts stake-weighted votes on the hash of the next model state.
/// The contract never sees a parameter. docs/protocol.md gives the rules, the bytes that are hashed, and the reasons.
///
/// Trust, safety: a state becomes final only when seats with more than two thirds of the base weight voted for its hash; anybody can recompute that hash from
/// the events and the blobs on IPFS. No role can move a stake; there is no upgrade key. Trust, liveness: rounds go on while more than two thirds of the base act;
/// losing up to half of the seated weight heals by benching. Leaving never needs anybody else.
///
/// Units: weights are whole numbers of `weightUnit` wei of stake (1..255 a seat); times are seconds of chain time; round ids count up for ever from 2 and never
/// repeat; a height counts good rounds. Phases are half-open in time, [start, end), derived from the clock and the counts, never ticked by an account.
interface ITrainingRun is IRunErrors, IRunEvents {
    // ------------------------------------------------------------------ seats

    /// @notice Takes a seat, benched, with `weight * weightUnit` wei of stake. The sender becomes its owner.
    /// @param weight 1..255
    /// @param operator the account that will commit, reveal and vote
    /// @param tip tip of the seat's sha2-256 key chain
    /// @param peer multiaddr of the seat's IPFS node, with its peer id; at most 256 bytes
    /// @return seat the id of the seat
    function join(uint8 weight, address operator, bytes32 tip, string calldata peer) external payable returns (uint8 seat);

    /// @notice Lets the seat act from the next round on; by owner or operator, once `activateDelay` has passed since it joined or was benched.
    function activate(uint8 seat) external;

    /// @notice Leaves: the seat acts in no later round. By the owner. Where too much has left for a third of the round's base to commit, the cap starts.
    function leave(uint8 seat) external;

    /// @notice Pays the stake of a seat that left to `to`, once its last counted vote is past the horizon. By the owner; a former holder first.
    function withdraw(uint8 seat, address payable to) external;

    /// @notice Adds `by * weightUnit` wei to the stake; the weight counts from the next round on. By the owner.
    function topUp(uint8 seat, uint8 by) external payable;

    /// @notice Names the account that commits, reveals and votes from the next round on. By the owner.
    function setOperator(uint8 seat, address operator) external;

    /// @notice Announces where the seat's IPFS node is. By owner or operator.
    function setPeer(uint8 seat, string calldata peer) external;

    /// @notice Announces a new key chain, which serves from two rounds after the current one. By owner or operator.
    function announceTip(uint8 seat, bytes32 tip) external;

    /// @notice Benches a seat that missed the rounds `round`, `round + 1` and `round + 2`, the last of which is at most two rounds back; by anybody.
    function bench(uint8 seat, uint32 round) external;

    /// @notice Makes a seat leave that has been benched for longer than challengeWindow + answerWindow after it could activate; by anybody. Its stake stays its owner's.
    function retire(uint8 seat) external;

    // ------------------------------------------------------------------ places in a full run

    /// @notice Stakes `weight * weightUnit` wei on the place of a seat of less than half that weight, or of one that left, once all ids are given.
    function bid(uint8 seat, uint8 weight) external payable;

    /// @notice Credits a bid's stake to its owner; by the bidder.
    function withdrawBid(uint8 seat) external;

    /// @notice Takes the place, once `activateDelay` has passed since the bid: its holder acts in no later round and leaves with its stake. The bidder may activate
    /// the seat at once; a worker waits until its tip serves.
    function takeSeat(uint8 seat, address operator, bytes32 tip, string calldata peer) external;

    // ------------------------------------------------------------------ rounds

    /// @notice Opens the next round when the last one is over (void, or final and closed) or none has opened; by anybody.
    function openRound() external;

    /// @notice Commits to a sealed gradient.
    /// @param round the current round
    /// @param seat the sender's seat
    /// @param anchorNumber number of a block at or after the round's opening, at most 256 blocks old
    /// @param anchorHash its hash: the transaction counts on no other fork
    /// @param commitment keccak256(abi.encode(commitment domain, round, seat, sender, gradientRoot))
    /// @param sealedDigest sha2-256 of the sealed blob
    function commit(uint32 round, uint8 seat, uint64 anchorNumber, bytes32 anchorHash, bytes32 commitment, bytes32 sealedDigest) external;

    /// @notice Opens the commitment and passes the blob's key on.
    /// @param round the current round
    /// @param seat the sender's seat
    /// @param gradientRoot root of the chunk tree over the gradient's bits
    /// @param key the seat's chain key of this round (checked by everybody off chain, not here)
    /// @param haves bit i: the sender holds and serves the sealed blob of seat i
    function reveal(uint32 round, uint8 seat, bytes32 gradientRoot, bytes32 key, uint256 haves) external;

    /// @notice Votes for the next state. At the quorum the round is final and the next one opens. Later votes for the final outcome count until the next height is final.
    /// @param round the round voted on
    /// @param seat the sender's seat
    /// @param anchorNumber number of a block that holds, or follows, every reveal the voter counted; at most 256 blocks old
    /// @param anchorHash its hash: the vote counts on no other fork
    /// @param accepted bit i: the gradient of seat i is part of the sum
    /// @param checked bit i: the cross-check done by seat i holds
    /// @param newStateRoot root of the chunk tree over the next state
    function vote(
        uint32 round,
        uint8 seat,
        uint64 anchorNumber,
        bytes32 anchorHash,
        uint256 accepted,
        uint256 checked,
        bytes32 newStateRoot
    ) external;

    // ------------------------------------------------------------------ money

    /// @notice Adds the wei sent to the pool that rounds are paid from; by anybody.
    function fund() external payable;

    /// @notice Pays seats for their next `count` safe heights, into their owners' credits; by anybody for anybody. A pay that the pool does not hold waits.
    /// @param holders seat ids, ascending; id + 256 = the former holder of the seat
    function settle(uint16[] calldata holders, uint32 count) external;

    /// @notice Pays the sender's credit to `to`.
    function claim(address payable to) external;

    /// @notice Pays what the pool still holds to `to`, when the run is over and all that was earned could be settled; by the run's owner.
    function sweep(address payable to) external;

    // ------------------------------------------------------------------ challenges

    /// @notice Challenges one chunk of the state that `round` made, within challengeWindow of its finality; by anybody (see `invitationOnly`).
    /// The bond is `nextBond()`; what is sent beyond it is credited.
    /// @param round the round
    /// @param height the height that it made
    /// @param chunk index of the chunk of 1,024 parameters
    /// @param stateRoot the root that it voted for: the challenge counts for no other
    function challenge(uint32 round, uint32 height, uint32 chunk, bytes32 stateRoot) external payable;

    /// @notice Adds seats to the sender's sums for an answer that does not fit one transaction.
    /// @param sum the sums so far, as they were after the sender's last part; empty lanes = start
    /// @param gradients for each further accepted seat, ascending: 128 bytes of bits, then the path in its gradient tree
    function answerPart(uint32 round, uint32 chunk, Sum calldata sum, bytes calldata gradients) external;

    /// @notice Shows that the chunk is right: the contract recomputes the integer step. Half of the bond goes to the sender, half is burnt.
    /// @param sum as in `answerPart`
    /// @param gradients as in `answerPart`, all that are missing
    /// @param oldChunk 4,096 bytes of the state before
    /// @param oldPath its path in the state before
    /// @param newPath the chunk's path in the challenged state
    function answer(
        uint32 round,
        uint32 chunk,
        Sum calldata sum,
        bytes calldata gradients,
        bytes calldata oldChunk,
        bytes calldata oldPath,
        bytes calldata newPath
    ) external;

    /// @notice Executes a challenge that nobody answered within answerWindow; by anybody, for another answerWindow.
    function overturn(uint32 round, uint32 chunk) external;

    /// @notice Ends an open challenge that was not executed in time, or whose round another overturn took; by anybody.
    function lapse(uint32 round, uint32 chunk) external;

    /// @notice Settles one voter of an overturned round, an answerWindow after the overturn (at once if it was cancelled); by anybody.
    function slash(uint32 round, uint32 chunk, uint8 seat) external;

    /// @notice Accuses a seat of dishonest training in a final round that is not safe yet.
    /// @param round the round
    /// @param height the height that it made
    /// @param seat the sender's seat
    /// @param accused the accused seat
    /// @param gradientRoot what the accused revealed: the accusation counts on no other fork
    /// @param witness the checker who saw it; the accused itself = none
    function accuse(uint32 round, uint32 height, uint8 seat, uint8 accused, bytes32 gradientRoot, uint8 witness) external;

    // ------------------------------------------------------------------ membership

    /// @notice Uses an invitation for `account`; by anybody.
    /// @param ownerSignature the run owner's, 65 bytes, over the invitation (EIP-712)
    /// @param keySignature the one-time key's, over `Acceptance(address account)` (EIP-712); empty with an invitee
    function admit(address account, Invitation calldata invitation, bytes calldata ownerSignature, bytes calldata keySignature) external;

    /// @notice Makes a seat of an invitation-only run leave; its stake stays its owner's. By the run's owner.
    function revoke(uint8 seat) external;

    /// @notice Announces the group key of the next rounds. By the run's owner.
    /// @param file sha2-256 of the age file that wraps the key to every member
    function announceGroupKey(bytes32 file) external;

    /// @notice Stops new rounds, for ever. By the run's owner. Where the current round waits for a third of its base to commit, the cap starts.
    function stop() external;

    // ------------------------------------------------------------------ views

    /// @notice The constructor's arguments.
    function parameters() external view returns (Parameters memory);

    /// @notice The contract whose code this run executes for everything that is not part of a round; created with it, for ever the same.
    function settlement() external view returns (address);

    /// @notice The account that deployed the run.
    function owner() external view returns (address);

    /// @notice Domain of everything off chain: keccak256(abi.encode(keccak256("comitia.run.v1"), chainid, this)).
    function runDomain() external view returns (bytes32);

    /// @notice The current round as stored.
    function clock() external view returns (Clock memory);

    /// @notice What the next opening needs.
    function roll() external view returns (Roll memory);

    /// @notice The phase at the time of the block this call runs in.
    function phase() external view returns (Phase);

    /// @notice End of the current phase in chain time; all ones where it has no known end.
    function deadline() external view returns (uint64);

    /// @notice A seat by id.
    function seats(uint8 seat) external view returns (Seat memory);

    /// @notice The entry of a seat in a round; all zero if that round's record is gone or the seat did not commit.
    function entry(uint32 round, uint8 seat) external view returns (Entry memory);

    /// @notice The ballot of a round and the voters of its outcome and of others; all zero if gone or nobody voted.
    function ballot(uint32 round) external view returns (Ballot memory vote_, uint256 voters, uint256 dissenters);

    /// @notice The state of a height: leading 26 bytes of its root, and the round that made it with its sets; all zero if it is gone or was overturned.
    function result(uint32 height) external view returns (bytes26 root, uint24 round, uint256 accepted, uint256 checked);

    /// @notice Weight and voters behind an outcome that was not the first of its round.
    function dissent(bytes32 outcome) external view returns (Dissent memory);

    /// @notice The integer step of the round that goes from `height` to `height + 1`.
    function stepAt(uint32 height) external view returns (uint32);

    /// @notice Sum of all stakes held, bids included, in wei.
    function staked() external view returns (uint256);

    /// @notice Wei that rounds can still be paid from.
    function pool() external view returns (uint128);

    /// @notice Wei that belong to nobody any more.
    function burnt() external view returns (uint128);

    /// @notice Wei that an account can claim.
    function credit(address account) external view returns (uint256);

    /// @notice The holder of a seat id before its present one; all zero if none, or if paid in full.
    function formerSeats(uint8 seat) external view returns (Seat memory);

    /// @notice The bid for a seat's place.
    function bids(uint8 seat) external view returns (Bid memory);

    /// @notice The challenge of a chunk of a round.
    function challenges(uint32 round, uint32 chunk) external view returns (Challenge memory);

    /// @notice Bond of the next challenge, in wei.
    function nextBond() external view returns (uint256);

    /// @notice Accusers of a seat in a round, by witness.
    function accusation(uint32 round, uint8 accused, uint8 witness) external view returns (Dissent memory);

    /// @notice Seats that an account may still take in an invitation-only run.
    function invitations(address account) external view returns (uint32);

    /// @notice Seconds from finality until pay vests and stakes are free: challengeWindow + 2 * answerWindow.
    function horizon() external view returns (uint64);
}
