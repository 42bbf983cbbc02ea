// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignVote} from "../../contracts/libraries/SignVote.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice The step of one parameter and the schedule equal their plain formulas (docs/protocol.md, Arithmetic).
contract SignVoteProof is Symbolic {
    /// @dev The distance is floor(x / 2^14), said without a division: the one number whose 2^14-fold is at most x and less than 2^14 below it.
    /// The quotient by the weight is one term for the solver: it never reasons about that division. All factors are below 2^18, so nothing wraps.
    function check_delta(uint16 votes, uint16 total, uint32 step) external pure {
        given(total >= 1 && total <= MAX_TOTAL && votes <= total && step < STEP_LIMIT);
        unchecked {
            int256 gain = 3 * (int256((uint256(votes) * 32_768) / total) - 16_384);
            gain = gain > 16_384 ? int256(16_384) : gain < -16_384 ? -16_384 : gain;
            int256 x = gain * int256(uint256(step)) + 8_192;
            int256 below = SignVote.delta(votes, total, step) * 16_384;
            assert(below <= x && x < below + 16_384);
        }
    }

    /// @dev Nobody moves further than the step: what keeps `move` inside 33 bits.
    function check_delta_is_at_most_the_step(uint16 votes, uint16 total, uint32 step) external pure {
        given(total >= 1 && total <= MAX_TOTAL && votes <= total && step < STEP_LIMIT);
        int256 down = SignVote.delta(votes, total, step);
        assert(down <= int256(uint256(step)) && down >= -int256(uint256(step)));
    }

    /// @dev The protocol's way round: it cuts the parameter before it subtracts, so that nothing leaves int32 on the way.
    function check_move(int32 parameter, int24 down) external pure {
        int256 d = down;
        int256 low = int256(type(int32).min) + (d > 0 ? d : int256(0));
        int256 high = int256(type(int32).max) + (d < 0 ? d : int256(0));
        int256 t = parameter;
        if (t < low) t = low;
        if (t > high) t = high;
        assert(SignVote.move(parameter, d) == int256(int32(t - d)));
    }

    /// @dev For all heights and peaks, in a run of the demo's shape and in the longest run that there can be: with a symbolic warm-up or decay the solver does not finish.
    /// The library's checked products of 17 and 25 bits cannot overflow; Solidity checks that by a division, so their panics do not count here (scripts/proving/symbolic.py).
    function check_stepAt_bounded_demo(uint24 height, uint24 peak) external pure {
        _checkStepAt(height, peak, 5, 5, 100);
    }

    function check_stepAt_bounded_longest(uint24 height, uint24 peak) external pure {
        _checkStepAt(height, peak, 8_388_607, 8_388_607, 16_777_214);
    }

    /// @dev The least of the three lines; never above the peak, so it fits every type it is put in.
    function _checkStepAt(uint256 height, uint256 peak, uint256 warmup, uint256 decay, uint256 total) private pure {
        given(peak < STEP_LIMIT && height < total);
        uint256 step = SignVote.stepAt(height, peak, warmup, decay, total);
        unchecked {
            uint256 rising = (peak * (height + 1)) / warmup;
            uint256 falling = (peak * (total - height)) / decay;
            assert(step <= peak && step <= rising && step <= falling);
            assert(step == peak || step == rising || step == falling);
        }
    }
}
