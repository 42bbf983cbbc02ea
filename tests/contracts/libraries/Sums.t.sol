// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SumsHarness} from "../harness/SumsHarness.sol";
import {Vectors} from "../generated/Vectors.sol";
import {Test} from "../util/Test.sol";

/// @notice Whole chunks under up to 256 seats: one full of the ends of int32 (the slow path), one away from them (the fast path, and both in a word).
contract SumsTest is Test {
    SumsHarness internal sums;

    function setUp() public {
        sums = SumsHarness(deployCode("SumsHarness.sol"));
    }

    function test_lanes() public view {
        Vectors.SumCase[] memory cases = Vectors.sums();
        assertGt(cases.length, 8);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.SumCase memory c = cases[i];
            uint256[64] memory lanes = sums.sum(c.patterns, c.weights, c.seats);
            assertEq(keccak256(abi.encode(lanes)), c.lanes, "lanes");
            assertEq(keccak256(abi.encode(c.seats, c.total, lanes)), c.progress, "progress");
        }
        uint256[] memory all = Vectors.lanes();
        uint256[64] memory found = sums.sum(cases[3].patterns, cases[3].weights, cases[3].seats);
        for (uint256 i; i < 64; ++i) {
            assertEq(found[i], all[i]);
        }
    }

    function test_chunks() public view {
        Vectors.SumCase[] memory cases = Vectors.sums();
        (bytes memory ends, bytes memory calm) = (Vectors.patternState(1), Vectors.calmState());
        for (uint256 i; i < cases.length; ++i) {
            Vectors.SumCase memory c = cases[i];
            assertEq(sums.step(ends, c.patterns, c.weights, c.seats, c.total, c.step), c.nextLeaf, "ends");
            assertEq(sums.step(calm, c.patterns, c.weights, c.seats, c.total, c.step), c.calmNextLeaf, "calm");
        }
    }

    function test_depths() public view {
        Vectors.DepthCase[] memory cases = Vectors.depths();
        assertGt(cases.length, 10);
        for (uint256 i; i < cases.length; ++i) {
            assertEq(sums.depthOf(cases[i].chunks), cases[i].depth);
        }
    }
}
