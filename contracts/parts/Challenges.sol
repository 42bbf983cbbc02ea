// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChunkTree} from "../libraries/ChunkTree.sol";
import {SignVote} from "../libraries/SignVote.sol";
import {RunStorage} from "./RunStorage.sol";

/// @title Challenges: a wrong sum is refuted by recomputing one chunk, even if all voters collude
abstract contract Challenges is RunStorage {
    /// @notice See ITrainingRun.
    function challenge(uint32 round, uint32 height, uint32 chunk, bytes32 stateRoot) external payable {
        if (!_isStanding(round, height)) revert NotStanding(round);
        Ballot storage b = _ballots[round % RING];
        uint256 end = uint256(b.time) + _parameters.challengeWindow;
        // A round whose record is gone is long safe.
        if (b.round != round || block.timestamp >= end) revert TooLate(uint64(end));
        // INVARIANT: the root is the whole one that was voted for, and nothing that the challenger could choose: else no answer would fit.
        if (bytes20(_outcome(round, stateRoot)) != b.outcome) revert WrongRoot(_result(height).root);
        if (chunk >= _chunks()) revert NoSuchChunk(_chunks());
        Challenge storage c = _challenges[round][chunk];
        if (c.status != Status.None) revert AlreadyChallenged();
        if (_parameters.invitationOnly && !_hasSat[msg.sender]) revert NeverSeated();
        uint256 bond = _nextBond();
        if (msg.value < bond) revert BondTooLow(bond);

        ++_roll.openChallenges;
        if (msg.value != bond) _credit[msg.sender] += msg.value - bond;
        _challenges[round][chunk] = Challenge({
            challenger: msg.sender,
            time: uint32(block.timestamp),
            height: uint24(height),
            status: Status.Open,
            oldRoot: _result(height - 1).root,
            newRoot: stateRoot,
            bond: uint128(bond),
            prize: _parameters.challengeBond,
            voters: 0
        });
        emit Challenged(round, chunk, msg.sender, height, bond, stateRoot, msg.value - bond);
    }

    /// @notice See ITrainingRun.
    function answerPart(uint32 round, uint32 chunk, Sum calldata sum, bytes calldata gradients) external {
        _requireAnswerable(_challenges[round][chunk]);
        (uint256[64] memory lanes, uint256 weight, uint256 next) = _add(round, chunk, sum, gradients);
        _progress[_partKey(round, chunk)] = keccak256(abi.encode(next, weight, lanes));
        emit AnswerAdvanced(round, chunk, msg.sender, next, weight);
    }

    /// @notice See ITrainingRun.
    function answer(
        uint32 round,
        uint32 chunk,
        Sum calldata sum,
        bytes calldata gradients,
        bytes calldata oldChunk,
        bytes calldata oldPath,
        bytes calldata newPath
    ) external {
        Challenge storage c = _challenges[round][chunk];
        _requireAnswerable(c);
        uint256 path = 32 * ChunkTree.depthOf(_chunks());
        if (oldChunk.length != SignVote.STATE_BYTES || oldPath.length != path || newPath.length != path) revert WrongLength();
        if (bytes26(ChunkTree.root(ChunkTree.stateLeaf(chunk, oldChunk), chunk, oldPath)) != c.oldRoot) revert WrongOldState();
        (uint256[64] memory lanes, uint256 weight, uint256 next) = _add(round, chunk, sum, gradients);
        if (_accepted[round % RING] >> next != 0) revert SeatMissing(next);
        bytes memory newChunk = abi.encodePacked(SignVote.stepChunk(oldChunk, lanes, weight, _stepAt(c.height - 1)));
        if (ChunkTree.root(ChunkTree.stateLeaf(chunk, newChunk), chunk, newPath) != c.newRoot) revert WrongNewState();
        // Else a root with garbage beyond the last chunk would be right in every chunk, and false all the same.
        if (!ChunkTree.isPadded(chunk, newPath, _chunks())) revert WrongNewState();

        bool isLate = c.status == Status.Executed;
        c.status = isLate ? Status.Cancelled : Status.Answered;
        if (!isLate) --_roll.openChallenges;
        uint256 reward = c.bond / 2;
        _burnt += uint128(c.bond - reward);
        c.bond = 0;
        _credit[msg.sender] += reward;
        emit Answered(round, chunk, msg.sender, reward, isLate);
    }

    /// @notice See ITrainingRun.
    function overturn(uint32 round, uint32 chunk) external {
        Challenge storage c = _challenges[round][chunk];
        if (c.status != Status.Open) revert WrongStatus(c.status);
        uint256 start = c.time + ANSWER_WINDOW;
        if (block.timestamp < start) revert TooEarly(uint64(start));
        if (block.timestamp >= start + ANSWER_WINDOW) revert TooLate(uint64(start + ANSWER_WINDOW));
        uint24 height = c.height;
        if (!_isStanding(round, height)) revert NotStanding(round);

        --_roll.openChallenges;
        c.status = Status.Executed;
        c.time = uint32(block.timestamp);
        c.voters = _voters[round % RING];
        --height;
        uint24 last = _clock.round;
        _fallTo(height);
        emit Overturned(round, chunk, height, last, c.voters);
        // INVARIANT: who voted for what nobody could show neither acts nor takes its stake out before it is settled.
        uint256 rest = c.voters;
        for (uint256 id; rest != 0; ++id) {
            if (rest & 1 != 0) {
                Seat storage s = _holderAt(uint8(id), round);
                ++s.named;
                if (_isActivated(s)) _bench(uint8(id), s);
            }
            rest >>= 1;
        }
    }

    /// @notice See ITrainingRun.
    function lapse(uint32 round, uint32 chunk) external {
        Challenge storage c = _challenges[round][chunk];
        if (c.status != Status.Open) revert WrongStatus(c.status);
        uint256 end = c.time + 2 * ANSWER_WINDOW;
        if (block.timestamp < end && _isStanding(round, c.height)) revert TooEarly(uint64(end));
        c.status = Status.Lapsed;
        --_roll.openChallenges;
        _returnBond(c);
        emit ChallengeLapsed(round, chunk);
    }

    /// @notice See ITrainingRun.
    function slash(uint32 round, uint32 chunk, uint8 seat) external {
        Challenge storage c = _challenges[round][chunk];
        if (c.status != Status.Executed && c.status != Status.Cancelled) revert WrongStatus(c.status);
        if ((c.voters >> seat) & 1 == 0) revert NotNamed();
        bool isGuilty = c.status == Status.Executed;
        uint256 time = c.time + ANSWER_WINDOW;
        if (isGuilty && block.timestamp < time) revert TooEarly(uint64(time));

        c.voters &= ~(1 << uint256(seat));
        Seat storage s = _holderAt(seat, round);
        --s.named;
        uint8 lost;
        uint256 prize;
        if (isGuilty) {
            uint8 kept = s.nextWeight / 2;
            lost = s.nextWeight - kept;
            uint256 amount = lost * WEIGHT_UNIT;
            // Half of it at most: to be slashed by oneself must cost.
            prize = amount / 2 < c.prize ? amount / 2 : c.prize;
            c.prize -= uint128(prize);
            _credit[c.challenger] += prize;
            _returnBond(c);
            _burnt += uint128(amount - prize);
            _staked -= amount;
            if (s.leftAt == 0) _roll.seated -= lost;
            _setWeight(s, kept);
        }
        emit Slashed(round, chunk, seat, lost, prize);
        if (isGuilty && s.nextWeight == 0 && s.leftAt == 0) _depart(seat, s);
    }

    // ------------------------------------------------------------------ internal

    function _chunks() private view returns (uint32) {
        return uint32((_parameters.parameterCount + SignVote.CHUNK - 1) / SignVote.CHUNK);
    }

    /// @dev The outcome that the round would have with this root (see `vote`).
    function _outcome(uint32 round, bytes32 stateRoot) private view returns (bytes32) {
        uint256 slot = round % RING;
        return keccak256(abi.encode(OUTCOME_DOMAIN, round, _accepted[slot], _checked[slot], stateRoot));
    }

    function _partKey(uint32 round, uint32 chunk) private view returns (bytes32) {
        return keccak256(abi.encode(round, chunk, msg.sender));
    }

    /// @dev Open, and even late until it has lapsed; executed, until the slashes begin (an outage is not a lie).
    function _requireAnswerable(Challenge storage c) private view {
        if (c.status != Status.Open && c.status != Status.Executed) revert WrongStatus(c.status);
        uint256 end = c.time + (c.status == Status.Open ? 2 : 1) * ANSWER_WINDOW;
        if (block.timestamp >= end) revert TooLate(uint64(end));
    }

    /// @dev Adds further accepted seats to the sums, each checked against what it revealed. Sums are the sender's own: nobody else can spoil or reset them.
    function _add(uint32 round, uint32 chunk, Sum calldata sum, bytes calldata gradients)
        private
        view
        returns (uint256[64] memory lanes, uint256 weight, uint256 next)
    {
        if (sum.lanes.length != 0) {
            if (sum.lanes.length != SignVote.LANE_WORDS) revert WrongLength();
            for (uint256 i; i < SignVote.LANE_WORDS; ++i) {
                lanes[i] = sum.lanes[i];
            }
            (weight, next) = (sum.weight, sum.next);
            if (keccak256(abi.encode(next, weight, lanes)) != _progress[_partKey(round, chunk)]) revert WrongProgress();
        }
        uint256 stride = SignVote.BITS_BYTES + 32 * ChunkTree.depthOf(_chunks());
        if (gradients.length % stride != 0) revert WrongLength();
        // The ring keeps the round's record for longer than it can be answered for: settleWindow is at least answerWindow.
        uint256 accepted = _accepted[round % RING];
        for (uint256 start; start < gradients.length; start += stride) {
            if (accepted >> next == 0) revert WrongLength();
            while ((accepted >> next) & 1 == 0) ++next;
            Entry storage e = _entry(round, next);
            if (e.round != round || e.stage == 0) revert NotRevealed(uint8(next));
            bytes calldata bits = gradients[start:start + SignVote.BITS_BYTES];
            bytes calldata path = gradients[start + SignVote.BITS_BYTES:start + stride];
            if (bytes27(ChunkTree.root(ChunkTree.gradientLeaf(chunk, bits), chunk, path)) != e.digest) revert WrongGradient(uint8(next));
            SignVote.add(lanes, bits, e.weight);
            weight += e.weight;
            ++next;
        }
    }

    /// @dev The run is at `height` again; the current round and all since then do not count.
    function _fallTo(uint24 height) private {
        Clock storage c = _clock;
        uint24 last = c.round;
        c.height = height;
        c.closed = true;
        c.stretch = 0;
        _roll.missesFrom = last + 1;
        Ballot storage b = _ballots[last % RING];
        if (b.round == last) b.flags |= OVERTURNED;
        // Who joined since then is paid from here on; nobody else has been paid for more (see `_read` of Pay).
        uint256 seats = _roll.seats;
        for (uint256 id; id < seats; ++id) {
            if (_seats[id].settledTo > height) _seats[id].settledTo = height;
        }
    }

    function _returnBond(Challenge storage c) private {
        if (c.bond == 0) return;
        _credit[c.challenger] += c.bond;
        c.bond = 0;
    }
}
