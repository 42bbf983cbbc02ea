// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChunkTreeHarness} from "../harness/ChunkTreeHarness.sol";
import {PlainStep} from "../harness/PlainStep.sol";
import {SignVoteHarness} from "../harness/SignVoteHarness.sol";
import {Vectors} from "../generated/Vectors.sol";
import {Test} from "../util/Test.sol";

contract SignVoteTest is Test {
    int256 internal constant MIN = type(int32).min;
    int256 internal constant MAX = type(int32).max;

    SignVoteHarness internal sign;
    PlainStep internal plain;

    function setUp() public {
        sign = SignVoteHarness(deployCode("SignVoteHarness.sol"));
        plain = PlainStep(deployCode("PlainStep.sol"));
    }

    // ------------------------------------------------------------------ vectors of the Python reference

    function test_step_vectors() public view {
        Vectors.StepCase[] memory cases = Vectors.steps();
        assertGt(cases.length, 100);
        for (uint256 i; i < cases.length; ++i) {
            Vectors.StepCase memory s = cases[i];
            assertEq(sign.move(s.t, sign.delta(s.votes, s.total, s.step)), s.next);
            assertEq(plain.move(s.t, plain.delta(s.votes, s.total, s.step)), s.next, "plain");
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
            assertEq(moved, plain.stepChunk(state, c.gradients, c.weights, c.step), "plain");
        }
    }

    // ------------------------------------------------------------------ delta and move

    /// @dev The rule by other means: floor(x / 2^14) by division and a correction, signs by case.
    function testFuzz_delta(uint16 votes, uint16 total, uint32 step) public view {
        uint256 t = bound(total, 1, 65_280);
        uint256 v = bound(votes, 0, t);
        uint256 s = bound(step, 0, (1 << 17) - 1);
        assertEq(sign.delta(v, t, s), plain.delta(v, t, s));
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

    /// @dev More votes never move a parameter further up.
    function testFuzz_delta_is_monotone(uint16 votes, uint16 total, uint32 step) public view {
        uint256 t = bound(total, 1, 65_280);
        uint256 v = bound(votes, 0, t - 1);
        uint256 s = bound(step, 0, (1 << 17) - 1);
        assertTrue(sign.delta(v, t, s) <= sign.delta(v + 1, t, s));
    }

    function test_delta_at_the_ends() public view {
        assertEq(sign.delta(0, 1, 131_071), -131_071);
        assertEq(sign.delta(1, 1, 131_071), 131_071);
        assertEq(sign.delta(65_280, 65_280, 131_071), 131_071);
        assertEq(sign.delta(0, 65_280, 131_071), -131_071);
        assertEq(sign.delta(1, 2, 131_071), 0, "a tie");
        assertEq(sign.delta(32_640, 65_280, 131_071), 0, "a tie");
        assertEq(sign.delta(1, 1, 0), 0, "no step");
        // (-3 + 2^13) >> 14 rounds to the nearest, a half up: -1/2 -> 0, -1/2 - 1/2^14 -> -1.
        assertEq(sign.delta(0, 1, 1), -1);
    }

    function testFuzz_move(int32 parameter, int256 down) public view {
        int256 d = bound(down, -(1 << 17), 1 << 17);
        int256 exact = int256(parameter) - d;
        if (exact > MAX) exact = MAX;
        if (exact < MIN) exact = MIN;
        assertEq(sign.move(parameter, d), exact);
        assertEq(plain.move(parameter, d), exact, "the protocol's form");
    }

    function test_move_at_the_ends() public view {
        assertEq(sign.move(MIN, 1), MIN);
        assertEq(sign.move(MIN + 1, 1), MIN);
        assertEq(sign.move(MAX, -1), MAX);
        assertEq(sign.move(MAX - 1, -1), MAX);
        assertEq(sign.move(MIN, -131_071), MIN + 131_071);
        assertEq(sign.move(MAX, 131_071), MAX - 131_071);
        assertEq(sign.move(MIN + 131_070, 131_071), MIN);
        assertEq(sign.move(MAX - 131_070, -131_071), MAX);
    }

    // ------------------------------------------------------------------ sums

    function expand(bytes32 seed, uint256 words) internal pure returns (bytes memory out) {
        for (uint256 i; i < words; ++i) {
            out = abi.encodePacked(out, keccak256(abi.encode(seed, i)));
        }
    }

    /// @dev Every one of the 1,024 bits has a lane of its own, and it is the right one.
    function test_add_one_bit() public view {
        bool[1024] memory isTaken;
        for (uint256 i; i < 1024; i += 11) {
            bytes memory bits = new bytes(128);
            bits[i / 8] = bytes1(uint8(1 << (i % 8)));
            uint256[64] memory lanes;
            lanes = sign.add(lanes, bits, 255);
            uint256 b = 8 * (31 - ((i / 8) % 32)) + (i % 8);
            (uint256 word, uint256 lane) = (16 * (i / 256) + (b % 16), b / 16);
            assertFalse(isTaken[16 * word + lane]);
            isTaken[16 * word + lane] = true;
            for (uint256 w; w < 64; ++w) {
                assertEq(lanes[w], w == word ? uint256(255) << (16 * lane) : 0);
            }
        }
    }

    function testFuzz_add(bytes32 seed, uint8[5] memory weights) public view {
        bytes[] memory bits = new bytes[](5);
        uint256[] memory all = new uint256[](5);
        uint256[64] memory lanes;
        for (uint256 s; s < 5; ++s) {
            bits[s] = expand(keccak256(abi.encode(seed, s)), 4);
            all[s] = bound(weights[s], 1, 255);
            lanes = sign.add(lanes, bits[s], all[s]);
        }
        uint256[] memory wanted = plain.lanesOf(bits, all);
        for (uint256 w; w < 64; ++w) {
            assertEq(lanes[w], wanted[w]);
        }
    }

    /// @dev The heaviest run there can be: 256 seats of 255 that agree. No lane carries into its neighbour.
    function test_add_fills_a_lane_and_no_more() public view {
        bytes memory bits = new bytes(128);
        for (uint256 i; i < 128; ++i) {
            bits[i] = i % 2 == 0 ? bytes1(0xff) : bytes1(0x55);
        }
        uint256[64] memory lanes;
        for (uint256 s; s < 256; ++s) {
            lanes = sign.add(lanes, bits, 255);
        }
        bytes[] memory all = new bytes[](1);
        uint256[] memory one = new uint256[](1);
        (all[0], one[0]) = (bits, 65_280);
        uint256[] memory wanted = plain.lanesOf(all, one);
        for (uint256 w; w < 64; ++w) {
            assertEq(lanes[w], wanted[w]);
        }
        bytes memory chunk = plain.chunkOf(1);
        assertEq(sign.stepSums(chunk, lanes, 65_280, 131_071), plain.stepChunk(chunk, all, one, 131_071));
    }

    // ------------------------------------------------------------------ whole chunks against one parameter after the other

    function testFuzz_stepChunk(bytes32 seed, uint8[4] memory weights, uint8 seats, uint32 step) public view {
        uint256 count = bound(seats, 1, 4);
        bytes[] memory bits = new bytes[](count);
        uint256[] memory all = new uint256[](count);
        for (uint256 s; s < count; ++s) {
            bits[s] = expand(keccak256(abi.encode(seed, s)), 4);
            all[s] = bound(weights[s], 1, 255);
        }
        uint256 by = bound(step, 0, (1 << 17) - 1);
        bytes memory chunk = seed[0] < 0xc0 ? plain.chunkOf(uint256(seed)) : expand(seed, 128);
        assertEq(sign.stepChunk(chunk, bits, all, by), plain.stepChunk(chunk, bits, all, by));
    }

    /// @dev All parameters in [-2^30, 2^30): eight are stepped at once, with every size of step and whole lanes of carries.
    function testFuzz_stepChunk_away_from_the_ends(bytes32 seed, uint8[3] memory weights, uint32 step) public view {
        bytes[] memory bits = new bytes[](3);
        uint256[] memory all = new uint256[](3);
        for (uint256 s; s < 3; ++s) {
            bits[s] = expand(keccak256(abi.encode(seed, s)), 4);
            all[s] = bound(weights[s], 1, 255);
        }
        uint256 by = bound(step, 0, (1 << 17) - 1);
        bytes memory chunk = expand(seed, 128);
        for (uint256 i; i < 1024; ++i) {
            // The top byte decides: 0xc0..0xff and 0x00..0x3f.
            uint8 top = uint8(chunk[4 * i + 3]);
            chunk[4 * i + 3] = bytes1(top < 0x80 ? top & 0x3f : top | 0xc0);
        }
        assertEq(sign.stepChunk(chunk, bits, all, by), plain.stepChunk(chunk, bits, all, by));
    }

    /// @dev Both ends of int32, pushed outwards and inwards by the largest step.
    function test_stepChunk_at_the_ends() public view {
        bytes memory chunk = plain.chunkOf(0);
        bytes[] memory bits = new bytes[](1);
        uint256[] memory one = new uint256[](1);
        one[0] = 1;
        for (uint256 kind; kind < 4; ++kind) {
            bits[0] = new bytes(128);
            for (uint256 i; i < 128; ++i) {
                bits[0][i] = [bytes1(0x00), bytes1(0xff), bytes1(0xaa), bytes1(0x55)][kind];
            }
            bytes memory moved = sign.stepChunk(chunk, bits, one, 131_071);
            assertEq(moved, plain.stepChunk(chunk, bits, one, 131_071));
            int256 low = plain.get(moved, 0);
            int256 high = plain.get(moved, 1);
            assertEq(low, kind == 1 || kind == 3 ? MIN : MIN + 131_071);
            assertEq(high, kind == 0 || kind == 3 ? MAX : MAX - 131_071);
        }
    }

    /// @dev A step of 0 leaves every byte as it was.
    function testFuzz_stepChunk_of_nothing(bytes32 seed) public view {
        bytes[] memory bits = new bytes[](1);
        uint256[] memory one = new uint256[](1);
        (bits[0], one[0]) = (expand(seed, 4), 7);
        bytes memory chunk = expand(~seed, 128);
        assertEq(sign.stepChunk(chunk, bits, one, 0), chunk);
    }

    // ------------------------------------------------------------------ schedule

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
