// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../interfaces/IRunErrors.sol";
import {IRunEvents} from "../interfaces/IRunEvents.sol";
import {Phases} from "../libraries/Phases.sol";
import {SignVote} from "../libraries/SignVote.sol";

/// @title Storage of a run, in one block, and what its parts share
/// @notice TrainingRun (Seats, Rounds, Membership) and Settlement (Places, Pay, Challenges, Accusations) are code over this one layout.
abstract contract RunStorage is IRunErrors, IRunEvents {
    // ------------------------------------------------------------------ constants

    uint24 internal constant FIRST_ROUND = 2; // a tip announced before the first round (round 0) serves from 0 + 2
    uint24 internal constant FOREVER = type(uint24).max;
    uint256 internal constant MAX_SEATS = 256; // one bitmap word
    uint256 internal constant MAX_PEER_BYTES = 256;
    uint256 internal constant MAX_RING = 1 << 16;
    // flags of a ballot
    uint8 internal constant FINAL = 1;
    uint8 internal constant DISSENT = 2;
    uint8 internal constant OVERTURNED = 4; // it was the current round when an overturn took it
    // flags of a seat
    uint8 internal constant NEW_OPERATOR = 1;
    uint8 internal constant PAID_OUT = 2;
    uint8 internal constant CONDEMNED = 4;

    // ------------------------------------------------------------------ parameters (immutable: a configuration word read in a round costs 2,100 gas)

    // INVARIANT: both contracts are constructed with the same arguments; nothing here depends on which of the two it is.
    address internal immutable OWNER;
    uint256 internal immutable HORIZON;
    bytes32 internal immutable OUTCOME_DOMAIN;
    uint256 internal immutable COMMIT_MIN;
    uint256 internal immutable GRACE;
    uint256 internal immutable COMMIT_CAP;
    uint256 internal immutable REVEAL_WINDOW;
    uint256 internal immutable VOTE_WINDOW;
    uint256 internal immutable RING;
    uint256 internal immutable MIN_WEIGHT;
    uint256 internal immutable TOTAL_HEIGHTS;
    uint256 internal immutable SLOT_BUSY; // seconds after finality
    uint256 internal immutable ANSWER_WINDOW;
    uint256 internal immutable WEIGHT_UNIT;

    // ------------------------------------------------------------------ storage

    Clock internal _clock; // one word; the only one that commit and reveal share
    Roll internal _roll;
    uint256 internal _staked;
    uint128 internal _pool;
    uint128 internal _burnt;
    mapping(address account => uint256 amount) internal _credit;
    Parameters internal _parameters; // for views and rare calls

    // Fixed arrays: the slot is arithmetic, not a hash. Ring slot = round % RING; records carry their round and are never cleared.
    Seat[MAX_SEATS] internal _seats;
    Ballot[MAX_RING] internal _ballots;
    uint256[MAX_RING] internal _voters; // for the ballot's outcome
    uint256[MAX_RING] internal _dissenters; // for other outcomes; live only under the DISSENT flag
    uint256[MAX_RING] internal _accepted;
    uint256[MAX_RING] internal _checked;
    Result[MAX_RING + 1] internal _results; // by height, see _result
    Entry[MAX_SEATS * MAX_RING] internal _entries;
    mapping(bytes32 outcome => Dissent) internal _dissents;

    Seat[MAX_SEATS] internal _former;
    mapping(uint8 seat => Bid) internal _bids;
    mapping(uint32 round => mapping(uint32 chunk => Challenge)) internal _challenges;
    mapping(bytes32 part => bytes32 sums) internal _progress; // of an answer in parts, for each who answers
    mapping(bytes32 accusation => Dissent) internal _accusations;
    mapping(bytes32 holder => Condemnation[]) internal _condemnations;
    mapping(address account => uint32 seats) internal _invitations;
    mapping(address account => bool) internal _hasSat; // kept in an invitation-only run
    mapping(bytes32 invitation => bool) internal _isUsed;

    constructor(Parameters memory p, address owner_, address run) {
        OUTCOME_DOMAIN = _domain("comitia.outcome.v1", run);
        OWNER = owner_;
        HORIZON = uint256(p.challengeWindow) + 2 * uint256(p.answerWindow);
        COMMIT_MIN = p.commitMin;
        GRACE = p.grace;
        COMMIT_CAP = p.commitCap;
        REVEAL_WINDOW = p.revealWindow;
        VOTE_WINDOW = p.voteWindow;
        RING = p.ring;
        MIN_WEIGHT = p.minWeight;
        TOTAL_HEIGHTS = p.totalHeights;
        SLOT_BUSY = HORIZON + p.settleWindow;
        ANSWER_WINDOW = p.answerWindow;
        WEIGHT_UNIT = p.weightUnit;
    }

    // ------------------------------------------------------------------ rounds

    function _phase() internal view returns (Phase, uint256) {
        return Phases.current(_clock, block.timestamp, REVEAL_WINDOW, VOTE_WINDOW, TOTAL_HEIGHTS);
    }

    /// @dev Whether the current round can still change: neither void nor final.
    function _isOpen() internal view returns (bool) {
        (Phase current,) = _phase();
        return current == Phase.Commit || current == Phase.Reveal || current == Phase.Vote;
    }

    /// @dev Starts the cap of a commit phase whose end is not known.
    function _startCap() internal {
        Clock storage c = _clock;
        if (c.commitEnd == Phases.NO_END) c.commitEnd = uint32(block.timestamp + Phases.stretched(COMMIT_CAP, c.stretch));
    }

    function _nextRound() internal view returns (uint24 round) {
        round = _clock.round;
        return round == 0 ? FIRST_ROUND : round + 1;
    }

    function _entry(uint256 round, uint256 seat) internal view returns (Entry storage) {
        unchecked {
            return _entries[(round % RING) * MAX_SEATS + seat];
        }
    }

    /// @dev One more than the ring: the state that a round trained from is kept as long as the round's own record.
    function _result(uint256 height) internal view returns (Result storage) {
        return _results[height % (RING + 1)];
    }

    /// @dev Whether `round` made `height` and no overturn has taken it back.
    function _isStanding(uint256 round, uint256 height) internal view returns (bool) {
        Result storage r = _result(height);
        return r.round == round && r.height == height && height <= _clock.height;
    }

    /// @dev Whether the final `round` made the newest height.
    function _isLastHeight(uint256 round) internal view returns (bool) {
        Clock storage c = _clock;
        // Nearly always the next round is open, which saves a read.
        return (c.round == round + 1 && !c.closed) || _result(c.height).round == round;
    }

    function _stepAt(uint256 height) internal view returns (uint256) {
        Parameters storage p = _parameters;
        return SignVote.stepAt(height, p.peakStep, p.warmup, p.decay, p.totalHeights);
    }

    // ------------------------------------------------------------------ seats

    /// @dev Reverts unless the sender operates the seat and the seat may act in `round`; returns its weight. Reads the seat's first word only, once.
    function _requireActing(uint8 seat, uint256 round) internal returns (uint8) {
        Seat storage s = _seats[seat];
        (address operator, uint24 from, uint24 until) = (s.operator, s.from, s.until);
        (uint8 weight, uint8 nextWeight, uint24 changesAt) = (s.weight, s.nextWeight, s.changesAt);
        if (from == 0 || round < from || s.flags & NEW_OPERATOR != 0) return _requireActingStill(seat, round);
        if (msg.sender != operator) revert NotOperator(operator);
        if (round > until) revert NotActive(from, until);
        return round < changesAt ? weight : nextWeight;
    }

    /// @dev The same where the operator changes, or where the present holder of the id cannot act: who was displaced acts in the rounds that it was seated for.
    function _requireActingStill(uint8 seat, uint256 round) private returns (uint8) {
        Seat storage s = _holderAt(seat, round);
        if (s.flags & NEW_OPERATOR != 0 && round >= s.operatorFrom) {
            s.operator = s.nextOperator;
            s.flags &= ~NEW_OPERATOR;
        }
        if (msg.sender != s.operator) revert NotOperator(s.operator);
        // INVARIANT: `from` of an active seat is at least FIRST_ROUND, so round 0 (an untouched ring slot) never passes.
        if (s.from == 0 || round < s.from || round > s.until) revert NotActive(s.from, s.until);
        return _weightIn(s, round);
    }

    function _weightIn(Seat storage s, uint256 round) private view returns (uint8) {
        return round < s.changesAt ? s.weight : s.nextWeight;
    }

    /// @dev Who held the seat id in `round`.
    function _holderAt(uint8 seat, uint256 round) internal view returns (Seat storage s) {
        s = _seats[seat];
        if (round < s.first) s = _former[seat];
    }

    function _isActivated(Seat storage s) internal view returns (bool) {
        return s.from != 0 && s.until == FOREVER;
    }

    /// @dev The seat acts in no round after the current one until it is activated again.
    function _bench(uint8 seat, Seat storage s) internal {
        s.until = _clock.round;
        s.readyAt = uint32(block.timestamp + _parameters.activateDelay);
        _roll.nextActive -= s.nextWeight;
        emit Benched(seat, s.until, s.nextWeight);
    }

    /// @dev The seat leaves: it acts in no round after the current one, for ever.
    function _depart(uint8 seat, Seat storage s) internal {
        Clock storage c = _clock;
        Roll storage r = _roll;
        uint24 last = c.round;
        if (_isActivated(s)) r.nextActive -= s.nextWeight;
        if (s.until == FOREVER) s.until = last;
        s.leftAt = uint32(block.timestamp);
        r.seated -= s.nextWeight;
        // INVARIANT: no round outlives the seats it waits for: with two thirds of the base gone, no commit would ever start the clock.
        if (s.from != 0 && s.from <= last && last <= s.until) {
            (r.departed, r.departedIn) = (_weightIn(s, last) + (r.departedIn == last ? r.departed : 0), last);
            if (!Phases.isThird(c.active - r.departed, c.base)) _startCap();
        }
        emit Left(seat, s.until, s.nextWeight);
    }

    /// @dev The weight from the next round on. One older weight is kept, for rounds that are not paid yet.
    function _setWeight(Seat storage s, uint8 weight) internal {
        uint24 next = _nextRound();
        if (s.changesAt != next && _isSettled(s)) {
            s.weight = s.nextWeight;
            s.changesAt = next;
        }
        s.nextWeight = weight;
    }

    /// @dev Whether no round before the seat's last change of weight can still be paid.
    function _isSettled(Seat storage s) internal view returns (bool) {
        uint256 next = uint256(s.settledTo) + 1;
        Result storage r = _result(next);
        // INVARIANT: where a later height has the place of the next one, those between may still be paid: settling goes past what is gone.
        return next > _clock.height || (r.height == next && r.round >= s.changesAt);
    }

    /// @dev Reverts unless the stake sent is that of `weight`.
    function _requireStake(uint8 weight) internal view {
        if (weight == 0) revert BadWeight();
        uint256 stake = weight * WEIGHT_UNIT;
        if (msg.value != stake) revert WrongStake(stake);
    }

    /// @dev Reverts unless the sender may take a seat; uses up an invitation of an invitation-only run.
    function _admit() internal {
        (Phase current,) = _phase();
        if (current == Phase.Finished) revert RunFinished();
        if (_roll.stoppedAt != 0) revert RunStopped();
        if (_parameters.invitationOnly) {
            uint32 left = _invitations[msg.sender];
            if (left == 0) revert NotInvited();
            _invitations[msg.sender] = left - 1;
        }
    }

    function _requirePeer(string calldata peer) internal pure {
        if (bytes(peer).length > MAX_PEER_BYTES) revert PeerTooLong(bytes(peer).length);
    }

    /// @dev From when on a place that nobody activates may be taken from its holder.
    function _placeUntil(uint32 readyAt) internal view returns (uint256) {
        return uint256(readyAt) + _parameters.challengeWindow + ANSWER_WINDOW;
    }

    /// @dev Writes a new holder of a seat id.
    function _seatHolder(uint8 seat, address operator, uint8 weight, bytes32 tip, string calldata peer) internal returns (Seat storage s) {
        if (operator == address(0)) revert BadOperator();
        _requirePeer(peer);
        _roll.seated += weight;
        delete _seats[seat];
        s = _seats[seat];
        s.operator = operator;
        s.weight = weight;
        s.nextWeight = weight;
        s.until = FOREVER;
        s.owner = msg.sender;
        s.readyAt = uint32(block.timestamp + _parameters.activateDelay);
        s.first = _nextRound();
        s.settledTo = _clock.height;
        if (_parameters.invitationOnly) _hasSat[msg.sender] = true;
        emit Joined(seat, msg.sender, operator, weight, _clock.round, tip, peer);
    }

    /// @dev Time from which the stake of a seat that left is free. Its last counted vote is in the last round in which it acted, or in one final before that.
    function _freeAt(uint8 seat, Seat storage s) internal view returns (uint256) {
        uint256 last = s.until;
        uint256 left = s.leftAt;
        uint256 free = left + HORIZON;
        bool isOpen = _clock.round == last && _isOpen();
        Ballot storage b = _ballots[last % RING];
        if (last != 0 && b.round == last) {
            bool isFinal = b.flags & FINAL != 0;
            uint256 cast = _voters[last % RING];
            if (!isFinal && b.flags & DISSENT != 0) cast |= _dissenters[last % RING];
            if ((cast >> seat) & 1 != 0) {
                if (isFinal && b.time + HORIZON > free) free = b.time + HORIZON;
                // INVARIANT: a stake behind an outcome that may yet become final does not leave.
                if (!isFinal && isOpen) revert VoteUndecided(b.time);
            }
        }
        // Leaving needs no round to end.
        if (isOpen && left + _parameters.leaveDelay > free) free = left + _parameters.leaveDelay;
        return free;
    }

    /// @dev Names one holder of a seat id for ever.
    function _holderKey(uint256 seat, uint256 first) internal pure returns (bytes32) {
        return bytes32((first << 8) | uint8(seat));
    }

    // ------------------------------------------------------------------ money

    /// @dev Beyond a hundred doublings no bond could be paid; a shift by 256 would make it zero.
    function _nextBond() internal view returns (uint256) {
        uint256 doublings = _roll.openChallenges;
        return uint256(_parameters.challengeBond) << (doublings < 100 ? doublings : 100);
    }

    function _accusationKey(uint32 round, uint8 accused, uint8 witness) internal pure returns (bytes32) {
        return keccak256(abi.encode(round, accused, witness));
    }

    function _send(address payable to, uint256 amount) internal {
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed();
    }

    // ------------------------------------------------------------------ domains

    function _domain(string memory tag, address run) internal view returns (bytes32) {
        return keccak256(abi.encode(keccak256(bytes(tag)), block.chainid, run));
    }
}
