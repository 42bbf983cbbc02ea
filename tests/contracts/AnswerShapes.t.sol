// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {WorkTest} from "./util/WorkTest.sol";

/// @notice Whole runs of several shapes: each chunk of each round can be answered, by the plain step of harness/PlainStep.sol.
contract AnswerShapesTest is WorkTest {
    uint256 private kind; // of the bits: 0 any, 1 all up, 2 all down

    function bitsOf(uint32 round, uint256 seat, uint256 chunk) internal view override returns (bytes memory bits) {
        if (kind == 0) return super.bitsOf(round, seat, chunk);
        bits = new bytes(128);
        if (kind == 2) {
            for (uint256 i; i < 128; ++i) {
                bits[i] = 0xff;
            }
        }
    }

    function answerAll(uint32 round, uint32 height, uint256 set) internal {
        for (uint32 chunk; chunk < chunkCount(); ++chunk) {
            post(round, height, chunk);
            reply(ANSWERER, round, chunk, replyOf(round, height, chunk, set));
            assertStatus(round, chunk, IRunTypes.Status.Answered);
        }
        assertBooks();
    }

    function play(uint256 chunks, uint8[] memory weights, uint256 set) internal {
        shape(chunks);
        deploy();
        start(weights);
        work(uint8(weights.length), set);
        work(uint8(weights.length), set);
        answerAll(FIRST, 1, set);
        answerAll(FIRST + 1, 2, set);
    }

    function weightsOf(uint8 count, uint8 weight) internal pure returns (uint8[] memory weights) {
        weights = new uint8[](count);
        for (uint8 i; i < count; ++i) {
            weights[i] = weight + i;
        }
    }

    function test_one_chunk_one_seat() public {
        play(1, weightsOf(1, 255), 1);
    }

    function test_two_chunks_two_seats() public {
        play(2, weightsOf(2, 100), 3);
    }

    function test_three_chunks_three_seats() public {
        play(3, weightsOf(3, 7), 7);
    }

    function test_five_chunks_four_seats() public {
        play(5, weightsOf(4, 20), 15);
    }

    /// @dev Some of those that revealed were not accepted: the first, the last, one in between.
    function test_part_of_the_seats_accepted() public {
        play(2, weightsOf(6, 10), 22);
    }

    function test_sixteen_seats() public {
        play(1, weightsOf(16, 200), 0xffff);
    }

    /// @dev Nine rounds: through the warm-up, the flat and the decay, with the largest step there is; every one is challenged.
    function test_every_step_of_the_schedule() public {
        (p.peakStep, p.warmup, p.decay, p.totalHeights) = (131_071, 3, 4, 9);
        shape(1);
        deploy();
        start(10, 20, 30);
        for (uint32 i; i < 9; ++i) {
            kind = i % 3;
            work(3, 7);
            answerAll(FIRST + i, i + 1, 7);
        }
        assertPhase(IRunTypes.Phase.Finished);
    }

    /// @dev All go outwards, from states at both ends of int32.
    function test_ends_of_int32() public {
        p.peakStep = 131_071;
        (p.warmup, p.decay) = (1, 1);
        kind = 2;
        play(1, weightsOf(3, 85), 7);
        assertEq(plain.get(states[2][0], 0), type(int32).min);
        assertEq(plain.get(states[2][0], 1), int256(type(int32).max) - 2 * 131_071);
        kind = 1;
        play(1, weightsOf(3, 85), 7);
        assertEq(plain.get(states[2][0], 0), int256(type(int32).min) + 2 * 131_071);
        assertEq(plain.get(states[2][0], 1), type(int32).max);
    }

    /// @dev The weights that count are those of the round, not those of later.
    function test_weights_of_the_round() public {
        shape(1);
        deploy();
        start(10, 20, 30);
        topUp(0, 100);
        work(3, 7);
        work(3, 7);
        assertEq(run.entry(FIRST, 0).weight, 10);
        assertEq(run.entry(FIRST + 1, 0).weight, 110);
        answerAll(FIRST, 1, 7);
        answerAll(FIRST + 1, 2, 7);
    }

    /// @dev After an overturn the heights are made again, from the right state, by rounds of their own.
    function test_heights_made_again() public {
        shape(2);
        deploy();
        start(10, 20, 30);
        work(3, 7);
        prepare(3);
        for (uint8 id; id < 3; ++id) {
            approve(FIRST + 1, id, 7, keccak256("wrong"));
        }
        takeBack(FIRST + 1, 2, 0);
        skip(p.activateDelay);
        skip(p.answerWindow);
        for (uint8 id; id < 3; ++id) {
            slash(FIRST + 1, 0, id);
            activate(id);
        }
        openRound();
        work(3, 7);
        answerAll(FIRST + 3, 2, 7);
    }

    function testFuzz_any_seats(uint8[3] memory weights, uint8 set) public {
        uint8[] memory all = new uint8[](3);
        for (uint256 i; i < 3; ++i) {
            all[i] = uint8(bound(weights[i], 4, 255));
        }
        shape(1);
        deploy();
        start(all);
        uint256 accepted = bound(set, 1, 7);
        work(3, accepted);
        answerAll(FIRST, 1, accepted);
    }
}
