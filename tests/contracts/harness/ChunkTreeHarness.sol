// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChunkTree} from "../../../contracts/libraries/ChunkTree.sol";

/// @notice The library's functions from outside, with the settings of the deployed contract.
contract ChunkTreeHarness {
    function gradientLeaf(uint32 index, bytes calldata chunk) external pure returns (bytes32) {
        return ChunkTree.gradientLeaf(index, chunk);
    }

    function stateLeaf(uint32 index, bytes calldata chunk) external pure returns (bytes32) {
        return ChunkTree.stateLeaf(index, chunk);
    }

    function node(bytes32 left, bytes32 right) external view returns (bytes32) {
        return ChunkTree.node(left, right);
    }

    function root(bytes32 leaf, uint256 index, bytes calldata path) external view returns (bytes32) {
        return ChunkTree.root(leaf, index, path);
    }

    function isPadded(uint256 index, bytes calldata path, uint256 chunks) external view returns (bool) {
        return ChunkTree.isPadded(index, path, chunks);
    }

    function depthOf(uint256 chunks) external pure returns (uint256) {
        return ChunkTree.depthOf(chunks);
    }
}
