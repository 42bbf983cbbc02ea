// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

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
interface ITrainingRun {
    // ------------------------------------------------------------------ types

    /// @notice Where the run stands at a given time.
    /// Idle: no round has opened yet. Void: the round failed, the next may be opened. Final: the round is final, the next could not open at once.
    enum Phase {
        Idle,
        Commit,
        Reveal,
        Vote,
        Void,
        Final,
        Finished
    }

    /// @notice Constructor arguments; all public through `parameters()`.
    /// @param genesisRoot state root of height 0
    /// @param specDigest sha2-256 of the run specification (one raw block on IPFS)
    /// @param parameterCount P, the true number of parameters
    /// @param commitMin seconds after the opening during which a commit is always possible while somebody is missing
    /// @param grace seconds left to the others once more than two thirds of the base have committed
    /// @param commitCap seconds left once more than a third of the base has committed
    /// @param revealWindow seconds to reveal
    /// @param voteWindow seconds to vote; the phase ends at the quorum
    /// @param challengeWindow seconds after finality during which a round can be challenged
    /// @param answerWindow seconds to answer a challenge
    /// @param settleWindow seconds after the horizon before a ring slot may be used again
    /// @param activateDelay seconds a seat stays benched after joining before it may activate (about two rounds)
    /// @param leaveDelay seconds after which leaving no longer waits for the current round to end
    /// @param ring number of rounds whose records are kept
    /// @param weightUnit wei of stake for one unit of weight
    /// @param minWeight the base is never below this weight
    /// @param peakStep the largest integer step, below 2^17
    /// @param warmup heights over which the step grows linearly
    /// @param decay heights over which the step falls linearly at the end
    /// @param totalHeights good rounds after which the run is finished
    struct Parameters {
        bytes32 genesisRoot;
        bytes32 specDigest;
        uint64 parameterCount;
        uint32 commitMin;
        uint32 grace;
        uint32 commitCap;
        uint32 revealWindow;
        uint32 voteWindow;
        uint32 challengeWindow;
        uint32 answerWindow;
        uint32 settleWindow;
        uint32 activateDelay;
        uint32 leaveDelay;
        uint32 ring;
        uint128 weightUnit;
        uint16 minWeight;
        uint32 peakStep;
        uint32 warmup;
        uint32 decay;
        uint32 totalHeights;
    }

    /// @notice The current round: one storage word, the only one that commit and reveal share.
    /// @param round id of the current (or last) round; 0 before the first
    /// @param height good rounds so far; the round trains from the state of this height
    /// @param openedAt time of the opening
    /// @param commitEnd end of the commit phase; all ones while it is not known
    /// @param revealEnd end of the reveal phase if all revealed before its window; else 0
    /// @param stretch void rounds in a row (bounded): windows are 1.5^stretch as long
    /// @param active weight that may act in this round
    /// @param base the base of all fractions of this round
    /// @param committed weight that committed
    /// @param revealed weight that revealed
    /// @param openedBlock block number of the opening
    /// @param closed the round is final and the next one has not opened
    struct Clock {
        uint24 round;
        uint24 height;
        uint32 openedAt;
        uint32 commitEnd;
        uint32 revealEnd;
        uint8 stretch;
        uint16 active;
        uint16 base;
        uint16 committed;
        uint16 revealed;
        uint32 openedBlock;
        bool closed;
    }

    /// @notice What the next opening needs.
    /// @param nextActive weight that may act in the next round
    /// @param seated weight of all seats that have not left
    /// @param seats number of seats ever given
    struct Roll {
        uint16 nextActive;
        uint16 seated;
        uint16 seats;
    }

    /// @notice A seat. The first word is all that a round reads.
    /// @param operator hot account: commits, reveals, votes
    /// @param weight stake in weight units
    /// @param from first round in which the seat may act; 0 = benched
    /// @param until last round in which the seat may act; all ones = no end
    /// @param owner cold account: joins, leaves, withdraws
    /// @param readyAt time from which the seat may activate
    /// @param leftAt time of `leave`; 0 = has not left
    struct Seat {
        address operator;
        uint8 weight;
        uint24 from;
        uint24 until;
        address owner;
        uint40 readyAt;
        uint40 leftAt;
    }

    /// @notice A seat's word in a ring slot: first the commitment, then, in place, the gradient root (leading 27 bytes of either).
    /// @param digest leading bytes of commitment (stage 0) or gradient root (stage 1)
    /// @param weight the seat's weight in that round
    /// @param round round id: the entry is live only if it matches; nothing is ever cleared
    /// @param stage 0 committed, 1 revealed
    struct Entry {
        bytes27 digest;
        uint8 weight;
        uint24 round;
        uint8 stage;
    }

