// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Types of a training run
/// @notice Units: see ITrainingRun.
interface IRunTypes {
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
    /// @param rewardPerRound wei that all seats together can earn in a round
    /// @param checkReward wei that a cross-check earns, scaled by weight as pay is
    /// @param challengeBond wei of the bond of a challenge while none is open; also the most that a challenger wins
    /// @param invitationOnly only invited accounts take seats, and only accounts that have had a seat challenge
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
        uint128 rewardPerRound;
        uint128 checkReward;
        uint128 challengeBond;
        bool invitationOnly;
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
    /// @param closed the round is final or overturned, and the next one has not opened
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

    /// @notice What the next opening needs, and what is rare.
    /// @param nextActive weight that may act in the next round
    /// @param seated weight of all seats that have not left
    /// @param seats number of seat ids given
    /// @param missesFrom rounds before this one count no misses (they were overturned)
    /// @param openChallenges challenges neither answered nor executed nor lapsed
    /// @param epoch number of the newest group key; 0 = none
    /// @param departedIn round that `departed` is about
    /// @param departed weight of that round that has left while it was the current one
    /// @param stoppedAt time at which the owner stopped new rounds; 0 = not
    struct Roll {
        uint16 nextActive;
        uint16 seated;
        uint16 seats;
        uint24 missesFrom;
        uint16 openChallenges;
        uint32 epoch;
        uint24 departedIn;
        uint16 departed;
        uint32 stoppedAt;
    }

    /// @notice A seat. The first word is all that a round reads.
    /// @param operator hot account: commits, reveals, votes
    /// @param weight weight in rounds before `changesAt`
    /// @param nextWeight weight from round `changesAt` on: the stake, in weight units
    /// @param changesAt round of the newest change of weight
    /// @param from first round in which the seat may act; 0 = never so far, or its stake is paid out
    /// @param until last round in which the seat may act; all ones = no end. Benched: an end, and it has not left
    /// @param flags 1 = `nextOperator` takes over at `operatorFrom`, 2 = the stake is paid out, 4 = condemned before
    /// @param owner cold account: joins, leaves, withdraws, names the operator
    /// @param readyAt time from which the seat may activate
    /// @param leftAt time at which it left; 0 = has not left
    /// @param first first round that can be this holder's (a seat id may have had another holder before)
    /// @param named number of overturns that name the seat and are not settled
    /// @param nextOperator see flags
    /// @param operatorFrom see flags
    /// @param missesFrom rounds before this one count no misses
    /// @param settledTo height up to which the seat has been paid
    /// @param condemnedIn accusations for rounds up to this one are void
    struct Seat {
        address operator;
        uint8 weight;
        uint8 nextWeight;
        uint24 changesAt;
        uint24 from;
        uint24 until;
        uint8 flags;
        address owner;
        uint32 readyAt;
        uint32 leftAt;
        uint24 first;
        uint8 named;
        address nextOperator;
        uint24 operatorFrom;
        uint24 missesFrom;
        uint24 settledTo;
        uint24 condemnedIn;
    }

    /// @notice A stake that waits for the place of a lighter seat, or of one that left, in a run whose ids are all given.
    struct Bid {
        address owner;
        uint8 weight;
        uint32 readyAt;
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
    /// @param flags 1 = final, 2 = somebody voted for another outcome, 4 = an overturn ended it while it was the current round
    struct Ballot {
        bytes20 outcome;
        uint24 round;
        uint32 time;
        uint16 tally;
        uint16 base;
        uint8 flags;
    }

    /// @notice Votes for an outcome that was not the first; and accusers of a seat.
    struct Dissent {
        uint256 voters;
        uint256 tally;
    }

    /// @notice The state that a height has: leading bytes of its root, and the round that made it.
    struct Result {
        bytes26 root;
        uint24 round;
        uint24 height;
    }

    /// @notice None, Open, Answered, Executed (overturned; seats can be slashed), Cancelled (answered after it was executed: nobody is slashed), Lapsed.
    enum Status {
        None,
        Open,
        Answered,
        Executed,
        Cancelled,
        Lapsed
    }

    /// @notice A challenge of one chunk of one round's result.
    /// @param challenger who gets bond and prize if nobody answers
    /// @param time when it was posted; from the overturn on, when that was
    /// @param height the height that the round made
    /// @param status see Status
    /// @param oldRoot leading bytes of the root of the state before
    /// @param newRoot root of the challenged state
    /// @param bond wei still held
    /// @param prize wei that the challenger may still win out of slashes
    /// @param voters bitmap of the seats that are named by the overturn and not settled
    struct Challenge {
        address challenger;
        uint32 time;
        uint24 height;
        Status status;
        bytes26 oldRoot;
        bytes32 newRoot;
        uint128 bond;
        uint128 prize;
        uint256 voters;
    }

    /// @notice Sums over the first seats of an accepted set, as `answerPart` left them.
    /// @param next seats below this id are summed
    /// @param weight their weight
    /// @param lanes 64 words of sixteen 16-bit sums; empty at the start (then the other two are ignored)
    struct Sum {
        uint256 next;
        uint256 weight;
        uint256[] lanes;
    }

    /// @notice A condemnation of a seat: its pay of rounds final at or before `time` and not yet safe then is forfeited.
    /// @param witness who is paid first out of what is forfeited
    /// @param time of the condemnation
    /// @param left wei still owed to the witness
    struct Condemnation {
        address witness;
        uint32 time;
        uint128 left;
    }

    /// @notice An invitation that the run's owner signs (EIP-712); usable once.
    /// @param invitee the account that it admits; zero = whoever the one-time key names
    /// @param key address of a one-time key that signs `Acceptance(address account)` (EIP-712); ignored with an invitee
    /// @param deadline last second in which it can be used
    /// @param nonce tells invitations apart
    struct Invitation {
        address invitee;
        address key;
        uint64 deadline;
        uint256 nonce;
    }
}
