// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChunkTreeHarness} from "../harness/ChunkTreeHarness.sol";
import {SignVoteHarness} from "../harness/SignVoteHarness.sol";
import {Vectors} from "../generated/Vectors.sol";
import {Test} from "../util/Test.sol";

contract SignVoteTest is Test {
    int256 internal constant MIN = type(int32).min;
    int256 internal constant MAX = type(int32).max;

    SignVoteHarness internal sign;

    function setUp() public {
        sign = SignVoteHarness(deployCode("SignVoteHarness.sol"));
    }

    function test_step_vectors() public view {
        Vectors.StepCase[] memory cases = Vectors.steps();
        assertGt(cases.length, 100);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.StepCase memory s = cases[i];
            assertEq(sign.move(s.t, sign.delta(s.votes, s.total, s.step)), s.next);
        }
    }

    function test_schedule_vectors() public view {
        Vectors.ScheduleCase[] memory cases = Vectors.schedules();
        assertGt(cases.length, 20);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.ScheduleCase memory s = cases[i];
            assertEq(sign.stepAt(s.height, s.peak, s.warmup, s.decay, s.total), s.step);
        }
    }

    function test_chunk_vectors() public {
        ChunkTreeHarness tree = ChunkTreeHarness(deployCode("ChunkTreeHarness.sol"));
        Vectors.ChunkCase[] memory cases = Vectors.chunks();
        assertGt(cases.length, 2);
        bytes memory state = Vectors.patternState(1);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.ChunkCase memory c = cases[i];
            assertEq(tree.stateLeaf(0, state), c.leaf, "before");
            bytes memory moved = sign.stepChunk(state, c.gradients, c.weights, c.step);
            assertEq(tree.stateLeaf(0, moved), c.nextLeaf, "after");
        }
    }

    /// @dev The rule by other means: floor(x / 2^14) by division and a correction, signs by case.
    function testFuzz_delta(uint16 votes, uint16 total, uint32 step) public view {
        uint256 t = bound(total, 1, 65_280);
        uint256 v = bound(votes, 0, t);
        uint256 s = bound(step, 0, (1 << 17) - 1);
        int256 gain = 3 * (int256((v * 32_768) / t) - 16_384);
        if (gain > 16_384) gain = 16_384;
        if (gain < -16_384) gain = -16_384;
        int256 x = gain * int256(s) + 8_192;
        int256 floor = x / 16_384;
        if (x < 0 && x % 16_384 != 0) floor -= 1;
        assertEq(sign.delta(v, t, s), floor);
    }

    /// @dev Once two thirds of the weight agree the whole step is taken; nobody moves further than the step.
    function testFuzz_delta_saturates(uint16 votes, uint16 total, uint32 step) public view {
        uint256 t = bound(total, 1, 65_280);
        uint256 v = bound(votes, 0, t);
        int256 s = int256(bound(step, 0, (1 << 17) - 1));
        int256 d = sign.delta(v, t, uint256(s));
        assertTrue(d <= s && d >= -s);
        if (3 * v > 2 * t + t / 1_000 + 1) assertEq(d, s);
        if (3 * v < t - t / 1_000) assertEq(d, -s);
    }

    function testFuzz_move(int32 parameter, int256 down) public view {
        int256 d = bound(down, -(1 << 17), 1 << 17);
        int256 exact = int256(parameter) - d;
        if (exact > MAX) exact = MAX;
        if (exact < MIN) exact = MIN;
        assertEq(sign.move(parameter, d), exact);
    }

    function test_move_at_the_ends() public view {
        assertEq(sign.move(type(int32).min, 1), MIN);
        assertEq(sign.move(type(int32).min + 1, 1), MIN);
        assertEq(sign.move(type(int32).max, -1), MAX);
        assertEq(sign.move(type(int32).min, -131_071), MIN + 131_071);
    }

    /// @dev A trapezoid: up over the warm-up, flat, down over the decay, never above the peak.
    function testFuzz_schedule(uint32 peak, uint32 warmup, uint32 decay, uint32 rest) public view {
        uint256 top = bound(peak, 1, (1 << 17) - 1);
        uint256 w = bound(warmup, 1, 300);
        uint256 d = bound(decay, 1, 300);
        uint256 total = w + d + bound(rest, 0, 300);
        assertEq(sign.stepAt(w - 1, top, w, d, total), top, "the warm-up ends at the peak");
        assertEq(sign.stepAt(total - d, top, w, d, total), top, "the decay starts at the peak");
        assertEq(sign.stepAt(total - 1, top, w, d, total), top / d, "the last step is a decay's first");
        uint256 before;
        for (uint256 h; h < total; ++h) {
            uint256 step = sign.stepAt(h, top, w, d, total);
            assertLe(step, top);
            if (h < w) assertGe(step, before);
            if (h > total - d) assertLe(step, before);
            before = step;
        }
    }
}