    /// @notice The vote of a round, one word per ring slot.
    /// @param outcome leading 20 bytes of the first (later: the final) outcome
    /// @param round round id: live only if it matches
    /// @param time deadline of the vote; once final, the time of finality
    /// @param tally weight behind `outcome` when it became final, or so far
    /// @param base the round's base
    /// @param flags 1 = final, 2 = somebody voted for another outcome
    struct Ballot {
        bytes20 outcome;
        uint24 round;
        uint32 time;
        uint16 tally;
        uint16 base;
        uint8 flags;
    }

    /// @notice Votes for an outcome that was not the first.
    struct Dissent {
        uint256 voters;
        uint256 tally;
    }

    // ------------------------------------------------------------------ events: `seat` is no topic where a round pays for it (119 gas each)

    /// @notice A seat was taken. `round` is the current round id: the tip's key chain serves from `round + 2`.
    event Joined(uint8 indexed seat, address indexed owner, address indexed operator, uint8 weight, uint32 round, bytes32 tip, string peer);
    /// @notice The seat may act from round `fromRound` on.
    event Activated(uint8 indexed seat, uint32 fromRound, uint8 weight);
    /// @notice The seat acts in no round after `lastRound`; its stake is free at the horizon.
    event Left(uint8 indexed seat, uint32 lastRound, uint8 weight);
    /// @notice The stake of a seat that left was paid out, in wei.
    event Withdrawn(uint8 indexed seat, address indexed to, uint256 amount);
    /// @notice A round opened; everybody trains from the state of `height`. `previousBlock` is the block that opened the round before (0 for the first).
    event RoundOpened(uint32 indexed round, uint32 indexed height, uint16 active, uint16 base, uint8 stretch, uint64 previousBlock);
    /// @notice A seat committed to a sealed blob; its CID is CIDv1(raw, sha2-256, sealedDigest).
    event Committed(uint32 indexed round, uint8 seat, bytes32 sealedDigest);
    /// @notice A seat opened its blob. `haves`: bit i = it holds the sealed bytes of seat i, verified.
    event Revealed(uint32 indexed round, uint8 seat, bytes32 gradientRoot, bytes32 key, uint256 haves);
    /// @notice An outcome was voted for the first time.
    event Proposed(uint32 indexed round, bytes32 indexed outcome, uint256 accepted, uint256 checked, bytes32 newStateRoot);
    /// @notice A seat voted for an outcome (its preimage is in `Proposed`).
    event Voted(uint32 indexed round, uint8 seat, bytes32 outcome);
    /// @notice More than two thirds of the base stand behind one outcome: `stateRoot` is the state of `height`.
    event RoundFinal(uint32 indexed round, uint32 indexed height, uint256 accepted, uint256 checked, bytes32 stateRoot, uint256 voters);

    // ------------------------------------------------------------------ errors

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
    /// @notice All 256 seats have been given.
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

    // ------------------------------------------------------------------ seats

    /// @notice Takes a seat, benched, with `weight * weightUnit` wei of stake. The sender becomes its owner.
    /// @param weight 1..255
    /// @param operator the account that will commit, reveal and vote
    /// @param tip tip of the seat's sha2-256 key chain
    /// @param peer multiaddr of the seat's IPFS node, with its peer id; at most 256 bytes
    /// @return seat the id of the seat
    function join(uint8 weight, address operator, bytes32 tip, string calldata peer) external payable returns (uint8 seat);

    /// @notice Lets the seat act from the next round on; by owner or operator, once `activateDelay` has passed since it joined.
    function activate(uint8 seat) external;

    /// @notice Leaves: the seat acts in no later round. By the owner. Where the current round waits for a third of its base to commit, the cap starts.
    function leave(uint8 seat) external;

    /// @notice Pays the stake of a seat that left to `to`, once its last counted vote is past the horizon. By the owner.
    function withdraw(uint8 seat, address payable to) external;

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

    // ------------------------------------------------------------------ views

    /// @notice The constructor's arguments.
    function parameters() external view returns (Parameters memory);

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

    /// @notice The result of a final round: leading 29 bytes of the state root, the height it made, the accepted set; all zero otherwise.
    function result(uint32 round) external view returns (bytes29 root, uint24 height, uint256 accepted, uint256 checked);

    /// @notice Weight and voters behind an outcome that was not the first of its round.
    function dissent(bytes32 outcome) external view returns (Dissent memory);

    /// @notice The integer step of the round that goes from `height` to `height + 1`.
    function stepAt(uint32 height) external view returns (uint32);

    /// @notice Sum of all stakes held, in wei.
    function staked() external view returns (uint256);

    /// @notice Seconds from finality until pay vests and stakes are free: challengeWindow + 2 * answerWindow.
    function horizon() external view returns (uint64);
}
