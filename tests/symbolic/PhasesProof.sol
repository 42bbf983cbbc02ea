// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {Phases} from "../../contracts/libraries/Phases.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice Fractions of weight and windows, for all weights of 16 bits and all windows a run may have.
contract PhasesProof is Symbolic {
    IRunTypes.Clock private _clock;

    /// @dev Exact: x / b > 2 / 3, said by the remainder instead of the product.
    function check_isTwoThirds(uint16 weight, uint16 base) external pure {
        uint256 twice = 2 * uint256(base);
        assert(Phases.isTwoThirds(weight, base) == (uint256(weight) > twice / 3));
    }

    function check_isThird(uint16 weight, uint16 base) external pure {
        assert(Phases.isThird(weight, base) == (uint256(weight) > uint256(base) / 3));
    }

    /// @dev What the vote rests on: two sets of more than two thirds of one base have more than a third of it in common.
    function check_quorums_meet(uint16 one, uint16 other, uint16 common, uint16 base) external pure {
        given(common <= one && common <= other && uint256(one) + other - common <= base);
        if (Phases.isTwoThirds(one, base) && Phases.isTwoThirds(other, base)) assert(Phases.isThird(common, base));
    }

    /// @dev The largest of three, half of the seated weight rounded up; it fits 16 bits.
    function check_baseOf(uint16 active, uint16 seated, uint16 minWeight) external pure {
        uint256 base = Phases.baseOf(active, seated, minWeight);
        assert(base >= active && 2 * base >= seated && base >= minWeight && base <= type(uint16).max);
        assert(base == active || base == minWeight || 2 * base == seated || 2 * base == uint256(seated) + 1);
    }

    /// @dev Rounded down by less than a second, for each number of void rounds that is counted.
    function check_stretched(uint32 window) external pure {
        given(window <= 365 days);
        uint256 w = window;
        // 81 times 365 days is far below 2^256. (Checked products are checked by a division, which the solver is slow at.)
        unchecked {
            assert(Phases.stretched(w, 0) == w);
            assert(Phases.stretched(w, 1) == (w * 3) / 2);
            assert(Phases.stretched(w, 2) == (w * 9) / 4);
            assert(Phases.stretched(w, 3) == (w * 27) / 8);
            assert(Phases.stretched(w, 4) == (w * 81) / 16);
        }
    }

    /// @dev The two questions that commit and reveal ask agree with `current`, for every clock that a round can have.
    function check_isCommit(IRunTypes.Clock calldata clock, uint32 time, uint32 reveal, uint32 vote) external {
        uint8 stretch = _set(clock, time, reveal, vote);
        bool asked = Phases.isCommit(_clock, time);
        assert(asked == (_phaseOf(clock, stretch, time, reveal, vote) == IRunTypes.Phase.Commit));
    }

    function check_isReveal(IRunTypes.Clock calldata clock, uint32 time, uint32 reveal, uint32 vote) external {
        uint8 stretch = _set(clock, time, reveal, vote);
        bool asked = Phases.isReveal(_clock, time, reveal);
        assert(asked == (_phaseOf(clock, stretch, time, reveal, vote) == IRunTypes.Phase.Reveal));
    }

    /// @dev A round is open or was; what all have revealed is never ahead of the time. The stretch is made concrete: the solver knows no powers.
    function _set(IRunTypes.Clock calldata clock, uint32 time, uint32 reveal, uint32 vote) private returns (uint8 stretch) {
        given(clock.round != 0 && clock.stretch <= Phases.MAX_STRETCH && reveal <= 365 days && vote <= 365 days);
        given(clock.revealEnd == 0 || (clock.commitEnd <= clock.revealEnd && clock.revealEnd <= time));
        while (stretch < clock.stretch) ++stretch;
        _clock = clock;
        _clock.stretch = stretch;
    }

    function _phaseOf(IRunTypes.Clock calldata, uint8, uint32 time, uint32 reveal, uint32 vote)
        private
        view
        returns (IRunTypes.Phase phase)
    {
        (phase,) = Phases.current(_clock, time, reveal, vote, 100);
    }
}
