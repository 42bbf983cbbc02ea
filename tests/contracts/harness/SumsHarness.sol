// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChunkTree} from "../../../contracts/libraries/ChunkTree.sol";
import {SignVote} from "../../../contracts/libraries/SignVote.sol";

/// @notice What an answer to a challenge computes, from outside, with the settings of the deployed contract.
contract SumsHarness {
    /// @notice Sums over seats that take the patterns and weights in turn.
    function sum(bytes[] calldata patterns, uint256[] calldata weights, uint256 seats) public pure returns (uint256[64] memory lanes) {
        for (uint256 seat; seat < seats; ++seat) {
            SignVote.add(lanes, patterns[seat % patterns.length], weights[seat % weights.length]);
        }
    }

    /// @notice Leaf of the chunk (index 0) after the step.
    function step(bytes calldata chunk, bytes[] calldata patterns, uint256[] calldata weights, uint256 seats, uint256 total, uint256 size)
        external
        pure
        returns (bytes32)
    {
        uint256[128] memory next = SignVote.stepChunk(chunk, sum(patterns, weights, seats), total, size);
        return ChunkTree.stateLeaf(0, abi.encodePacked(next));
    }

    function depthOf(uint256 chunks) external pure returns (uint256) {
        return ChunkTree.depthOf(chunks);
    }
}
