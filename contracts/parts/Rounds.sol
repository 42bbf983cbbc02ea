// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrainingRun} from "../interfaces/ITrainingRun.sol";
import {Phases} from "../libraries/Phases.sol";
import {RunStorage} from "./RunStorage.sol";

/// @title Rounds: commit, reveal, vote
abstract contract Rounds is RunStorage, ITrainingRun {
    /// @inheritdoc ITrainingRun
    bytes32 public immutable runDomain;
    bytes32 private immutable COMMITMENT_DOMAIN;

    constructor() {
        runDomain = _domain("comitia.run.v1", address(this));
        COMMITMENT_DOMAIN = _domain("comitia.commitment.v1", address(this));
    }

    /// @inheritdoc ITrainingRun
    function openRound() external {
        (Phase current,) = _phase();
        if (current == Phase.Finished) revert RunFinished();
        if (current != Phase.Idle && current != Phase.Void && current != Phase.Final) revert WrongPhase(current);
        if (_roll.stoppedAt != 0) revert RunStopped();
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
        if (!Phases.isCommit(c, block.timestamp)) revert WrongPhase(_currentPhase());
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
        if (!Phases.isReveal(c, block.timestamp, REVEAL_WINDOW)) revert WrongPhase(_currentPhase());
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
        if (flags & OVERTURNED != 0 || (isFinal ? !_isLastHeight(round) : block.timestamp >= b.time)) revert RoundClosed();
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

    // ------------------------------------------------------------------ internal

    /// @dev The anchor binds the transaction to this fork. Blocks older than 256 have no hash here.
    function _requireAnchor(uint64 number, bytes32 hash) private view {
        if (hash == 0 || blockhash(number) != hash) revert BadAnchor(number);
    }

    function _finalise(uint32 round, uint256 accepted, uint256 checked, bytes32 root, uint256 voters) private {
        uint256 slot = round % RING;
        Ballot storage b = _ballots[slot];
        b.time = uint32(block.timestamp);
        b.flags |= FINAL;
        Clock storage c = _clock;
        uint24 height = c.height + 1;
        _results[height % (RING + 1)] = Result(bytes26(root), uint24(round), height);
        _accepted[slot] = accepted;
        _checked[slot] = checked;
        emit RoundFinal(round, height, accepted, checked, root, voters);

        // Finality never reverts: where the next round cannot open at once, anybody opens it later.
        (uint256 active, uint256 base, uint256 busyUntil) = _nextOpening();
        if (height == TOTAL_HEIGHTS || _roll.stoppedAt != 0 || !Phases.isTwoThirds(active, base) || block.timestamp < busyUntil) {
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
        // Void rounds free their slot at once; a final one after its HORIZON and the time to settle it.
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

    function _write(Entry storage e, bytes32 digest, uint8 weight, uint256 round, uint8 stage) private {
        e.digest = bytes27(digest);
        e.weight = weight;
        e.round = uint24(round);
        e.stage = stage;
    }

    function _currentPhase() private view returns (Phase current) {
        (current,) = _phase();
    }
}
