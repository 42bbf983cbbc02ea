// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrainingRun} from "./interfaces/ITrainingRun.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {Phases} from "./libraries/Phases.sol";
import {SignVote} from "./libraries/SignVote.sol";

/// @title One training run by vote
/// @notice See ITrainingRun.
contract TrainingRun is ITrainingRun {
    // ------------------------------------------------------------------ constants

    uint24 private constant FIRST_ROUND = 2; // a tip announced before the first round (round 0) serves from 0 + 2
    uint24 private constant FOREVER = type(uint24).max;
    uint256 private constant MAX_SEATS = 256; // one bitmap word
    uint256 private constant MAX_PEER_BYTES = 256;
    uint256 private constant MAX_RING = 1 << 16;
    uint8 private constant FINAL = 1;
    uint8 private constant DISSENT = 2;

    // ------------------------------------------------------------------ parameters (immutable: a configuration word read in a round costs 2,100 gas)

    /// @inheritdoc ITrainingRun
    address public immutable owner;
    /// @inheritdoc ITrainingRun
    bytes32 public immutable runDomain;
    /// @inheritdoc ITrainingRun
    uint64 public immutable horizon;
    bytes32 private immutable COMMITMENT_DOMAIN;
    bytes32 private immutable OUTCOME_DOMAIN;
    uint256 private immutable COMMIT_MIN;
    uint256 private immutable GRACE;
    uint256 private immutable COMMIT_CAP;
    uint256 private immutable REVEAL_WINDOW;
    uint256 private immutable VOTE_WINDOW;
    uint256 private immutable RING;
    uint256 private immutable MIN_WEIGHT;
    uint256 private immutable TOTAL_HEIGHTS;
    uint256 private immutable SLOT_BUSY; // seconds after finality

    // ------------------------------------------------------------------ storage

    Clock private _clock; // one word; the only one that commit and reveal share
    Roll private _roll;
    /// @inheritdoc ITrainingRun
    uint256 public staked;
    Parameters private _parameters; // for views and rare calls

    // Fixed arrays: the slot is arithmetic, not a hash. Ring slot = round % RING; records carry their round and are never cleared.
    Seat[MAX_SEATS] private _seats;
    Ballot[MAX_RING] private _ballots;
    uint256[MAX_RING] private _voters; // for the ballot's outcome
    uint256[MAX_RING] private _dissenters; // for other outcomes; live only under the DISSENT flag
    uint256[MAX_RING] private _accepted;
    uint256[MAX_RING] private _checked;
    Result[MAX_RING] private _results;
    Entry[MAX_SEATS * MAX_RING] private _entries;
    mapping(bytes32 outcome => Dissent) private _dissents;

    /// @dev Leading bytes of the final state root, and the height it made.
    struct Result {
        bytes29 root;
        uint24 height;
    }

    constructor(Parameters memory p) {
        Bounds.check(p, MAX_RING);
        owner = msg.sender;
        runDomain = _domain("comitia.run.v1");
        COMMITMENT_DOMAIN = _domain("comitia.commitment.v1");
        OUTCOME_DOMAIN = _domain("comitia.outcome.v1");
        horizon = uint64(p.challengeWindow) + 2 * uint64(p.answerWindow);
        COMMIT_MIN = p.commitMin;
        GRACE = p.grace;
        COMMIT_CAP = p.commitCap;
        REVEAL_WINDOW = p.revealWindow;
        VOTE_WINDOW = p.voteWindow;
        RING = p.ring;
        MIN_WEIGHT = p.minWeight;
        TOTAL_HEIGHTS = p.totalHeights;
        SLOT_BUSY = horizon + p.settleWindow;
        _parameters = p;
    }

    // ------------------------------------------------------------------ seats

    /// @inheritdoc ITrainingRun
    function join(uint8 weight, address operator, bytes32 tip, string calldata peer) external payable returns (uint8 seat) {
        (Phase current,) = _phase();
        if (current == Phase.Finished) revert RunFinished();
        if (weight == 0) revert BadWeight();
        if (operator == address(0)) revert BadOperator();
        if (bytes(peer).length > MAX_PEER_BYTES) revert PeerTooLong(bytes(peer).length);
        uint256 stake = uint256(weight) * _parameters.weightUnit;
        if (msg.value != stake) revert WrongStake(stake);
        uint256 id = _roll.seats;
        if (id == MAX_SEATS) revert RunFull();

        seat = uint8(id);
        _roll.seats = uint16(id + 1);
        _roll.seated += weight;
        staked += stake;
        _seats[id] = Seat({
            operator: operator,
            weight: weight,
            from: 0,
            until: FOREVER,
            owner: msg.sender,
            readyAt: uint40(block.timestamp + _parameters.activateDelay),
            leftAt: 0
        });
        emit Joined(seat, msg.sender, operator, weight, _clock.round, tip, peer);
    }

    /// @inheritdoc ITrainingRun
    function activate(uint8 seat) external {
        Seat storage s = _seats[seat];
        if (msg.sender != s.operator && msg.sender != s.owner) revert NotOperator(s.operator);
        if (s.until != FOREVER) revert HasLeft();
        if (s.from != 0) revert AlreadyActive(s.from);
        if (block.timestamp < s.readyAt) revert TooEarly(s.readyAt);

        // INVARIANT: the weight of an open round never changes; a seat enters with the next opening.
        uint24 from = _nextRound();
        s.from = from;
        _roll.nextActive += s.weight;
        emit Activated(seat, from, s.weight);
    }

    /// @inheritdoc ITrainingRun
    function leave(uint8 seat) external {
        Seat storage s = _seats[seat];
        if (msg.sender != s.owner) revert NotOwner(s.owner);
        if (s.until != FOREVER) revert HasLeft();

        uint24 last = _clock.round;
        s.until = last;
        s.leftAt = uint40(block.timestamp);
        if (s.from != 0) _roll.nextActive -= s.weight;
        _roll.seated -= s.weight;
        // INVARIANT: no round outlives the seats it waits for: with two thirds of the base gone, no commit would ever start the clock.
        Clock storage c = _clock;
        if (c.commitEnd == Phases.NO_END && s.from != 0 && s.from <= last) {
            c.commitEnd = uint32(block.timestamp + Phases.stretched(COMMIT_CAP, c.stretch));
        }
        emit Left(seat, last, s.weight);
    }

    /// @inheritdoc ITrainingRun
    function withdraw(uint8 seat, address payable to) external {
        Seat storage s = _seats[seat];
        if (msg.sender != s.owner) revert NotOwner(s.owner);
        if (s.until == FOREVER) revert NotLeft();
        uint256 free = _freeAt(seat, s);
        if (block.timestamp < free) revert TooEarly(uint64(free));

        uint256 amount = uint256(s.weight) * _parameters.weightUnit;
        staked -= amount;
        // The seat is gone before the transfer: a call back finds nothing to take, and a seat without a stake can no longer vote.
        delete _seats[seat];
        emit Withdrawn(seat, to, amount);
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed();
    }

    // ------------------------------------------------------------------ rounds

    /// @inheritdoc ITrainingRun
    function openRound() external {
        (Phase current,) = _phase();
        if (current == Phase.Finished) revert RunFinished();
        if (current != Phase.Idle && current != Phase.Void && current != Phase.Final) revert WrongPhase(current);
        uint8 stretch = _clock.stretch;
        if (current == Phase.Void && stretch < Phases.MAX_STRETCH) ++stretch;

        (uint256 active, uint256 base, uint256 busyUntil) = _nextOpening();
        if (!Phases.isTwoThirds(active, base)) revert TooLittleWeight(uint16(active), uint16(base));
        if (block.timestamp < busyUntil) revert SlotBusy(uint64(busyUntil));
        _open(_clock.height, stretch, active, base);
    }

    /// @inheritdoc ITrainingRun
    function commit(uint32 round, uint8 seat, uint64 anchorNumber, bytes32 anchorHash, bytes32 commitment, bytes32 sealedDigest) external {
        // Everything that a write would make the compiler read again is read first (100 gas each).
        Clock storage c = _clock;
        (uint256 committed, uint256 active, uint256 base) = (c.committed, c.active, c.base);
        (uint256 end, uint256 stretch) = (c.commitEnd, c.stretch);
        if (c.round != round) revert WrongRound(c.round);
        if (!Phases.isCommit(c, block.timestamp)) revert WrongPhase(phase());
        uint8 weight = _requireActing(seat, round);
        if (anchorNumber < c.openedBlock) revert BadAnchor(anchorNumber);
        _requireAnchor(anchorNumber, anchorHash);
        Entry storage e = _entry(round, seat);
        if (e.round == round) revert AlreadyCommitted();

        _write(e, commitment, weight, round, 0);
        bool hadTwoThirds = Phases.isTwoThirds(committed, base);
        committed += weight;
        if (committed == active) {
            end = block.timestamp;
        } else {
            // The cap is set once: here or by a departure (`leave`).
            if (end == Phases.NO_END && Phases.isThird(committed, base)) end = block.timestamp + Phases.stretched(COMMIT_CAP, stretch);
            if (!hadTwoThirds && Phases.isTwoThirds(committed, base)) {
                // INVARIANT: whoever trains within commitMin is never shut out by the speed of others. Later commits change nothing.
                uint256 promised = c.openedAt + Phases.stretched(COMMIT_MIN, stretch);
                uint256 early = block.timestamp + Phases.stretched(GRACE, stretch);
                if (early < promised) early = promised;
                if (early < end) end = early;
            }
        }
        c.committed = uint16(committed);
        c.commitEnd = uint32(end);
        emit Committed(round, seat, sealedDigest);
    }

    /// @inheritdoc ITrainingRun
    function reveal(uint32 round, uint8 seat, bytes32 gradientRoot, bytes32 key, uint256 haves) external {
        Clock storage c = _clock;
        (uint256 committed, uint256 revealed) = (c.committed, c.revealed);
        if (c.round != round) revert WrongRound(c.round);
        if (!Phases.isReveal(c, block.timestamp, REVEAL_WINDOW)) revert WrongPhase(phase());
        Entry storage e = _entry(round, seat);
        if (e.round != round) revert NotCommitted();
        if (e.stage != 0) revert AlreadyRevealed();
        // The commitment binds the sender, so no seat is read: who committed is the operator of that round.
        bytes32 commitment = keccak256(abi.encode(COMMITMENT_DOMAIN, round, seat, msg.sender, gradientRoot));
        if (e.digest != bytes27(commitment)) revert CommitmentMismatch();

        uint8 weight = e.weight;
        _write(e, gradientRoot, weight, round, 1);
        revealed += weight;
        c.revealed = uint16(revealed);
        if (revealed == committed) c.revealEnd = uint32(block.timestamp);
        emit Revealed(round, seat, gradientRoot, key, haves);
    }

    /// @inheritdoc ITrainingRun
    function vote(
        uint32 round,
        uint8 seat,
        uint64 anchorNumber,
        bytes32 anchorHash,
        uint256 accepted,
        uint256 checked,
        bytes32 newStateRoot
    ) external {
        if (accepted == 0) revert EmptySet();
        uint256 weight = _requireActing(seat, round);
        _requireAnchor(anchorNumber, anchorHash);
        bytes32 outcome = keccak256(abi.encode(OUTCOME_DOMAIN, round, accepted, checked, newStateRoot));
        uint256 bit = 1 << seat;
        uint256 slot = round % RING;
        Ballot storage b = _ballots[slot];
        if (b.round != round) {
            // The first voter copies the deadline and the base, so that later voters never read the clock.
            if (_clock.round != round) revert WrongRound(_clock.round);
            (Phase current, uint256 end) = _phase();
            if (current != Phase.Vote) revert WrongPhase(current);
            _ballots[slot] = Ballot(bytes20(outcome), uint24(round), uint32(end), 0, _clock.base, 0);
            _voters[slot] = 0;
            emit Proposed(round, outcome, accepted, checked, newStateRoot);
        }
        (uint256 tally, uint256 base, uint256 flags) = (b.tally, b.base, b.flags);
        bool isFinal = flags & FINAL != 0;
        bool isForBallot = b.outcome == bytes20(outcome);
        if (isFinal ? !_isLastHeight(round, slot) : block.timestamp >= b.time) revert RoundClosed();
        uint256 voters = _voters[slot];
        uint256 dissenters = flags & DISSENT == 0 ? 0 : _dissenters[slot];
        if ((voters | dissenters) & bit != 0) revert AlreadyVoted();

        if (isFinal) {
            if (!isForBallot) revert NotFinalOutcome(b.outcome);
            _voters[slot] = voters | bit;
            emit Voted(round, seat, outcome);
        } else if (isForBallot) {
            tally += weight;
            voters |= bit;
            b.tally = uint16(tally);
            _voters[slot] = voters;
            emit Voted(round, seat, outcome);
            if (Phases.isTwoThirds(tally, base)) _finalise(round, accepted, checked, newStateRoot, voters);
        } else {
            Dissent storage d = _dissents[outcome];
            uint256 backers = d.voters | bit;
            if (backers == bit) emit Proposed(round, outcome, accepted, checked, newStateRoot);
            emit Voted(round, seat, outcome);
            tally = d.tally + weight;
            dissenters |= bit;
            b.flags = uint8(flags | DISSENT);
            d.voters = backers;
            d.tally = tally;
            if (Phases.isTwoThirds(tally, base)) {
                // The outcome of the quorum takes the ballot's place; all who voted stay marked.
                dissenters = (voters | dissenters) & ~backers;
                _voters[slot] = backers;
                b.outcome = bytes20(outcome);
                b.tally = uint16(tally);
                _finalise(round, accepted, checked, newStateRoot, backers);
            }
            _dissenters[slot] = dissenters;
        }
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc ITrainingRun
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc ITrainingRun
    function clock() external view returns (Clock memory) {
        return _clock;
    }

    /// @inheritdoc ITrainingRun
    function roll() external view returns (Roll memory) {
        return _roll;
    }

    /// @inheritdoc ITrainingRun
    function phase() public view returns (Phase current) {
        (current,) = _phase();
    }

    /// @inheritdoc ITrainingRun
    function deadline() external view returns (uint64) {
        (, uint256 end) = _phase();
        return end == Phases.NO_END ? type(uint64).max : uint64(end);
    }

    /// @inheritdoc ITrainingRun
    function seats(uint8 seat) external view returns (Seat memory) {
        return _seats[seat];
    }

    /// @inheritdoc ITrainingRun
    function entry(uint32 round, uint8 seat) external view returns (Entry memory e) {
        Entry storage stored = _entry(round, seat);
        if (stored.round == round) e = stored;
    }

    /// @inheritdoc ITrainingRun
    function ballot(uint32 round) external view returns (Ballot memory vote_, uint256 voters, uint256 dissenters) {
        uint256 slot = round % RING;
        if (round == 0 || _ballots[slot].round != round) return (vote_, 0, 0);
        vote_ = _ballots[slot];
        voters = _voters[slot];
        if (vote_.flags & DISSENT != 0) dissenters = _dissenters[slot];
    }

    /// @inheritdoc ITrainingRun
    function result(uint32 round) external view returns (bytes29 root, uint24 height, uint256 accepted, uint256 checked) {
        uint256 slot = round % RING;
        if (_ballots[slot].round != round || _ballots[slot].flags & FINAL == 0) return (0, 0, 0, 0);
        return (_results[slot].root, _results[slot].height, _accepted[slot], _checked[slot]);
    }

    /// @inheritdoc ITrainingRun
    function dissent(bytes32 outcome) external view returns (Dissent memory) {
        return _dissents[outcome];
    }

    /// @inheritdoc ITrainingRun
    function stepAt(uint32 height) external view returns (uint32) {
        if (height >= TOTAL_HEIGHTS) revert RunFinished();
        Parameters storage p = _parameters;
        return uint32(SignVote.stepAt(height, p.peakStep, p.warmup, p.decay, p.totalHeights));
    }

    // ------------------------------------------------------------------ internal: rounds

    function _phase() private view returns (Phase, uint256) {
        return Phases.current(_clock, block.timestamp, REVEAL_WINDOW, VOTE_WINDOW, TOTAL_HEIGHTS);
    }

    /// @dev Reverts unless the sender operates the seat and the seat may act in `round`; returns its weight. Reads the seat's first word only.
    function _requireActing(uint8 seat, uint256 round) private view returns (uint8) {
        Seat storage s = _seats[seat];
        if (msg.sender != s.operator) revert NotOperator(s.operator);
        // INVARIANT: `from` of an active seat is at least FIRST_ROUND, so round 0 (an untouched ring slot) never passes.
        if (s.from == 0 || round < s.from || round > s.until) revert NotActive(s.from, s.until);
        return s.weight;
    }

    /// @dev The anchor binds the transaction to this fork. Blocks older than 256 have no hash here.
    function _requireAnchor(uint64 number, bytes32 hash) private view {
        if (hash == 0 || blockhash(number) != hash) revert BadAnchor(number);
    }

    /// @dev Whether no later height than that of the final `round` is final.
    function _isLastHeight(uint256 round, uint256 slot) private view returns (bool) {
        Clock storage c = _clock;
        // Nearly always the next round is open, which saves a read.
        return (c.round == round + 1 && !c.closed) || c.height == _results[slot].height;
    }

    function _finalise(uint32 round, uint256 accepted, uint256 checked, bytes32 root, uint256 voters) private {
        uint256 slot = round % RING;
        Ballot storage b = _ballots[slot];
        b.time = uint32(block.timestamp);
        b.flags |= FINAL;
        Clock storage c = _clock;
        uint24 height = c.height + 1;
        _results[slot] = Result(bytes29(root), height);
        _accepted[slot] = accepted;
        _checked[slot] = checked;
        emit RoundFinal(round, height, accepted, checked, root, voters);

        // Finality never reverts: where the next round cannot open at once, anybody opens it later.
        (uint256 active, uint256 base, uint256 busyUntil) = _nextOpening();
        if (height == TOTAL_HEIGHTS || !Phases.isTwoThirds(active, base) || block.timestamp < busyUntil) {
            c.height = height;
            c.closed = true;
            c.stretch = 0;
        } else {
            _open(height, 0, active, base);
        }
    }

    /// @dev What the next opening would have: active weight, base, and the time until which its ring slot is taken (0: free).
    function _nextOpening() private view returns (uint256 active, uint256 base, uint256 busyUntil) {
        Roll storage r = _roll;
        active = r.nextActive;
        base = Phases.baseOf(active, r.seated, MIN_WEIGHT);
        Ballot storage b = _ballots[_nextRound() % RING];
        // Void rounds free their slot at once; a final one after its horizon and the time to settle it.
        if (b.flags & FINAL != 0) busyUntil = b.time + SLOT_BUSY;
    }

    function _open(uint24 height, uint8 stretch, uint256 active, uint256 base) private {
        Clock storage c = _clock;
        uint24 round = _nextRound();
        uint64 previous = c.openedBlock;
        c.round = round;
        c.height = height;
        c.openedAt = uint32(block.timestamp);
        c.commitEnd = Phases.NO_END;
        c.revealEnd = 0;
        c.stretch = stretch;
        c.active = uint16(active);
        c.base = uint16(base);
        c.committed = 0;
        c.revealed = 0;
        c.openedBlock = uint32(block.number);
        c.closed = false;
        emit RoundOpened(round, height, uint16(active), uint16(base), stretch, previous);
    }

    function _nextRound() private view returns (uint24 round) {
        round = _clock.round;
        return round == 0 ? FIRST_ROUND : round + 1;
    }

    function _entry(uint256 round, uint256 seat) private view returns (Entry storage) {
        unchecked {
            return _entries[(round % RING) * MAX_SEATS + seat];
        }
    }

    function _write(Entry storage e, bytes32 digest, uint8 weight, uint256 round, uint8 stage) private {
        e.digest = bytes27(digest);
        e.weight = weight;
        e.round = uint24(round);
        e.stage = stage;
    }

    // ------------------------------------------------------------------ internal: money

    /// @dev Time from which the stake of a seat that left is free. Its last counted vote is in the round in which it left, or in one final before that.
    function _freeAt(uint8 seat, Seat storage s) private view returns (uint256) {
        uint256 last = s.until;
        uint256 left = s.leftAt;
        uint256 free = left + horizon;
        bool isCurrent = _clock.round == last;
        (Phase current,) = _phase();
        bool isOpen = isCurrent && (current == Phase.Commit || current == Phase.Reveal || current == Phase.Vote);
        Ballot storage b = _ballots[last % RING];
        if (last != 0 && b.round == last) {
            bool isFinal = b.flags & FINAL != 0;
            uint256 cast = _voters[last % RING];
            if (!isFinal && b.flags & DISSENT != 0) cast |= _dissenters[last % RING];
            if ((cast >> seat) & 1 != 0) {
                if (isFinal && b.time + horizon > free) free = b.time + horizon;
                // INVARIANT: a stake behind an outcome that may yet become final does not leave.
                if (!isFinal && isOpen) revert VoteUndecided(b.time);
            }
        }
        // Leaving needs no round to end.
        if (isOpen && left + _parameters.leaveDelay > free) free = left + _parameters.leaveDelay;
        return free;
    }

    // ------------------------------------------------------------------ internal: construction

    function _domain(string memory tag) private view returns (bytes32) {
        return keccak256(abi.encode(keccak256(bytes(tag)), block.chainid, address(this)));
    }
}
