// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignVote} from "../../contracts/libraries/SignVote.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice The step of one parameter and the schedule equal their plain formulas (docs/protocol.md, Arithmetic).
contract SignVoteProof is Symbolic {
    /// @dev floor(x / 2^14) by division and a correction, in checked arithmetic. The quotient by the weight is one term for the solver: it never reasons about the division.
    function check_delta(uint16 votes, uint16 total, uint32 step) external pure {
        given(total >= 1 && total <= MAX_TOTAL && votes <= total && step < STEP_LIMIT);
        int256 gain = 3 * (int256((uint256(votes) * 32_768) / total) - 16_384);
        gain = gain > 16_384 ? int256(16_384) : gain < -16_384 ? -16_384 : gain;
        int256 x = gain * int256(uint256(step)) + 8_192;
        int256 floor = x / 16_384;
        if (x % 16_384 < 0) floor -= 1;
        assert(SignVote.delta(votes, total, step) == floor);
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

    /// @dev The least of the three lines; never above the peak, so it fits every type it is put in.
    function check_stepAt(uint32 height, uint32 peak, uint32 warmup, uint32 decay, uint32 total) external pure {
        given(peak < STEP_LIMIT && warmup != 0 && decay != 0 && height < total && total < 1 << 24);
        uint256 rising = (uint256(peak) * (uint256(height) + 1)) / warmup;
        uint256 falling = (uint256(peak) * (uint256(total) - height)) / decay;
        uint256 step = SignVote.stepAt(height, peak, warmup, decay, total);
        assert(step <= peak && step <= rising && step <= falling);
        assert(step == peak || step == rising || step == falling);
    }
}
