// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The integer step: how a stake-weighted vote of signs moves a parameter
/// @notice Exact for all inputs with 1 <= total <= 65,280, votes <= total, step < 2^17 (docs/protocol.md, Arithmetic).
library SignVote {
    int256 private constant ONE = 1 << 14;
    uint256 internal constant STEP_LIMIT = 1 << 17;

    /// @notice Signed distance by which a parameter goes down.
    /// @param votes weight of the seats whose bit is set ("down")
    /// @param total weight of the accepted set
    /// @param step the height's step
    function delta(uint256 votes, uint256 total, uint256 step) internal pure returns (int256) {
        int256 direction = int256((votes << 15) / total) - ONE;
        int256 gain = 3 * direction;
        if (gain > ONE) gain = ONE;
        if (gain < -ONE) gain = -ONE;
        // An arithmetic shift (floor), never a division (which rounds towards zero).
        return (gain * int256(step) + (1 << 13)) >> 14;
    }

    /// @notice The parameter after the step, saturating at the ends of int32.
    function move(int32 parameter, int256 down) internal pure returns (int32) {
        int256 low = type(int32).min + (down > 0 ? down : int256(0));
        int256 high = type(int32).max + (down < 0 ? down : int256(0));
        int256 t = parameter;
        if (t < low) t = low;
        if (t > high) t = high;
        return int32(t - down);
    }

    /// @notice The step of the round that goes from `height` to `height + 1`: a trapezoid of `peak`, in integers.
    function stepAt(uint256 height, uint256 peak, uint256 warmup, uint256 decay, uint256 total) internal pure returns (uint256 step) {
        step = peak;
        uint256 rising = (peak * (height + 1)) / warmup;
        uint256 falling = (peak * (total - height)) / decay;
        if (rising < step) step = rising;
        if (falling < step) step = falling;
    }
}
