// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract OpenRoundTest is RunTest {
    function tooLittle(uint16 active, uint16 base) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.TooLittleWeight.selector, active, base);
    }

    function test_reverts_in_a_round() public {
        start(10, 10, 10);
        fails(wrongPhase(IRunTypes.Phase.Commit));
        openRound();
        commitAll(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Reveal));
        openRound();
        revealAll(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Vote));
        openRound();
    }

    function test_reverts_when_finished() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        playRound(0, 2);
        assertPhase(IRunTypes.Phase.Finished);
        fails(IRunErrors.RunFinished.selector);
        openRound();
    }

    function test_reverts_with_nobody() public {
        fails(tooLittle(0, p.minWeight));
        openRound();
    }

    /// @dev Two thirds of the minimum, exactly and by one unit.
    function test_reverts_at_two_thirds_of_the_minimum() public {
        p.minWeight = 15;
        deploy();
        join(10);
        join(1);
        skip(p.activateDelay);
        activate(0);
        fails(tooLittle(10, 15));
        openRound();
        activate(1);
        openRound();
        assertEq(run.clock().base, 15);
    }

    /// @dev Benched weight counts by half: 20 of 60 seated is a base of 30, of which 20 are two thirds.
    function test_reverts_at_a_third_of_the_seated_weight() public {
        join(20);
        join(40);
        join(1);
        skip(p.activateDelay);
        activate(0);
        fails(tooLittle(20, 31)); // 61 seated, half of it rounded up
        openRound();
        leave(2);
        fails(tooLittle(20, 30));
        openRound();
        join(1);
        skip(p.activateDelay);
        activate(3);
        openRound();
        assertEq(run.clock().active, 21);
        assertEq(run.clock().base, 31);
    }

    function testFuzz_base(uint8[8] memory weights, uint8 isActive, uint16 minWeight) public {
        p.minWeight = uint16(bound(minWeight, 1, 3_000));
        deploy();
        uint256 active;
        uint256 seated;
        for (uint256 i; i < 8; ++i) {
            join(uint8(bound(weights[i], 1, 255)));
        }
        skip(p.activateDelay);
        for (uint8 i; i < 8; ++i) {
            uint256 weight = run.seats(i).weight;
            seated += weight;
            if ((isActive >> i) & 1 == 0) continue;
            active += weight;
            activate(i);
        }
        // Twice the base, without its rounding: the design's D2.
        uint256 doubled = 2 * active;
        if (seated > doubled) doubled = seated;
        if (2 * uint256(p.minWeight) > doubled) doubled = 2 * uint256(p.minWeight);
        uint256 base = (doubled + 1) / 2;
        bool opens = 3 * active > 2 * base;
        if (!opens) fails(tooLittle(uint16(active), uint16(base)));
        openRound();
        assertEq(run.clock().round, opens ? FIRST : 0);
        assertEq(run.clock().base, opens ? base : 0);
    }

    function test_opens_the_first_round() public {
        uint8[] memory weights = new uint8[](2);
        (weights[0], weights[1]) = (20, 30);
        seatAll(weights);
        vm.expectEmit(address(run));
        emit IRunEvents.RoundOpened(FIRST, 0, 50, 50, 0, 0);
        vm.prank(address(0xbad)); // anybody
        run.openRound();

        IRunTypes.Clock memory c = run.clock();
        assertEq(c.round, FIRST);
        assertEq(c.height, 0);
        assertEq(c.openedAt, vm.getBlockTimestamp());
        assertEq(c.openedBlock, vm.getBlockNumber());
        assertEq(c.commitEnd, NO_END);
        assertEq(c.revealEnd, 0);
        assertEq(c.stretch, 0);
        assertEq(uint256(c.committed) + c.revealed, 0);
        assertFalse(c.closed);
        assertPhase(IRunTypes.Phase.Commit);
    }

    function test_names_the_block_of_the_round_before() public {
        start(10, 10, 10);
        uint64 previous = run.clock().openedBlock;
        playVoid(0, 2);
        vm.expectEmit(address(run));
        emit IRunEvents.RoundOpened(FIRST + 1, 0, 30, 30, 1, previous);
        openRound();
    }

    function test_stretches_to_a_bound_and_back() public {
        start(10, 10, 10);
        uint256[6] memory windows = [uint256(20), 30, 45, 67, 101, 101];
        for (uint256 i; i < 6; ++i) {
            assertEq(run.clock().stretch, i < 4 ? i : 4);
            commitAll(0, 2);
            assertEq(run.deadline(), vm.getBlockTimestamp() + windows[i]);
            skipTo(run.deadline());
            assertPhase(IRunTypes.Phase.Void);
            openRound();
        }
        playRound(0, 2);
        assertEq(run.clock().stretch, 0, "back to normal after a good round");
        assertEq(run.clock().height, 1);
        assertEq(run.clock().round, FIRST + 7);
    }

    function test_busy_slot() public {
        deployShortRing();
        start(10, 10, 10);
        playRound(0, 2);
        uint256 busyUntil = vm.getBlockTimestamp() + run.horizon() + p.settleWindow;
        skip(7);
        for (uint256 i; i < 7; ++i) {
            playRound(0, 2);
        }
        assertPhase(IRunTypes.Phase.Final);
        assertEq(run.clock().height, 8);
        skipTo(busyUntil - 1);
        fails(abi.encodeWithSelector(IRunErrors.SlotBusy.selector, uint64(busyUntil)));
        openRound();
        skipTo(busyUntil);
        openRound();
        assertEq(run.clock().round, FIRST + 8);
        assertEq(run.clock().stretch, 0);
    }

    function test_void_rounds_free_their_slot_at_once() public {
        deployShortRing();
        start(10, 10, 10);
        playVoids(20, 0, 2);
        assertEq(run.clock().round, FIRST + 20);
    }

    /// @dev A final round waits for weight; the next opens once there is some, and void rounds before it are forgotten.
    function test_opens_after_weight_came_back() public {
        p.minWeight = 30;
        deploy();
        start(10, 10, 10);
        playVoid(0, 2);
        openRound();
        toVote(0, 2);
        leave(0);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST + 1, seat);
        }
        assertPhase(IRunTypes.Phase.Final);
        assertEq(run.deadline(), type(uint64).max);
        assertEq(run.clock().stretch, 0);
        fails(tooLittle(20, 30));
        openRound();
        join(1);
        skip(p.activateDelay);
        activate(3);
        openRound();
        assertEq(run.clock().active, 21);
        assertEq(run.clock().height, 1);
        assertEq(run.clock().stretch, 0);
    }

    // ------------------------------------------------------------------ stopped

    function test_reverts_when_stopped() public {
        uint8[] memory weights = new uint8[](1);
        weights[0] = 30;
        seatAll(weights);
        stop();
        fails(IRunErrors.RunStopped.selector);
        openRound();
    }

    /// @dev The phase is told first: the open round goes on to its end.
    function test_reverts_when_stopped_in_a_round() public {
        start(10, 10, 10);
        stop();
        fails(wrongPhase(IRunTypes.Phase.Commit));
        openRound();
        playVoid(0, 2);
        fails(IRunErrors.RunStopped.selector);
        openRound();
    }

    function test_reverts_when_finished_and_stopped() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        play(7);
        stop();
        play(7);
        assertPhase(IRunTypes.Phase.Finished);
        fails(IRunErrors.RunFinished.selector);
        openRound();
    }

    function test_reverts_when_stopped_after_a_final_round() public {
        start(10, 10, 10);
        stop();
        play(7);
        assertPhase(IRunTypes.Phase.Final);
        fails(IRunErrors.RunStopped.selector);
        openRound();
    }

    // ------------------------------------------------------------------ weights and overturns

    function test_takes_the_weights_of_the_time() public {
        start(10, 10, 10);
        playVoid(0, 2);
        topUp(0, 20);
        leave(1);
        openRound();
        assertEq(run.clock().active, 40);
        assertEq(run.clock().base, 40);
    }

    /// @dev An overturn closes the round; the next opens at the height to which the run fell, with those that are not named.
    function test_opens_after_an_overturn() public {
        start(10, 10, 10, 45);
        play(15, 9, 15, 0); // 55 of 75 vote
        play(15, 15, 15, 0);
        playOverturn(FIRST, 1);
        assertPhase(IRunTypes.Phase.Final);
        assertEq(run.clock().height, 0);
        fails(tooLittle(20, 38));
        openRound();
        for (uint8 seat = 4; seat < 6; ++seat) {
            join(20);
        }
        skip(p.activateDelay);
        activate(4);
        activate(5);
        vm.expectEmit(address(run));
        emit IRunEvents.RoundOpened(FIRST + 3, 0, 60, 60, 0, run.clock().openedBlock);
        openRound();
    }
}
