// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Whole chunk trees, level by level, as docs/protocol.md, Trees, gives them. Nothing of contracts/ is used.
library Trees {
    function gradientLeaf(uint256 index, bytes memory chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(0), uint32(index), chunk));
    }

    function stateLeaf(uint256 index, bytes memory chunk) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(1), uint32(index), chunk));
    }

    /// @notice The root over these leaves, and the path of one of them: siblings from the leaf's level up, 32 bytes each.
    function build(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32 root, bytes memory path) {
        uint256 width = 1;
        while (width < leaves.length) {
            width *= 2;
        }
        bytes32[] memory level = new bytes32[](width); // missing leaves are zero
        for (uint256 i; i < leaves.length; ++i) {
            level[i] = leaves[i];
        }
        for (; width > 1; width /= 2) {
            path = abi.encodePacked(path, level[index % 2 == 0 ? index + 1 : index - 1]);
            for (uint256 i; i < width / 2; ++i) {
                level[i] = sha256(abi.encodePacked(uint8(2), level[2 * i], level[2 * i + 1]));
            }
            index /= 2;
        }
        root = level[0];
    }
}
