// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RunStorage} from "./RunStorage.sol";

/// @title Accusations of dishonest training: they take pay, never stake, and stop no round
abstract contract Accusations is RunStorage {
    /// @notice See ITrainingRun.
    function accuse(uint32 round, uint32 height, uint8 seat, uint8 accused, bytes32 gradientRoot, uint8 witness) external {
        uint256 weight = _requireActing(seat, round);
        if (accused == seat) revert SelfAccused();
        // A cartel that was overturned has its old weight in older rounds still.
        uint8 named = _holderAt(seat, round).named;
        if (named != 0) revert NamedByOverturn(named);
        if (!_isStanding(round, height)) revert NotStanding(round);
        Ballot storage b = _ballots[round % RING];
        uint256 end = b.time + HORIZON;
        if (b.round != round || block.timestamp >= end) revert TooLate(uint64(end));
        Entry storage e = _entry(round, accused);
        if (e.round != round || e.stage == 0 || e.digest != bytes27(gradientRoot)) revert WrongGradient(accused);
        Seat storage s = _holderAt(accused, round);
        // The id changed hands twice: who held it is not known any more, and nobody pays for another.
        if (round < s.first) revert NoSeat();
        if (round <= s.condemnedIn) revert AlreadyCondemned(s.condemnedIn);
        Dissent storage d = _accusations[_accusationKey(round, accused, witness)];
        uint256 bit = 1 << uint256(seat);
        if (d.voters & bit != 0) revert AlreadyAccused();

        d.voters |= bit;
        uint256 tally = d.tally + weight;
        d.tally = tally;
        emit Accused(round, accused, seat, witness);
        // More than half of the base without the accused: 2 * tally > base - its weight.
        if (2 * tally + e.weight > b.base) _condemn(round, accused, s, witness, b.base);
    }

    // ------------------------------------------------------------------ internal

    function _condemn(uint32 round, uint8 accused, Seat storage s, uint8 witness, uint256 base) private {
        uint256 owed;
        Seat storage w = _holderAt(witness, round);
        if (witness != accused && round >= w.first) {
            Entry storage e = _entry(round, witness);
            if (e.round == round) owed = (_parameters.checkReward * uint256(e.weight)) / base;
        }
        s.condemnedIn = _clock.round;
        s.flags |= CONDEMNED;
        _condemnations[_holderKey(accused, s.first)].push(Condemnation(w.owner, uint32(block.timestamp), uint128(owed)));
        emit Condemned(round, accused, witness, _clock.round, owed);
        if (_isActivated(s)) _bench(accused, s);
    }
}
