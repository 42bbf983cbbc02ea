// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Merkle tree over chunks of 1,024 parameters, sha2-256
/// @notice A leaf binds its kind and its index; the depth is fixed by the number of chunks; a missing leaf is the zero word (docs/protocol.md, Trees).
library ChunkTree {
    /// @notice The index is not below 2^depth, with depth the length of the path.
    error IndexOutOfTree(uint256 index, uint256 depth);

    /// @notice Leaf of a gradient: 128 bytes, one bit for each parameter.
    function gradientLeaf(uint32 index, bytes memory chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), index, chunk));
    }

    /// @notice Leaf of a state: 4,096 bytes, 1,024 little-endian int32.
    function stateLeaf(uint32 index, bytes memory chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), index, chunk));
    }

    /// @notice Inner node.
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x02), left, right));
    }

    /// @notice Root from a leaf and its siblings, from the leaf's level up.
    function root(bytes32 leaf, uint256 index, bytes32[] memory path) internal pure returns (bytes32 current) {
        // Bits of the index beyond the path would give one leaf two names.
        if (index >> path.length != 0) revert IndexOutOfTree(index, path.length);
        current = leaf;
        for (uint256 level; level < path.length; ++level) {
            current = (index >> level) & 1 == 0 ? node(current, path[level]) : node(path[level], current);
        }
    }
}
