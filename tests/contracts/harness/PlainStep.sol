// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The integer step as docs/protocol.md, Arithmetic, writes it: one parameter after the other, no lanes, no tricks, nothing of contracts/.
/// A contract, so that it is compiled with the optimizer: a test steps thousands of parameters.
contract PlainStep {
    int256 private constant MIN = -2_147_483_648;
    int256 private constant MAX = 2_147_483_647;

    /// @notice d of the protocol: floor by division and correction, clamp by cases.
    function delta(uint256 votes, uint256 total, uint256 step) public pure returns (int256 d) {
        int256 gain = 3 * (int256((votes * 32_768) / total) - 16_384);
        if (gain > 16_384) gain = 16_384;
        if (gain < -16_384) gain = -16_384;
        int256 x = gain * int256(step) + 8_192;
        d = x / 16_384;
        if (x < 0 && x % 16_384 != 0) d -= 1;
    }

    /// @notice t' of the protocol: the parameter is cut before the step.
    function move(int256 t, int256 d) public pure returns (int256) {
        int256 low = MIN + (d > 0 ? d : int256(0));
        int256 high = MAX + (d < 0 ? d : int256(0));
        if (t < low) t = low;
        if (t > high) t = high;
        return t - d;
    }

    /// @notice Weight of the seats whose bit of a parameter is set.
    function votesOf(bytes[] calldata gradients, uint256[] calldata weights, uint256 parameter) public pure returns (uint256 votes) {
        for (uint256 s; s < weights.length; ++s) {
            if ((uint8(gradients[s][parameter / 8]) >> (parameter % 8)) & 1 == 1) votes += weights[s];
        }
    }

    /// @notice A chunk, 4,096 bytes of little-endian int32, after the step.
    function stepChunk(bytes calldata chunk, bytes[] calldata gradients, uint256[] calldata weights, uint256 step)
        external
        pure
        returns (bytes memory moved)
    {
        moved = new bytes(4096);
        uint256 total;
        for (uint256 s; s < weights.length; ++s) {
            total += weights[s];
        }
        for (uint256 i; i < 1024; ++i) {
            int256 t = move(get(chunk, i), delta(votesOf(gradients, weights, i), total, step));
            for (uint256 k; k < 4; ++k) {
                moved[4 * i + k] = bytes1(uint8(uint256(t) >> (8 * k)));
            }
        }
    }

    /// @notice Sums of the votes as `answerPart` keeps them: parameter i stands in the big-endian word of its 256 at bit 8 * (31 - i / 8 % 32) + i % 8,
    /// and bit b of it has its sum in word b % 16 of the group, lane b / 16 from the right.
    function lanesOf(bytes[] calldata gradients, uint256[] calldata weights) external pure returns (uint256[] memory lanes) {
        lanes = new uint256[](64);
        for (uint256 i; i < 1024; ++i) {
            uint256 b = 8 * (31 - ((i / 8) % 32)) + (i % 8);
            lanes[16 * (i / 256) + (b % 16)] += votesOf(gradients, weights, i) << (16 * (b / 16));
        }
    }

    /// @notice A chunk of eight parameters of each kind in turn: two at the ends of int32; all in [-2^30, 2^30), its ends among them; the same
    /// but for one just outside; anything. (The contract steps eight at once where none is outside.)
    function chunkOf(uint256 seed) external pure returns (bytes memory chunk) {
        chunk = new bytes(4096);
        for (uint256 i; i < 1024; ++i) {
            uint256 any = uint256(keccak256(abi.encode(seed, i)));
            (uint256 kind, uint256 place) = ((i / 8) % 4, i % 8);
            int256 t = int256(any % 2 ** 32) + MIN;
            if (kind == 0 && place == 0) t = MIN + int256(i / 8) ** 3;
            if (kind == 0 && place == 1) t = MAX - int256(i / 8) ** 3;
            if (kind == 1 || kind == 2) t /= 2;
            if (kind == 1 && place == 2) t = -(2 ** 30);
            if (kind == 1 && place == 3) t = 2 ** 30 - 1;
            if (kind == 2 && place == (i / 32) % 8) t = i % 64 < 32 ? -(2 ** 30) - 1 : int256(2 ** 30);
            for (uint256 k; k < 4; ++k) {
                chunk[4 * i + k] = bytes1(uint8(uint256(t) >> (8 * k)));
            }
        }
    }

    /// @notice Parameter i of a chunk.
    function get(bytes calldata chunk, uint256 i) public pure returns (int256) {
        uint256 word;
        for (uint256 k; k < 4; ++k) {
            word += uint256(uint8(chunk[4 * i + k])) << (8 * k);
        }
        return word < 2 ** 31 ? int256(word) : int256(word) - 2 ** 32;
    }
}
