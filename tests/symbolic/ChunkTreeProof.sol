// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChunkTree} from "../../contracts/libraries/ChunkTree.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice What is hashed, byte by byte, and in which order. sha2-256 itself is any function of the bytes: the solver knows nothing of it.
contract ChunkTreeProof is Symbolic {
    function root(bytes32 leaf, uint256 index, bytes calldata path) external view returns (bytes32) {
        return ChunkTree.root(leaf, index, path);
    }

    function check_gradientLeaf(uint32 index, bytes32[4] calldata chunk) external view {
        bytes memory bits = abi.encodePacked(chunk[0], chunk[1], chunk[2], chunk[3]);
        assert(ChunkTree.gradientLeaf(index, bits) == sha256(_written(0, index, bits)));
    }

    function check_stateLeaf(uint32 index, bytes calldata chunk) external view {
        given(chunk.length == 4_096);
        assert(ChunkTree.stateLeaf(index, chunk) == sha256(_written(1, index, chunk)));
    }

    function check_node(bytes32 left, bytes32 right) external view {
        assert(ChunkTree.node(left, right) == sha256(bytes.concat(hex"02", left, right)));
    }

    /// @dev From the top: a node's hash is that of its two children; the bit of the index says which one is the path's.
    function check_root_of_four_levels(bytes32 leaf, uint8 index, bytes32[4] calldata path) external view {
        given(index < 16);
        assert(this.root(leaf, index, abi.encodePacked(path)) == _above(leaf, index, path, 4));
    }

    function check_root_refuses_an_index_out_of_the_tree(bytes32 leaf, uint256 index, bytes32[4] calldata path) external view {
        for (uint256 depth; depth <= 4; ++depth) {
            bytes memory hashes = abi.encodePacked(path);
            assembly ("memory-safe") {
                mstore(hashes, mul(32, depth))
            }
            try this.root(leaf, index, hashes) {
                assert(index < 2 ** depth);
            } catch {
                assert(index >= 2 ** depth);
            }
        }
    }

    function _above(bytes32 leaf, uint256 index, bytes32[4] calldata path, uint256 level) private view returns (bytes32) {
        if (level == 0) return leaf;
        bytes32 below = _above(leaf, index, path, level - 1);
        bool isRight = (index / 2 ** (level - 1)) % 2 == 1;
        return isRight ? sha256(bytes.concat(hex"02", path[level - 1], below)) : sha256(bytes.concat(hex"02", below, path[level - 1]));
    }

    /// @dev The kind, the index in four bytes from the highest, the chunk.
    function _written(uint8 kind, uint32 index, bytes memory chunk) private pure returns (bytes memory) {
        return bytes.concat(
            bytes1(kind), bytes1(uint8(index >> 24)), bytes1(uint8(index >> 16)), bytes1(uint8(index >> 8)), bytes1(uint8(index)), chunk
        );
    }
}
