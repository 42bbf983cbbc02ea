// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract ActivateTest is RunTest {
    function test_reverts_for_a_stranger() public {
        join(10);
        skip(p.activateDelay);
        fails(abi.encodeWithSelector(IRunErrors.NotOperator.selector, operatorOf(0)));
        next(address(0xbad));
        run.activate(0);
    }

    function test_reverts_for_no_seat() public {
        fails(abi.encodeWithSelector(IRunErrors.NotOperator.selector, address(0)));
        activate(9);
    }

    function test_reverts_before_the_delay() public {
        join(10);
        uint256 ready = vm.getBlockTimestamp() + p.activateDelay;
        skipTo(ready - 1);
        fails(abi.encodeWithSelector(IRunErrors.TooEarly.selector, ready));
        activate(0);
        skipTo(ready);
        activate(0);
    }

    function test_reverts_when_active() public {
        start(10, 10, 10);
        fails(abi.encodeWithSelector(IRunErrors.AlreadyActive.selector, FIRST));
        activate(1);
    }

    function test_reverts_after_leaving() public {
        join(10);
        skip(p.activateDelay);
        leave(0);
        fails(IRunErrors.HasLeft.selector);
        activate(0);
    }

    function test_reverts_after_withdrawing() public {
        join(10);
        leave(0);
        skip(run.horizon());
        withdraw(0);
        fails(IRunErrors.HasLeft.selector);
        activate(0);
    }

    function test_acts_from_the_first_round() public {
        join(10);
        skip(p.activateDelay);
        vm.expectEmit(address(run));
        emit IRunEvents.Activated(0, FIRST, 10);
        activate(0);
        assertEq(run.seats(0).from, FIRST);
        assertEq(run.roll().nextActive, 10);
        openRound();
        assertEq(run.clock().active, 10);
        commit(FIRST, 0);
    }

    function test_the_owner_may_too() public {
        join(10);
        skip(p.activateDelay);
        vm.prank(ownerOf(0));
        run.activate(0);
        assertEq(run.seats(0).from, FIRST);
    }

    function test_acts_from_the_next_round_only() public {
        start(10, 10, 10);
        uint8 late = join(200);
        skip(p.activateDelay);
        activate(late);
        assertEq(run.clock().active, 30, "the weight of an open round does not change");
        assertEq(run.clock().base, 30);
        fails(notOperator(address(0))); // nobody held the id in this round
        commit(FIRST, late);

        playRound(0, 2);
        assertEq(run.clock().active, 230);
        commit(FIRST + 1, late);
    }

    function test_between_rounds_acts_in_the_next() public {
        start(10, 10, 10);
        playVoid(0, 2);
        uint8 late = join(5);
        skip(p.activateDelay);
        activate(late);
        assertEq(run.seats(late).from, FIRST + 1);
        openRound();
        assertEq(run.clock().active, 35);
    }

    // ------------------------------------------------------------------ benched (see also BenchAgain.t.sol), named, displaced

    function test_reverts_while_it_is_named() public {
        start(10, 10, 10);
        play(7);
        playOverturn(FIRST, 1);
        skip(p.activateDelay); // ready, but named
        fails(named(1));
        activate(0);
        skip(p.answerWindow - p.activateDelay);
        slash(FIRST, 0, 0);
        activate(0);
        assertEq(run.roll().nextActive, 5, "with what it kept");
        fails(named(1));
        activate(1);
    }

    function test_reverts_for_a_named_seat_before_it_is_ready() public {
        start(10, 10, 10);
        play(7);
        playOverturn(FIRST, 1);
        fails(named(1));
        activate(0);
    }

    /// @dev A seat that did not vote for what fell is neither benched nor named.
    function test_who_did_not_vote_is_active_still() public {
        start(10, 10, 10, 5);
        play(15, 7, 7, 0);
        playOverturn(FIRST, 1);
        fails(abi.encodeWithSelector(IRunErrors.AlreadyActive.selector, FIRST));
        activate(3);
        assertEq(run.roll().nextActive, 5);
    }

    function test_with_a_top_up_made_while_benched() public {
        join(10);
        topUp(0, 5);
        skip(p.activateDelay);
        vm.expectEmit(address(run));
        emit IRunEvents.Activated(0, FIRST, 15);
        activate(0);
        assertEq(run.roll().nextActive, 15);
        openRound();
        commit(FIRST, 0);
        assertEq(run.entry(FIRST, 0).weight, 15);
    }

    function test_when_stopped() public {
        join(10);
        stop();
        skip(p.activateDelay);
        activate(0); // harmless: no round opens
        fails(IRunErrors.RunStopped.selector);
        openRound();
    }
}
