// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Merkle tree over chunks of 1,024 parameters, sha2-256
/// @notice A leaf binds its kind and its index; the depth is fixed by the number of chunks; a missing leaf is the zero word (docs/protocol.md, Trees).
library ChunkTree {
    /// @notice The index is not below 2^depth, with depth the number of hashes in the path.
    error IndexOutOfTree(uint256 index, uint256 depth);

    /// @notice Leaf of a gradient: 128 bytes, one bit for each parameter.
    function gradientLeaf(uint32 index, bytes memory chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), index, chunk));
    }

    /// @notice Leaf of a state: 4,096 bytes, 1,024 little-endian int32.
    function stateLeaf(uint32 index, bytes memory chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), index, chunk));
    }

    /// @notice Inner node: sha256(0x02, left, right).
    function node(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        // In assembly, in memory that is used again: `abi.encodePacked` costs three times the hash, and an answer has thousands of nodes.
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore8(at, 2)
            mstore(add(at, 1), left)
            mstore(add(at, 33), right)
            // The precompile fails only for want of gas; then there is no result and the whole call must fail.
            if iszero(staticcall(gas(), 2, at, 65, at, 32)) { revert(0, 0) }
            hash := mload(at)
        }
    }

    /// @notice Root from a leaf and its siblings, 32 bytes each, from the leaf's level up.
    function root(bytes32 leaf, uint256 index, bytes calldata path) internal view returns (bytes32 current) {
        uint256 depth = path.length / 32;
        // Bits of the index beyond the path would give one leaf two names.
        if (index >> depth != 0) revert IndexOutOfTree(index, depth);
        current = leaf;
        for (uint256 level; level < depth; ++level) {
            bytes32 sibling = _at(path, level);
            current = (index >> level) & 1 == 0 ? node(current, sibling) : node(sibling, current);
        }
    }

    /// @notice Whether every sibling of the path that covers only leaves from `chunks` on is the node over missing leaves.
    function isPadded(uint256 index, bytes calldata path, uint256 chunks) internal view returns (bool) {
        bytes32 missing;
        for (uint256 level; 32 * level < path.length; ++level) {
            uint256 sibling = (index >> level) ^ 1;
            if (sibling << level >= chunks && _at(path, level) != missing) return false;
            missing = node(missing, missing);
        }
        return true;
    }

    /// @notice Depth of the tree over that many chunks: the least d with 2^d >= chunks.
    function depthOf(uint256 chunks) internal pure returns (uint256 depth) {
        while (1 << depth < chunks) ++depth;
    }

    /// @dev Hash number `level` of a path; the caller stays below path.length / 32.
    function _at(bytes calldata path, uint256 level) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := calldataload(add(path.offset, shl(5, level)))
        }
    }
}
