// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RunStorage} from "./RunStorage.sol";

/// @title Places in a full run
/// @notice Once all 256 ids are given, a stake may bid for the place of a seat of less than half its weight, or of one that left: nobody can squat all seats.
abstract contract Places is RunStorage {
    /// @notice See ITrainingRun.
    function bid(uint8 seat, uint8 weight) external payable {
        _requireStake(weight);
        if (_roll.seats != MAX_SEATS) revert RunNotFull();
        _requireHeavier(weight, _seats[seat]);
        Bid storage b = _bids[seat];
        if (b.owner != address(0)) {
            // A bid that nobody turns into a seat holds the place no longer than a benched seat does.
            bool hasRunOut = block.timestamp >= _placeUntil(b.readyAt);
            if (!hasRunOut && weight <= 2 * uint256(b.weight)) revert BidTooLow(b.weight);
            _returnBid(seat, b);
        }
        _admit();

        _staked += msg.value;
        _bids[seat] = Bid(msg.sender, weight, uint32(block.timestamp + _parameters.activateDelay));
        emit BidPlaced(seat, msg.sender, weight);
    }

    /// @notice See ITrainingRun.
    function withdrawBid(uint8 seat) external {
        Bid storage b = _bids[seat];
        if (msg.sender != b.owner) revert NotBidder(b.owner);
        _returnBid(seat, b);
    }

    /// @notice See ITrainingRun.
    function takeSeat(uint8 seat, address operator, bytes32 tip, string calldata peer) external {
        Bid memory b = _bids[seat];
        if (msg.sender != b.owner) revert NotBidder(b.owner);
        if (block.timestamp < b.readyAt) revert TooEarly(b.readyAt);
        Seat storage s = _seats[seat];
        _requireHeavier(b.weight, s);

        _payFormer(seat);
        if (s.leftAt == 0) _depart(seat, s);
        _former[seat] = s;
        delete _bids[seat];
        _seatHolder(seat, operator, b.weight, tip, peer).readyAt = uint32(block.timestamp);
    }

    // ------------------------------------------------------------------ internal

    function _requireHeavier(uint8 weight, Seat storage s) private view {
        if (s.leftAt == 0 && weight <= 2 * uint256(s.nextWeight)) revert BidTooLow(s.nextWeight);
    }

    function _returnBid(uint8 seat, Bid storage b) private {
        (address bidder, uint8 weight) = (b.owner, b.weight);
        uint256 amount = weight * WEIGHT_UNIT;
        _staked -= amount;
        _credit[bidder] += amount;
        if (_parameters.invitationOnly) ++_invitations[bidder];
        delete _bids[seat];
        emit BidReturned(seat, bidder, weight);
    }

    /// @dev One former holder is kept for each id. It makes room once its stake is free and its pay could be settled.
    function _payFormer(uint8 seat) private {
        Seat storage f = _former[seat];
        if (f.owner == address(0)) return;
        if (f.named != 0) revert NamedByOverturn(f.named);
        uint256 free = _freeAt(seat, f) + _parameters.settleWindow;
        if (block.timestamp < free) revert TooEarly(uint64(free));
        uint256 amount = f.flags & PAID_OUT == 0 ? f.nextWeight * WEIGHT_UNIT : 0;
        _staked -= amount;
        _credit[f.owner] += amount;
        emit FormerPaid(seat, f.owner, amount);
    }
}
