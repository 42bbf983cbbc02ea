// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract LeaveTest is RunTest {
    function test_reverts_for_the_operator() public {
        join(10);
        fails(abi.encodeWithSelector(IRunErrors.NotOwner.selector, ownerOf(0)));
        next(operatorOf(0));
        run.leave(0);
    }

    function test_reverts_for_no_seat() public {
        fails(abi.encodeWithSelector(IRunErrors.NotOwner.selector, address(0)));
        leave(9);
    }

    function test_reverts_twice() public {
        join(10);
        leave(0);
        fails(IRunErrors.HasLeft.selector);
        leave(0);
    }

    function test_of_a_benched_seat() public {
        join(10);
        join(20);
        vm.expectEmit(address(run));
        emit IRunEvents.Left(0, 0, 10);
        leave(0);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.until, 0);
        assertEq(s.leftAt, vm.getBlockTimestamp());
        assertEq(run.roll().seated, 20);
        assertEq(run.roll().nextActive, 0);
        assertEq(run.staked(), stakeOf(30), "leaving pays nothing");
    }

    function test_activated_before_the_first_round_never_acts() public {
        uint8[] memory weights = new uint8[](2);
        (weights[0], weights[1]) = (10, 20);
        seatAll(weights);
        leave(0);
        assertEq(run.roll().nextActive, 20);
        openRound();
        fails(abi.encodeWithSelector(IRunErrors.NotActive.selector, FIRST, 0));
        commit(FIRST, 0);
    }

    function test_acts_to_the_end_of_the_round() public {
        start(10, 10, 10, 10);
        leave(3);
        assertEq(run.clock().active, 40, "the weight of an open round does not change");
        assertEq(run.roll().nextActive, 30);
        assertEq(run.roll().seated, 30);
        playRound(0, 3);

        assertEq(run.clock().round, FIRST + 1);
        assertEq(run.clock().active, 30);
        fails(abi.encodeWithSelector(IRunErrors.NotActive.selector, FIRST, FIRST));
        commit(FIRST + 1, 3);
    }

    function test_activated_for_the_next_round_never_acts() public {
        start(10, 10, 10);
        uint8 late = join(10);
        skip(p.activateDelay);
        activate(late);
        assertEq(run.roll().nextActive, 40);
        leave(late);
        assertEq(run.roll().nextActive, 30);
        assertEq(run.clock().commitEnd, NO_END, "nobody waits for this seat");
        playRound(0, 2);
        fails(abi.encodeWithSelector(IRunErrors.NotActive.selector, FIRST + 1, FIRST));
        commit(FIRST + 1, late);
    }

    function test_starts_the_cap() public {
        start(10, 10, 10);
        skip(100);
        leave(2);
        assertEq(run.clock().commitEnd, NO_END, "the rest can start it");
        assertEq(run.roll().departedIn, FIRST);
        assertEq(run.roll().departed, 10);
        leave(1); // a third of the base is left: not more
        assertEq(run.clock().commitEnd, time() + p.commitCap);
        skip(1);
        leave(0);
        assertEq(run.clock().commitEnd, time() - 1 + p.commitCap, "once");
    }

    function test_starts_the_stretched_cap() public {
        start(10, 10, 10);
        playVoid(0, 2);
        openRound();
        leave(2);
        leave(0);
        assertEq(run.clock().commitEnd, vm.getBlockTimestamp() + p.commitCap * 3 / 2);
    }

    function test_does_not_move_a_known_end() public {
        start(10, 10, 10, 10);
        commitAll(0, 2);
        uint256 end = run.clock().commitEnd;
        assertLt(end, NO_END);
        leave(3);
        assertEq(run.clock().commitEnd, end);
    }

    function test_of_a_benched_seat_starts_no_clock() public {
        start(10, 10, 10);
        leave(join(200));
        assertEq(run.clock().commitEnd, NO_END);
    }

    /// @dev Two of three leave: the one that stays can never pass a third of the base, and the run goes on without them.
    function test_a_run_outlives_two_thirds_of_its_seats() public {
        p.minWeight = 1;
        deploy();
        start(10, 10, 10);
        leave(0);
        leave(1);
        commit(FIRST, 2);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Reveal);
        reveal(FIRST, 2);
        assertPhase(IRunTypes.Phase.Void);
        openRound();
        assertEq(run.clock().active, 10);
        playRound(2, 2);
        assertEq(run.clock().height, 1);
    }

    /// @dev All leave: newcomers take over. (A lone owner that lost its operator's key does this.)
    function test_a_run_outlives_all_its_seats() public {
        start(10, 10, 10);
        for (uint8 seat; seat < 3; ++seat) {
            leave(seat);
        }
        uint8 heir = join(15);
        skip(p.activateDelay);
        activate(heir);
        skipTo(run.deadline()); // of the commit
        skipTo(run.deadline()); // of the reveal
        openRound();
        playRound(heir, heir);
        assertEq(run.clock().height, 1);
    }

    /// @dev Who was benched in this round, or later topped up, departs with the weight it has in it.
    function test_departs_with_the_weight_of_the_round() public {
        start(10, 10, 10, 10);
        topUp(3, 100);
        vm.expectEmit(address(run));
        emit IRunEvents.Left(3, FIRST, 110);
        leave(3);
        assertEq(run.roll().departed, 10);
        assertEq(run.roll().seated, 30);
        assertEq(run.roll().nextActive, 30);
        assertEq(run.clock().commitEnd, NO_END);
    }

    /// @dev The count of the departed is that of one round.
    function test_departures_of_an_earlier_round_do_not_count() public {
        start(10, 10, 10, 10);
        leave(3);
        play(15);
        assertEq(run.roll().departedIn, FIRST);
        leave(2);
        assertEq(run.roll().departedIn, FIRST + 1);
        assertEq(run.roll().departed, 10);
        assertEq(run.clock().commitEnd, NO_END);
    }

    /// @dev Exactly a third of the base left: no commit of the rest starts the clock, so leaving does.
    function testFuzz_the_cap_starts_where_the_rest_is_a_third(uint8 rest, uint8 leaving) public {
        rest = uint8(bound(rest, 10, 255));
        leaving = uint8(bound(leaving, 1, 255));
        start(rest, leaving, 1);
        uint256 base = run.clock().base;
        leave(1);
        bool isThird = 3 * (uint256(rest) + 1) > base;
        assertEq(run.clock().commitEnd, isThird ? NO_END : time() + p.commitCap);
    }

    function test_of_a_named_seat() public {
        start(10, 10, 10);
        play(7);
        playOverturn(FIRST, 1);
        leave(0);
        assertEq(run.roll().seated, 20);
        assertEq(run.roll().nextActive, 0);
        skip(1_000);
        fails(named(1));
        withdraw(0);
    }
}
