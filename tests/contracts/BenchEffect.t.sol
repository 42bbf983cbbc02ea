// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice What benching does to the seat, to the open round and to the base.
contract BenchEffectTest is RunTest {
    uint256 internal constant OTHERS = 7;

    /// @dev Seat 3 is absent in `count` good rounds.
    function playWithout3(uint256 count) internal {
        for (uint256 i; i < count; ++i) {
            play(OTHERS);
        }
    }

    function startFour() internal {
        start(10, 10, 10, 5);
    }

    function test_benches() public {
        startFour();
        playWithout3(4);
        assertEq(run.roll().nextActive, 35);
        vm.expectEmit(address(run));
        emit IRunEvents.Benched(3, FIRST + 4, 5);
        bench(3, FIRST);
        IRunTypes.Seat memory s = run.seats(3);
        assertEq(s.until, FIRST + 4);
        assertEq(s.leftAt, 0);
        assertEq(s.readyAt, time() + p.activateDelay);
        assertEq(run.roll().nextActive, 30);
        assertEq(run.roll().seated, 35, "it has not left");
        assertEq(run.clock().active, 35, "an open round keeps its weight");
        commit(FIRST + 4, 3); // and its seats
        commitAll(0, 2);
        revealAll(0, 3);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST + 4, seat);
        }
        assertEq(run.clock().active, 30);
        assertEq(run.clock().base, 30);
        fails(notActive(FIRST, FIRST + 4));
        commit(FIRST + 5, 3);
    }

    function test_starts_no_clock() public {
        startFour();
        playWithout3(4);
        bench(3, FIRST);
        assertEq(run.clock().commitEnd, NO_END);
    }

    /// @dev Everybody is benched at once: the base stays at half of the seated weight, so no minority takes the run.
    function test_mass_benching_keeps_half_of_the_seated_weight() public {
        p.minWeight = 1;
        deploy();
        start(10, 10, 10, 11);
        playVoids(2, 0, 3);
        playVoid(0, 3);
        for (uint8 seat; seat < 4; ++seat) {
            bench(seat, FIRST);
        }
        assertEq(run.roll().nextActive, 0);
        assertEq(run.roll().seated, 41);
        fails(abi.encodeWithSelector(IRunErrors.TooLittleWeight.selector, 0, 21));
        openRound();
        skip(p.activateDelay);
        activate(3);
        fails(abi.encodeWithSelector(IRunErrors.TooLittleWeight.selector, 11, 21));
        openRound();
        activate(0);
        openRound();
        assertEq(run.clock().active, 21);
        assertEq(run.clock().base, 21);
    }

    /// @dev Half of the weight is lost: it heals by benching.
    function test_a_run_heals_from_the_loss_of_half() public {
        start(10, 10, 10, 10);
        playVoids(2, 0, 2);
        playVoid(0, 2);
        // Seats 2 and 3 are gone for good; 0 and 1 come back.
        for (uint8 seat; seat < 4; ++seat) {
            bench(seat, FIRST);
        }
        skip(p.activateDelay);
        activate(0);
        activate(1);
        openRound();
        assertEq(run.clock().base, 20);
        playRound(0, 1);
        assertEq(run.clock().height, 1);
    }
}
