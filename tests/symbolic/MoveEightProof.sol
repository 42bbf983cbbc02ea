// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignVote} from "../../contracts/libraries/SignVote.sol";
// The same, its private functions made visible and the body of `move` without branches (scripts/proving/symbolic.py): eight moves would be 3^8 paths.
import {SignVote as Open} from "open/SignVote.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice Eight parameters at once equal eight times one. Lane k of eight counts from the right here; shares are (votes << 15) / total, at most 2^15.
/// For all parameters and all shares, and steps that are powers of two: with others the solver does not finish the product. What that leaves out is algebra. Lanes of a
/// product do not meet, for each is at most 2^15 * (2^17 - 1) + 2^13 < 2^32; and with g the gain (g + 2^14) * s = g * s + 2^14 * s, of which the shift takes exactly s.
contract MoveEightProof is Symbolic {
    /// @dev The replaced body is the real one.
    function check_move_without_branches(int32 parameter, int24 down) external pure {
        assert(Open.move(parameter, down) == SignVote.move(parameter, down));
    }

    /// @dev The bias: `delta` as a function of the share, plus the step. A total of 2^15 makes every share a number of votes.
    function check_biased_lane_is_delta_bounded(uint16 share) external pure {
        given(share <= 1 << 15);
        _checkBias(share, 1);
        _checkBias(share, 1 << 10);
        _checkBias(share, 1 << 16);
    }

    function check_away_from_the_ends_bounded_step_1(uint256 parameters, uint256 shares) external pure {
        _check(parameters, shares, 1, true);
    }

    function check_away_from_the_ends_bounded_step_1024(uint256 parameters, uint256 shares) external pure {
        _check(parameters, shares, 1 << 10, true);
    }

    function check_away_from_the_ends_bounded_step_65536(uint256 parameters, uint256 shares) external pure {
        _check(parameters, shares, 1 << 16, true);
    }

    function check_near_the_ends_bounded_step_1024(uint256 parameters, uint256 shares) external pure {
        _check(parameters, shares, 1 << 10, false);
    }

    function check_near_the_ends_bounded_step_65536(uint256 parameters, uint256 shares) external pure {
        _check(parameters, shares, 1 << 16, false);
    }

    function _checkBias(uint256 share, uint256 step) private pure {
        unchecked {
            assert(int256(_biased(share, step)) - int256(step) == SignVote.delta(share, 1 << 15, step));
        }
    }

    function _check(uint256 parameters, uint256 shares, uint256 step, bool isInside) private pure {
        unchecked {
            uint256 near;
            uint256 outside;
            for (uint256 k; k < 8; ++k) {
                uint256 top = (parameters >> (32 * k + 30)) & 3;
                near |= (top ^ (top >> 1)) & 1;
                // A share above 2^15.
                uint256 share = (shares >> (32 * k)) & 0xffffffff;
                outside |= (32_768 - share) >> 255;
            }
            given(outside == 0 && near == (isInside ? 0 : 1));
            uint256 moved = Open._moveEight(parameters, shares, step);
            for (uint256 lane; lane < 8; ++lane) {
                int256 down = int256(_biased((shares >> (32 * lane)) & 0xffff, step)) - int256(step);
                int256 parameter = int32(uint32(parameters >> (32 * lane)));
                assert(uint32(moved >> (32 * lane)) == uint32(int32(Open.move(parameter, down))));
            }
        }
    }

    /// @dev delta + step of one lane, without branches: ((min(max(3q - 2^15, 0), 2^15)) * step + 2^13) >> 14.
    function _biased(uint256 share, uint256 step) private pure returns (uint256) {
        unchecked {
            uint256 gain = 3 * share - 32_768;
            gain &= ~uint256(int256(gain) >> 255);
            uint256 rest = 32_768 - gain;
            rest &= ~uint256(int256(rest) >> 255);
            return ((32_768 - rest) * step + 8_192) >> 14;
        }
    }
}
