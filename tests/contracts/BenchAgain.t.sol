// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice A benched seat that comes back.
contract BenchAgainTest is RunTest {
    uint256 internal constant OTHERS = 7;
    uint256 internal constant ALL = 15;

    function setUp() public override {
        super.setUp();
        start(10, 10, 10, 5);
        for (uint256 i; i < 4; ++i) {
            play(OTHERS);
        }
        bench(3, FIRST);
    }

    function test_reverts_before_the_delay() public {
        uint256 ready = time() + p.activateDelay;
        skipTo(ready - 1);
        fails(tooEarly(ready));
        activate(3);
        skipTo(ready);
        activate(3);
    }

    /// @dev Benched and activated while one round is open: it acts in that one still, without a gap, and its old misses are forgiven.
    function test_in_the_round_in_which_it_was_benched() public {
        skip(p.activateDelay);
        vm.expectEmit(address(run));
        emit IRunEvents.Activated(3, FIRST, 5);
        activate(3);
        IRunTypes.Seat memory s = run.seats(3);
        assertEq(s.from, FIRST);
        assertEq(s.until, FOREVER);
        assertEq(s.missesFrom, FIRST + 5);
        assertEq(run.roll().nextActive, 35);
        fails(notMissed(FIRST + 1));
        bench(3, FIRST + 1);
        play(ALL);
        assertEq(run.clock().active, 35);
        for (uint32 round = FIRST + 1; round < FIRST + 5; ++round) {
            fails(notMissed(round));
            bench(3, round);
        }
        for (uint256 i; i < 4; ++i) {
            play(OTHERS);
        }
        bench(3, FIRST + 5);
    }

    function test_a_later_round_starts_anew() public {
        play(OTHERS);
        skip(p.activateDelay);
        vm.expectEmit(address(run));
        emit IRunEvents.Activated(3, FIRST + 6, 5);
        activate(3);
        assertEq(run.clock().active, 30);
        fails(notActive(FIRST + 6, FOREVER));
        commit(FIRST + 5, 3);
        play(OTHERS);
        assertEq(run.clock().active, 35);
        fails(notMissed(FIRST + 5));
        bench(3, FIRST + 5);
        for (uint256 i; i < 4; ++i) {
            play(OTHERS);
        }
        bench(3, FIRST + 6);
    }

    /// @dev Between two rounds: the last one is over, but is the one in which it was benched.
    function test_between_rounds() public {
        playVoid(0, 2);
        skip(p.activateDelay);
        activate(3);
        assertEq(run.seats(3).missesFrom, FIRST + 5);
        openRound();
        assertEq(run.clock().active, 35);
        commit(FIRST + 5, 3);
    }

    function test_leaves() public {
        vm.expectEmit(address(run));
        emit IRunEvents.Left(3, FIRST + 4, 5);
        leave(3);
        assertEq(run.roll().seated, 30);
        assertEq(run.roll().nextActive, 30);
        assertEq(run.seats(3).until, FIRST + 4);
    }
}
