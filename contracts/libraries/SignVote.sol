// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The integer step: how a stake-weighted vote of signs moves a parameter
/// @notice Exact for all inputs with 1 <= total <= 65,280, votes <= total, step < 2^17 (docs/protocol.md, Arithmetic).
library SignVote {
    int256 private constant ONE = 1 << 14;
    uint256 internal constant STEP_LIMIT = 1 << 17;
    /// @dev Parameters in a chunk, and its bytes as bits and as int32.
    uint256 internal constant CHUNK = 1024;
    uint256 internal constant BITS_BYTES = CHUNK / 8;
    uint256 internal constant STATE_BYTES = CHUNK * 4;
    /// @dev Words of sixteen 16-bit lanes that hold the sums of one chunk.
    uint256 internal constant LANE_WORDS = CHUNK / 16;

    uint256 private constant LANE_ONES = 0x0001000100010001000100010001000100010001000100010001000100010001;
    uint256 private constant EVEN_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant EVEN_PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;

    /// @notice Signed distance by which a parameter goes down.
    /// @param votes weight of the seats whose bit is set ("down")
    /// @param total weight of the accepted set
    /// @param step the height's step
    function delta(uint256 votes, uint256 total, uint256 step) internal pure returns (int256) {
        // Within the bounds above nothing here leaves 34 bits.
        unchecked {
            int256 gain = 3 * (int256((votes << 15) / total) - ONE);
            if (gain > ONE) gain = ONE;
            if (gain < -ONE) gain = -ONE;
            // An arithmetic shift (floor), never a division (which rounds towards zero).
            return (gain * int256(step) + (1 << 13)) >> 14;
        }
    }

    /// @notice The parameter after the step, saturating at the ends of int32.
    function move(int256 parameter, int256 down) internal pure returns (int256 moved) {
        // In 256 bits the difference cannot wrap, so cutting it equals the protocol's cut of the parameter before it.
        unchecked {
            moved = parameter - down;
        }
        if (moved < type(int32).min) moved = type(int32).min;
        if (moved > type(int32).max) moved = type(int32).max;
    }

    /// @notice Adds one seat's bits of a chunk, times its weight, to the sums.
    /// @dev Sums are below 2^16 (256 seats of weight 255), so no lane carries into its neighbour. Parameter p of the chunk, in group
    /// p >> 8 of 256, is bit 248 - 8 * (p >> 3 & 31) + (p & 7) of its group's word: bits little-endian in a byte, bytes big-endian in a word.
    /// @param lanes sums so far; word 16 * group + (bit & 15), lane bit >> 4 from the right
    /// @param bits the seat's 128 bytes
    /// @param weight the seat's weight, 1..255
    function add(uint256[LANE_WORDS] memory lanes, bytes calldata bits, uint256 weight) internal pure {
        unchecked {
            for (uint256 group; group < 4; ++group) {
                uint256 word = uint256(bytes32(bits[32 * group:]));
                for (uint256 j; j < 16; ++j) {
                    lanes[16 * group + j] += ((word >> j) & LANE_ONES) * weight;
                }
            }
        }
    }

    /// @notice The chunk of the next state.
    /// @param chunk 4,096 bytes: 1,024 int32, little-endian
    /// @param lanes the sums of `add` over the accepted set
    /// @param total weight of the accepted set, at least 1
    /// @param step the height's step
    function stepChunk(bytes calldata chunk, uint256[LANE_WORDS] memory lanes, uint256 total, uint256 step)
        internal
        pure
        returns (uint256[CHUNK / 8] memory next)
    {
        unchecked {
            for (uint256 i; i < CHUNK / 8; ++i) {
                // Eight parameters in a word; their votes are eight neighbouring words of sums, in one lane.
                uint256 parameters = _swap(uint256(bytes32(chunk[32 * i:])));
                uint256 place = 31 - (i & 31);
                uint256 first = 16 * (i >> 5) + 8 * (place & 1);
                uint256 lane = 16 * (place >> 1);
                uint256 moved;
                for (uint256 k; k < 8; ++k) {
                    int256 down = delta((lanes[first + k] >> lane) & 0xffff, total, step);
                    int256 parameter = int32(uint32(parameters >> (224 - 32 * k)));
                    moved = (moved << 32) | uint32(int32(move(parameter, down)));
                }
                next[i] = _swap(moved);
            }
        }
    }

    /// @notice The step of the round that goes from `height` to `height + 1`: a trapezoid of `peak`, in integers.
    function stepAt(uint256 height, uint256 peak, uint256 warmup, uint256 decay, uint256 total) internal pure returns (uint256 step) {
        step = peak;
        uint256 rising = (peak * (height + 1)) / warmup;
        uint256 falling = (peak * (total - height)) / decay;
        if (rising < step) step = rising;
        if (falling < step) step = falling;
    }

    /// @dev Reverses the bytes of each of eight 32-bit numbers.
    function _swap(uint256 word) private pure returns (uint256) {
        word = ((word & EVEN_BYTES) << 8) | ((word >> 8) & EVEN_BYTES);
        return ((word & EVEN_PAIRS) << 16) | ((word >> 16) & EVEN_PAIRS);
    }
}
