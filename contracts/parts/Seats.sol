// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrainingRun} from "../interfaces/ITrainingRun.sol";
import {RunStorage} from "./RunStorage.sol";

/// @title Seats: who takes part, with what weight, and how they go
abstract contract Seats is RunStorage, ITrainingRun {
    /// @dev Void or final rounds in a row that a seat must miss to be benched, and how many rounds later they still count.
    uint256 private constant MISSES = 3;
    uint256 private constant MISSES_AGE = 4;

    /// @inheritdoc ITrainingRun
    function join(uint8 weight, address operator, bytes32 tip, string calldata peer) external payable returns (uint8 seat) {
        _requireStake(weight);
        uint256 id = _roll.seats;
        if (id == MAX_SEATS) revert RunFull();
        _admit();

        seat = uint8(id);
        _roll.seats = uint16(id + 1);
        _staked += msg.value;
        _seatHolder(seat, operator, weight, tip, peer);
    }

    /// @inheritdoc ITrainingRun
    function activate(uint8 seat) external {
        Seat storage s = _owned(seat, true);
        if (_isActivated(s)) revert AlreadyActive(s.from);
        if (s.named != 0) revert NamedByOverturn(s.named);
        if (block.timestamp < s.readyAt) revert TooEarly(s.readyAt);

        // INVARIANT: the weight of an open round never changes; a seat enters with the next opening.
        uint24 next = _nextRound();
        if (s.from == 0 || s.until < _clock.round) {
            s.from = next;
        } else {
            // Benched in the round that is open: it acts in that one still, but its old misses are forgiven.
            s.missesFrom = next;
        }
        s.until = FOREVER;
        _roll.nextActive += s.nextWeight;
        emit Activated(seat, s.from, s.nextWeight);
    }

    /// @inheritdoc ITrainingRun
    function leave(uint8 seat) external {
        _depart(seat, _owned(seat, false));
    }

    /// @inheritdoc ITrainingRun
    function withdraw(uint8 seat, address payable to) external {
        Seat storage s = _former[seat];
        bool isFormer = msg.sender == s.owner && s.flags & PAID_OUT == 0;
        if (!isFormer) s = _seats[seat];
        if (msg.sender != s.owner) revert NotOwner(s.owner);
        if (s.leftAt == 0) revert NotLeft();
        if (s.flags & PAID_OUT != 0) revert AlreadyWithdrawn();
        if (s.named != 0) revert NamedByOverturn(s.named);
        uint256 free = _freeAt(seat, s);
        if (block.timestamp < free) revert TooEarly(uint64(free));

        uint256 amount = s.nextWeight * WEIGHT_UNIT;
        _staked -= amount;
        // Before the transfer: a call back finds nothing to take, and a seat without a stake can no longer vote.
        s.flags |= PAID_OUT;
        s.from = 0;
        if (isFormer) emit FormerWithdrawn(seat, to, amount);
        else emit Withdrawn(seat, to, amount);
        _send(to, amount);
    }

    /// @inheritdoc ITrainingRun
    function topUp(uint8 seat, uint8 by) external payable {
        Seat storage s = _owned(seat, false);
        _requireStake(by);
        uint256 weight = uint256(s.nextWeight) + by;
        if (weight > type(uint8).max) revert BadWeight();
        if (s.changesAt != _nextRound() && !_isSettled(s)) revert Unsettled(s.settledTo);

        _setWeight(s, uint8(weight));
        _staked += msg.value;
        _roll.seated += by;
        if (_isActivated(s)) _roll.nextActive += by;
        emit WeightChanged(seat, uint8(weight), _nextRound());
    }

    /// @inheritdoc ITrainingRun
    function setOperator(uint8 seat, address operator) external {
        Seat storage s = _owned(seat, false);
        if (operator == address(0)) revert BadOperator();
        s.operator = _operatorOf(s);
        s.nextOperator = operator;
        s.operatorFrom = _nextRound();
        s.flags |= NEW_OPERATOR;
        emit OperatorChanged(seat, operator, s.operatorFrom);
    }

    /// @inheritdoc ITrainingRun
    function setPeer(uint8 seat, string calldata peer) external {
        _owned(seat, true);
        _requirePeer(peer);
        emit PeerChanged(seat, peer);
    }

    /// @inheritdoc ITrainingRun
    function announceTip(uint8 seat, bytes32 tip) external {
        _owned(seat, true);
        emit TipAnnounced(seat, _clock.round, tip);
    }

    /// @inheritdoc ITrainingRun
    function bench(uint8 seat, uint32 round) external {
        Seat storage s = _seats[seat];
        if (!_isActivated(s)) revert NotActive(s.from, s.until);
        // The last three that can be judged, so that a seat which is back is left alone, and all three still in the ring.
        if (uint256(round) + MISSES_AGE < _clock.round || round < s.from || round < s.missesFrom || round < _roll.missesFrom) revert NotMissed(round);
        for (uint256 r = round; r < uint256(round) + MISSES; ++r) {
            if (!_hasMissed(seat, r)) revert NotMissed(r);
        }
        _bench(seat, s);
    }

    /// @inheritdoc ITrainingRun
    function retire(uint8 seat) external {
        Seat storage s = _seats[seat];
        if (s.owner == address(0)) revert NoSeat();
        if (s.leftAt != 0) revert HasLeft();
        if (_isActivated(s)) revert AlreadyActive(s.from);
        uint256 time = _placeUntil(s.readyAt);
        if (block.timestamp < time) revert TooEarly(uint64(time));
        _depart(seat, s);
    }

    // ------------------------------------------------------------------ internal

    /// @dev The seat, if the sender owns it (or may operate it, where that will do) and it has not left.
    function _owned(uint8 seat, bool orOperator) private view returns (Seat storage s) {
        s = _seats[seat];
        if (msg.sender != s.owner) {
            if (!orOperator) revert NotOwner(s.owner);
            if (msg.sender != _operatorOf(s)) revert NotOperator(_operatorOf(s));
        }
        if (s.leftAt != 0) revert HasLeft();
    }

    /// @dev The operator in the current round.
    function _operatorOf(Seat storage s) private view returns (address) {
        return s.flags & NEW_OPERATOR != 0 && _clock.round >= s.operatorFrom ? s.nextOperator : s.operator;
    }

    /// @dev A miss: committed and not revealed; or no vote for a final outcome when the next height is final; or nothing committed in a void round.
    /// (Votes of void rounds do not count: honest abstention would bench.)
    function _hasMissed(uint8 seat, uint256 round) private view returns (bool) {
        if (round >= _clock.round && (round > _clock.round || _isOpen())) return false;
        uint256 slot = round % RING;
        Ballot storage b = _ballots[slot];
        Entry storage e = _entry(round, seat);
        bool hasCommitted = e.round == round;
        if (hasCommitted && e.stage == 0) return true;
        if (b.round == round && b.flags & FINAL != 0) return !_isLastHeight(round) && (_voters[slot] >> seat) & 1 == 0;
        return !hasCommitted;
    }
}
