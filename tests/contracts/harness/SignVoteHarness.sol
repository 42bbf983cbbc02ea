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

    /// @notice `lanes` after one more seat.
    function add(uint256[64] memory lanes, bytes calldata bits, uint256 weight) external pure returns (uint256[64] memory) {
        SignVote.add(lanes, bits, weight);
        return lanes;
    }

    function stepSums(bytes calldata chunk, uint256[64] memory lanes, uint256 total, uint256 step) external pure returns (bytes memory) {
        return abi.encodePacked(SignVote.stepChunk(chunk, lanes, total, step));
    }

    /// @notice One chunk after the step, as an answer to a challenge computes it.
    function stepChunk(bytes calldata chunk, bytes[] calldata gradients, uint256[] calldata weights, uint256 step)
        external
        pure
        returns (bytes memory)
    {
        uint256[64] memory lanes;
        uint256 total;
        for (uint256 s; s < weights.length; ++s) {
            SignVote.add(lanes, gradients[s], weights[s]);
            total += weights[s];
        }
        return abi.encodePacked(SignVote.stepChunk(chunk, lanes, total, step));
    }
}
