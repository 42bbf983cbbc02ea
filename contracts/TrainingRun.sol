// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrainingRun} from "./interfaces/ITrainingRun.sol";
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
    uint256 private constant MAX_WINDOW = 365 days; // keeps every deadline inside 32 bits
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
    uint256 private immutable TOTAL_HEIGHTS;

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
        _check(p);
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
        TOTAL_HEIGHTS = p.totalHeights;
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
        _open(stretch, active, base);
    }

    /// @inheritdoc ITrainingRun
    function commit(uint32 round, uint8 seat, uint64 anchorNumber, bytes32 anchorHash, bytes32 commitment, bytes32 sealedDigest) external {
        _requirePhase(round, Phase.Commit);
        Clock storage c = _clock;
        uint8 weight = _requireActing(seat, round);
        if (anchorNumber < c.openedBlock) revert BadAnchor(anchorNumber);
        _requireAnchor(anchorNumber, anchorHash);
        Entry storage e = _entry(round, seat);
        if (e.round == round) revert AlreadyCommitted();

        _write(e, commitment, weight, round, 0);
        uint256 base = c.base;
        uint256 committed = uint256(c.committed) + weight;
        c.committed = uint16(committed);
        if (committed == c.active) {
            c.commitEnd = uint32(block.timestamp);
        } else if (Phases.isThird(committed, base)) {
            uint256 end = c.commitEnd;
            uint256 stretch = c.stretch;
            // Set once, when the third is passed; a third is passed before or together with two thirds.
            if (end == Phases.NO_END) end = block.timestamp + Phases.stretched(COMMIT_CAP, stretch);
            if (Phases.isTwoThirds(committed, base)) {
                // Whoever trains within commitMin is never shut out by the speed of others. Only ever earlier: a later commit does not extend the phase.
                uint256 promised = c.openedAt + Phases.stretched(COMMIT_MIN, stretch);
                uint256 early = block.timestamp + Phases.stretched(GRACE, stretch);
                if (early < promised) early = promised;
                if (early < end) end = early;
            }
            c.commitEnd = uint32(end);
        }
        emit Committed(round, seat, sealedDigest);
    }

    /// @inheritdoc ITrainingRun
    function reveal(uint32 round, uint8 seat, bytes32 gradientRoot, bytes32 key, uint256 haves) external {
        _requirePhase(round, Phase.Reveal);
        Entry storage e = _entry(round, seat);
        if (e.round != round) revert NotCommitted();
        if (e.stage != 0) revert AlreadyRevealed();
        // The commitment binds the sender, so no seat is read: who committed is the operator of that round.
        bytes32 commitment = keccak256(abi.encode(COMMITMENT_DOMAIN, round, seat, msg.sender, gradientRoot));
        if (e.digest != bytes27(commitment)) revert CommitmentMismatch();

        uint8 weight = e.weight;
        _write(e, gradientRoot, weight, round, 1);
        Clock storage c = _clock;
        uint256 revealed = uint256(c.revealed) + weight;
        c.revealed = uint16(revealed);
        if (revealed == c.committed) c.revealEnd = uint32(block.timestamp);
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
        uint256 slot = round % RING;
        Ballot storage b = _ballots[slot];
        bytes32 outcome = keccak256(abi.encode(OUTCOME_DOMAIN, round, accepted, checked, newStateRoot));
        uint256 bit = 1 << seat;
        uint256 voters;
        if (b.round != round) {
            uint256 end = _requirePhase(round, Phase.Vote);
            // The first voter copies the deadline and the base, so that later voters never read the clock.
            b.outcome = bytes20(outcome);
            b.round = uint24(round);
            b.time = uint32(end);
            b.tally = 0;
            b.base = _clock.base;
            b.flags = 0;
            emit Proposed(round, outcome, accepted, checked, newStateRoot);
        } else {
            if (b.flags & FINAL == 0 ? block.timestamp >= b.time : _results[slot].height != _clock.height) revert RoundClosed();
            voters = _voters[slot];
            if ((voters | (b.flags & DISSENT == 0 ? 0 : _dissenters[slot])) & bit != 0) revert AlreadyVoted();
        }

        if (b.outcome == bytes20(outcome)) {
            _voters[slot] = voters | bit;
            emit Voted(round, seat, outcome);
            if (b.flags & FINAL != 0) return;
            uint256 tally = b.tally + weight;
            b.tally = uint16(tally);
            if (Phases.isTwoThirds(tally, b.base)) _finalise(round, accepted, checked, newStateRoot, voters | bit);
        } else {
            if (b.flags & FINAL != 0) revert NotFinalOutcome(b.outcome);
            Dissent storage d = _dissents[outcome];
            if (d.voters == 0) emit Proposed(round, outcome, accepted, checked, newStateRoot);
            emit Voted(round, seat, outcome);
            uint256 others = (b.flags & DISSENT == 0 ? 0 : _dissenters[slot]) | bit;
            b.flags |= DISSENT;
            uint256 backers = d.voters | bit;
            uint256 tally = d.tally + weight;
            d.voters = backers;
            d.tally = tally;
            if (Phases.isTwoThirds(tally, b.base)) {
                // The outcome of the quorum takes the ballot's place; all who voted stay marked.
                _dissenters[slot] = (voters | others) & ~backers;
                _voters[slot] = backers;
                b.outcome = bytes20(outcome);
                b.tally = uint16(tally);
                _finalise(round, accepted, checked, newStateRoot, backers);
            } else {
                _dissenters[slot] = others;
            }
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
    function phase() external view returns (Phase current) {
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

    /// @dev Reverts unless `round` is current and in `wanted`; returns the end of the phase.
    function _requirePhase(uint256 round, Phase wanted) private view returns (uint256) {
        if (_clock.round != round) revert WrongRound(_clock.round);
        (Phase current, uint256 end) = _phase();
        if (current != wanted) revert WrongPhase(current);
        return end;
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

    function _finalise(uint32 round, uint256 accepted, uint256 checked, bytes32 root, uint256 voters) private {
        uint256 slot = round % RING;
        Ballot storage b = _ballots[slot];
        b.flags |= FINAL;
        b.time = uint32(block.timestamp);
        Clock storage c = _clock;
        uint24 height = c.height + 1;
        _results[slot] = Result(bytes29(root), height);
        _accepted[slot] = accepted;
        _checked[slot] = checked;
        c.height = height;
        emit RoundFinal(round, height, accepted, checked, root, voters);

        // Finality never reverts: where the next round cannot open at once, anybody opens it later.
        (uint256 active, uint256 base, uint256 busyUntil) = _nextOpening();
        if (height == TOTAL_HEIGHTS || !Phases.isTwoThirds(active, base) || block.timestamp < busyUntil) {
            c.closed = true;
            c.stretch = 0;
        } else {
            _open(0, active, base);
        }
    }

    /// @dev What the next opening would have: active weight, base, and the time until which its ring slot is taken (0: free).
    function _nextOpening() private view returns (uint256 active, uint256 base, uint256 busyUntil) {
        Roll storage r = _roll;
        active = r.nextActive;
        base = Phases.baseOf(active, r.seated, _parameters.minWeight);
        Ballot storage b = _ballots[_nextRound() % RING];
        // Void rounds free their slot at once; a final one after its horizon and the time to settle it.
        if (b.flags & FINAL != 0) busyUntil = b.time + horizon + _parameters.settleWindow;
    }

    function _open(uint8 stretch, uint256 active, uint256 base) private {
        Clock storage c = _clock;
        uint24 round = _nextRound();
        uint64 previous = c.openedBlock;
        _clock = Clock({
            round: round,
            height: c.height,
            openedAt: uint32(block.timestamp),
            commitEnd: Phases.NO_END,
            revealEnd: 0,
            stretch: stretch,
            active: uint16(active),
            base: uint16(base),
            committed: 0,
            revealed: 0,
            openedBlock: uint32(block.number),
            closed: false
        });
        emit RoundOpened(round, c.height, uint16(active), uint16(base), stretch, previous);
    }

    function _nextRound() private view returns (uint24 round) {
        round = _clock.round;
        return round == 0 ? FIRST_ROUND : round + 1;
    }

    function _entry(uint256 round, uint256 seat) private view returns (Entry storage) {
        return _entries[(round % RING) * MAX_SEATS + seat];
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

    function _check(Parameters memory p) private pure {
        if (p.parameterCount == 0 || p.parameterCount > 1 << 32) revert BadParameter("parameterCount");
        _checkWindow(p.commitMin, "commitMin");
        _checkWindow(p.grace, "grace");
        _checkWindow(p.commitCap, "commitCap");
        // Else the cap could end a phase before the promise of commitMin.
        if (p.commitCap < p.commitMin) revert BadParameter("commitCap");
        _checkWindow(p.revealWindow, "revealWindow");
        _checkWindow(p.voteWindow, "voteWindow");
        _checkWindow(p.challengeWindow, "challengeWindow");
        _checkWindow(p.answerWindow, "answerWindow");
        _checkWindow(p.settleWindow, "settleWindow");
        _checkWindow(p.activateDelay, "activateDelay");
        _checkWindow(p.leaveDelay, "leaveDelay");
        // The ring covers the horizon at the pace of a round in which nobody is late.
        uint256 covered = uint256(p.ring) * p.commitMin;
        if (p.ring < 2 || p.ring > MAX_RING || covered < uint256(p.challengeWindow) + 2 * uint256(p.answerWindow) + p.settleWindow) {
            revert BadParameter("ring");
        }
        if (p.weightUnit == 0) revert BadParameter("weightUnit");
        if (p.minWeight == 0) revert BadParameter("minWeight");
        if (p.peakStep == 0 || p.peakStep >= SignVote.STEP_LIMIT) revert BadParameter("peakStep");
        if (p.totalHeights == 0 || p.totalHeights >= FOREVER) revert BadParameter("totalHeights");
        if (p.warmup == 0) revert BadParameter("warmup");
        if (p.decay == 0 || uint256(p.warmup) + p.decay > p.totalHeights) revert BadParameter("decay");
    }

    function _checkWindow(uint256 window, string memory name) private pure {
        if (window == 0 || window > MAX_WINDOW) revert BadParameter(name);
    }
}
