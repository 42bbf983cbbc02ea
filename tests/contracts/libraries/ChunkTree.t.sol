// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChunkTree} from "../../../contracts/libraries/ChunkTree.sol";
import {ChunkTreeHarness} from "../harness/ChunkTreeHarness.sol";
import {Vectors} from "../generated/Vectors.sol";
import {Test} from "../util/Test.sol";
import {Trees} from "../util/Trees.sol";
import {vm} from "../util/Vm.sol";

contract ChunkTreeTest is Test {
    ChunkTreeHarness internal tree;

    function setUp() public {
        tree = ChunkTreeHarness(deployCode("ChunkTreeHarness.sol"));
    }

    function slice(bytes memory data, uint256 start, uint256 length) internal pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i; i < length; ++i) {
            part[i] = data[start + i];
        }
    }

    function replay(Vectors.TreeCase memory t, bool isState) internal view {
        bytes memory data = isState ? Vectors.patternState(t.chunks) : t.data;
        uint256 size = data.length / t.chunks;
        assertEq(size, isState ? 4096 : 128);
        for (uint256 i; i < t.chunks; ++i) {
            bytes memory chunk = slice(data, i * size, size);
            bytes32 leaf = isState ? tree.stateLeaf(uint32(i), chunk) : tree.gradientLeaf(uint32(i), chunk);
            assertEq(leaf, t.leaves[i], "leaf");
            assertEq(leaf, isState ? Trees.stateLeaf(i, chunk) : Trees.gradientLeaf(i, chunk), "leaf of the tests' trees");
            bytes memory path = abi.encodePacked(t.paths[i]);
            assertEq(tree.root(leaf, i, path), t.root, "root");
            assertEq(path.length, 32 * tree.depthOf(t.chunks), "depth");
            (bytes32 built, bytes memory way) = Trees.build(t.leaves, i);
            assertEq(built, t.root, "root of the tests' trees");
            assertEq(way, path, "path of the tests' trees");
        }
    }

    function test_gradient_vectors() public view {
        Vectors.TreeCase[] memory cases = Vectors.gradientTrees();
        assertGt(cases.length, 3);
        for (uint256 i; i < cases.length; ++i) {
            replay(cases[i], false);
        }
    }

    function test_state_vectors() public view {
        Vectors.TreeCase[] memory cases = Vectors.stateTrees();
        assertGt(cases.length, 1);
        for (uint256 i; i < cases.length; ++i) {
            replay(cases[i], true);
        }
    }

    function test_bytes_of_leaf_and_node() public view {
        bytes memory chunk = new bytes(128);
        assertEq(tree.gradientLeaf(258, chunk), sha256(abi.encodePacked(hex"0000000102", chunk)));
        assertEq(tree.stateLeaf(258, chunk), sha256(abi.encodePacked(hex"0100000102", chunk)));
        assertEq(tree.node("l", "r"), sha256(abi.encodePacked(hex"02", bytes32("l"), bytes32("r"))));
    }

    function test_one_chunk_is_its_own_root() public view {
        assertEq(tree.root("leaf", 0, ""), "leaf");
    }

    function test_depth() public view {
        assertEq(tree.depthOf(1), 0);
        assertEq(tree.depthOf(2), 1);
        for (uint256 d = 2; d <= 22; ++d) {
            assertEq(tree.depthOf((1 << (d - 1)) + 1), d);
            assertEq(tree.depthOf(1 << d), d);
        }
    }

    /// @dev Any tree of up to 40 leaves, built level by level, has the root that each of its paths leads to.
    function testFuzz_root_of_a_built_tree(bytes32 seed, uint8 count, uint8 which) public view {
        bytes32[] memory leaves = new bytes32[](bound(count, 1, 40));
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
        uint256 index = bound(which, 0, leaves.length - 1);
        (bytes32 root, bytes memory path) = Trees.build(leaves, index);
        assertEq(tree.root(leaves[index], index, path), root);
        assertEq(path.length, 32 * tree.depthOf(leaves.length));
    }

    /// @dev A path is padded unless something stands where a leaf is missing; what it says of leaves that are there is not its business.
    function testFuzz_padding(bytes32 seed, uint8 count, uint8 which, uint8 where) public view {
        bytes32[] memory leaves = new bytes32[](bound(count, 1, 40));
        uint256 index = bound(which, 0, leaves.length - 1);
        uint256 width = 1 << tree.depthOf(leaves.length);
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
        (, bytes memory path) = Trees.build(leaves, index);
        assertTrue(tree.isPadded(index, path, leaves.length));
        if (width == leaves.length) return;
        bytes32[] memory all = new bytes32[](width);
        for (uint256 i; i < leaves.length; ++i) {
            all[i] = leaves[i];
        }
        uint256 garbage = bound(where, leaves.length, width - 1);
        all[garbage] = seed | bytes32(uint256(1));
        (, path) = Trees.build(all, index);
        // Seen on this path where the sibling at the level at which the two meet has no leaf of its own.
        uint256 level;
        while (index >> (level + 1) != garbage >> (level + 1)) ++level;
        assertEq(tree.isPadded(index, path, leaves.length), (garbage >> level) << level < leaves.length);
        // The last chunk's path sees it always.
        index = leaves.length - 1;
        (, path) = Trees.build(all, index);
        assertFalse(tree.isPadded(index, path, leaves.length));
    }

    /// @dev A leaf has one name: bits of the index beyond the path are refused.
    function testFuzz_index_out_of_tree(uint256 index, uint8 depth) public {
        depth = uint8(bound(depth, 0, 32));
        index = bound(index, uint256(1) << depth, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(ChunkTree.IndexOutOfTree.selector, index, depth));
        tree.root("leaf", index, new bytes(32 * uint256(depth)));
    }

    /// @dev Leaf, index and every sibling are bound by the root.
    function testFuzz_root_binds_all(bytes32 leaf, uint256 index, bytes32[6] memory siblings, uint8 which, bytes32 other) public view {
        bytes32[] memory path = new bytes32[](6);
        for (uint256 i; i < 6; ++i) {
            path[i] = siblings[i];
        }
        index = bound(index, 0, 63);
        bytes32 root = tree.root(leaf, index, abi.encodePacked(path));
        which = which % 6;
        // A leaf equal to its sibling would have both their indices.
        vm.assume(other != path[which] && other != leaf && leaf != path[0]);
        assertNotEq(tree.root(other, index, abi.encodePacked(path)), root);
        assertNotEq(tree.root(leaf, index ^ (uint256(1) << which), abi.encodePacked(path)), root);
        path[which] = other;
        assertNotEq(tree.root(leaf, index, abi.encodePacked(path)), root);
    }
}
