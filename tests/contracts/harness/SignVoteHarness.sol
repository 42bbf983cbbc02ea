// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignVote} from "../../../contracts/libraries/SignVote.sol";

/// @notice The library's functions from outside, with the settings of the deployed contract.
contract SignVoteHarness {
    function delta(uint256 votes, uint256 total, uint256 step) external pure returns (int256) {
        return SignVote.delta(votes, total, step);
    }

    function move(int256 parameter, int256 down) external pure returns (int256) {
        return SignVote.move(parameter, down);
    }

    function stepAt(uint256 height, uint256 peak, uint256 warmup, uint256 decay, uint256 total) external pure returns (uint256) {
        return SignVote.stepAt(height, peak, warmup, decay, total);
    }

    /// @notice One chunk of 1,024 parameters after the step, as an answer to a challenge will compute it: from packed bits and little-endian words.
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
            uint256 votes;
            for (uint256 s; s < weights.length; ++s) {
                if ((uint8(gradients[s][i >> 3]) >> (i & 7)) & 1 != 0) votes += weights[s];
            }
            uint32 word;
            for (uint256 k; k < 4; ++k) {
                word |= uint32(uint8(chunk[4 * i + k])) << uint32(8 * k);
            }
            word = uint32(int32(SignVote.move(int32(word), SignVote.delta(votes, total, step))));
            for (uint256 k; k < 4; ++k) {
                moved[4 * i + k] = bytes1(uint8(word >> (8 * k)));
            }
        }
    }
}
