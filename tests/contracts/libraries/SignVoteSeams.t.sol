// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlainStep} from "../harness/PlainStep.sol";
import {SignVoteHarness} from "../harness/SignVoteHarness.sol";
import {Test} from "../util/Test.sol";

/// @notice Eight parameters move at once, in one word: a lane must never reach into its neighbour.
contract SignVoteSeamsTest is Test {
    SignVoteHarness internal sign;
    PlainStep internal plain;

    function setUp() public {
        sign = SignVoteHarness(deployCode("SignVoteHarness.sol"));
        plain = PlainStep(deployCode("PlainStep.sol"));
    }

    /// @dev All parameters alike and next to an end of int32, so that every bit at a seam is the same.
    function testFuzz_parameters_alike_near_the_ends(uint32 offset, bool isTop, bytes32 seed, uint32 step) public view {
        uint32 value = isTop ? uint32(type(int32).max) - offset % 4 : (uint32(1) << 31) + offset % 4;
        bytes4 word = bytes4(value);
        bytes memory chunk = new bytes(4096);
        for (uint256 i; i < 4096; ++i) {
            chunk[i] = word[3 - (i % 4)]; // little-endian
        }
        bytes[] memory bits = new bytes[](1);
        uint256[] memory one = new uint256[](1);
        one[0] = 7;
        for (uint256 i; i < 4; ++i) {
            bits[0] = bytes.concat(bits[0], keccak256(abi.encode(seed, i)));
        }
        uint256 by = bound(step, 0, (1 << 17) - 1);
        assertEq(sign.stepChunk(chunk, bits, one, by), plain.stepChunk(chunk, bits, one, by));
    }
}
