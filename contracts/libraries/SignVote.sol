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
    // In words of eight 32-bit lanes.
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant TOPS = ONES << 31;
    uint256 private constant LOW_18 = ONES * 0x3ffff;
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
        // In assembly, as below: index checks and calls would cost five times the sum itself.
        assembly ("memory-safe") {
            let place := lanes
            for { let at := bits.offset let end := add(at, 128) } lt(at, end) { at := add(at, 32) } {
                let word := calldataload(at)
                for { let last := add(place, 512) } lt(place, last) { place := add(place, 128) } {
                    mstore(place, add(mload(place), mul(and(word, LANE_ONES), weight)))
                    let next := add(place, 32)
                    mstore(next, add(mload(next), mul(and(shr(1, word), LANE_ONES), weight)))
                    next := add(place, 64)
                    mstore(next, add(mload(next), mul(and(shr(2, word), LANE_ONES), weight)))
                    next := add(place, 96)
                    mstore(next, add(mload(next), mul(and(shr(3, word), LANE_ONES), weight)))
                    word := shr(4, word)
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
                uint256 place = 31 - (i & 31);
                uint256 shares = _shares(lanes, 16 * (i >> 5) + 8 * (place & 1), 16 * (place >> 1), total);
                next[i] = _swap(_moveEight(_swap(_at(chunk, i)), shares, step));
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

    /// @dev The shares (votes << 15) / total of eight parameters: of eight words of sums from `first`, the lane `shift` bits from the right.
    function _shares(uint256[LANE_WORDS] memory lanes, uint256 first, uint256 shift, uint256 total) private pure returns (uint256 shares) {
        assembly ("memory-safe") {
            for { let at := add(lanes, shl(5, first)) let end := add(at, 256) } lt(at, end) { at := add(at, 64) } {
                shares := or(shl(32, shares), div(shl(15, and(shr(shift, mload(at)), 0xffff)), total))
                shares := or(shl(32, shares), div(shl(15, and(shr(shift, mload(add(at, 32))), 0xffff)), total))
            }
        }
    }

    /// @dev Eight parameters at once, in lanes of 32 bits. With the share q = (votes << 15) / total in 0..2^15:
    /// gain + 2^14 = min(max(3q - 2^15, 0), 2^15), and delta + step = ((gain + 2^14) * step + 2^13) >> 14, which never is negative.
    function _moveEight(uint256 parameters, uint256 shares, uint256 step) private pure returns (uint256) {
        unchecked {
            // max(3q - 2^15, 0): the top bit of a lane stays where it is not negative.
            uint256 lifted = 3 * shares + TOPS - ONES * (1 << 15);
            uint256 gains = lifted & _fill(lifted);
            // min(x, 2^15) = 2^15 - max(2^15 - x, 0)
            lifted = TOPS + ONES * (1 << 15) - gains;
            gains = ONES * (1 << 15) - (lifted & _fill(lifted));
            uint256 downs = ((gains * step + ONES * (1 << 13)) >> 14) & LOW_18;
            // Away from the ends of int32 (top two bits alike) nothing saturates, and no lane borrows from its neighbour once it is biased to be positive.
            if ((parameters ^ (parameters << 1)) & TOPS == 0) return ((parameters ^ TOPS) + ONES * step - downs) ^ TOPS;
            uint256 moved;
            for (uint256 k; k < 8; ++k) {
                moved = (moved << 32) | uint32(int32(move(int32(uint32(parameters >> 224)), int256(downs >> 224) - int256(step))));
                parameters <<= 32;
                downs <<= 32;
            }
            return moved;
        }
    }

    /// @dev Word i of a chunk; the caller stays below CHUNK / 8.
    function _at(bytes calldata chunk, uint256 i) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(chunk.offset, shl(5, i)))
        }
    }

    /// @dev All bits but the top one of the lanes whose top bit is set.
    function _fill(uint256 lanes) private pure returns (uint256) {
        unchecked {
            return ((lanes >> 31) & ONES) * 0x7fffffff;
        }
    }
}
