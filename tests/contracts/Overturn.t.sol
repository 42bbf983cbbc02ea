// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice When a challenge can be executed, and what that does to the run. In each phase of a round: OverturnPhases.t.sol; joins, exits and pay: OverturnSeats.t.sol.
contract OverturnTest is CourtTest {
    // ------------------------------------------------------------------ reverts

    function test_reverts_in_another_status() public {
        start(10, 10, 10);
        playRound(0, 2);
        fails(wrongStatus(IRunTypes.Status.None));
        overturn(FIRST, 0);
        takeBack(FIRST, 1, 0);
        fails(wrongStatus(IRunTypes.Status.Executed));
        overturn(FIRST, 0);
    }

    function test_window() public {
        start(10, 10, 10);
        playRound(0, 2);
        post(FIRST, 1, 0);
        uint256 begins = time() + p.answerWindow;
        fails(tooEarly(begins));
        overturn(FIRST, 0);
        skipTo(begins - 1);
        fails(tooEarly(begins));
        overturn(FIRST, 0);
        skipTo(begins + p.answerWindow);
        fails(tooLate(begins + p.answerWindow));
        overturn(FIRST, 0);
        uint256 state = vm.snapshotState();
        skipTo(begins);
        overturn(FIRST, 0);
        vm.revertToState(state);
        skipTo(begins + p.answerWindow - 1);
        overturn(FIRST, 0);
        assertStatus(FIRST, 0, IRunTypes.Status.Executed);
        assertEq(run.challenges(FIRST, 0).time, begins + p.answerWindow - 1);
    }

    /// @dev The latest overturn that there can be is before the horizon, by a second.
    function test_never_after_the_horizon() public {
        start(10, 10, 10);
        playRound(0, 2);
        uint256 safe = safeAt(FIRST);
        skip(p.challengeWindow - 1);
        post(FIRST, 1, 0);
        skipTo(safe - 1);
        fails(tooLate(safe - 1));
        overturn(FIRST, 0);
        skipTo(safe - 2);
        overturn(FIRST, 0);
    }

    function test_reverts_where_another_overturn_took_the_round() public {
        start(10, 10, 10);
        playRounds(2, 0, 2);
        post(FIRST, 1, 0);
        post(FIRST, 1, 1);
        post(FIRST + 1, 2, 0);
        skip(p.answerWindow);
        overturn(FIRST, 0);
        fails(abi.encodeWithSelector(IRunErrors.NotStanding.selector, FIRST));
        overturn(FIRST, 1);
        fails(abi.encodeWithSelector(IRunErrors.NotStanding.selector, FIRST + 1));
        overturn(FIRST + 1, 0);
    }

    // ------------------------------------------------------------------ effects

    /// @dev Seat 3 voted for another state, seat 4 did not vote: neither is named.
    function test_names_and_benches_the_voters() public {
        uint8[] memory weights = new uint8[](5);
        (weights[0], weights[1], weights[2], weights[3], weights[4]) = (20, 20, 20, 5, 5);
        start(weights);
        toVote(0, 4);
        vote(FIRST, 3, bad(FIRST, 1));
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id);
        }
        post(FIRST, 1, 0);
        skip(p.answerWindow);
        vm.expectEmit(address(run));
        emit IRunEvents.Overturned(FIRST, 0, 0, FIRST + 1, 7);
        for (uint8 id; id < 3; ++id) {
            vm.expectEmit(address(run));
            emit IRunEvents.Benched(id, FIRST + 1, 20);
        }
        overturn(FIRST, 0);
        for (uint8 id; id < 5; ++id) {
            IRunTypes.Seat memory s = run.seats(id);
            assertEq(s.named, id < 3 ? 1 : 0);
            assertEq(s.until, id < 3 ? FIRST + 1 : FOREVER);
            assertEq(s.leftAt, 0);
            if (id < 3) assertEq(s.readyAt, time() + p.activateDelay);
        }
        assertEq(run.challenges(FIRST, 0).voters, 7);
        assertEq(run.challenges(FIRST, 0).bond, BOND);
        assertEq(run.roll().openChallenges, 0);
        assertEq(run.roll().nextActive, 10);
        assertEq(run.roll().seated, 70);
        assertEq(run.roll().missesFrom, FIRST + 2);
        assertRoll();
        assertBooks();
    }

    /// @dev A late vote for the final outcome names as well, even one after the challenge.
    function test_late_voters_are_named() public {
        start(20, 20, 20, 5);
        toVote(0, 3);
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id);
        }
        post(FIRST, 1, 0);
        vote(FIRST, 3);
        skip(p.answerWindow);
        overturn(FIRST, 0);
        assertEq(run.challenges(FIRST, 0).voters, 15);
        assertEq(run.seats(3).named, 1);
    }

    function test_named_seats_can_neither_activate_nor_withdraw() public {
        start(20, 20, 20, 5);
        play(7);
        leave(0);
        takeBack(FIRST, 1, 0);
        skip(1_000);
        fails(named(1));
        withdraw(0);
        fails(named(1));
        activate(1);
        leave(1);
        skip(1_000);
        fails(named(1));
        withdraw(1);
        slash(FIRST, 0, 0);
        withdraw(0);
        slash(FIRST, 0, 1);
        fails(tooEarly(run.seats(1).leftAt + run.horizon()));
        skipTo(run.seats(1).leftAt + run.horizon() - 1);
        withdraw(1);
        assertBooks();
    }

    /// @dev Leaving keeps its time: the seat left before the overturn, and the round it voted for was final long before that.
    function test_a_seat_that_left_is_named_all_the_same() public {
        start(20, 20, 20, 5);
        play(7);
        leave(0);
        takeBack(FIRST, 1, 0);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.named, 1);
        assertEq(s.until, FIRST + 1);
        assertGt(s.leftAt, 0);
        assertEq(run.roll().seated, 45);
        assertRoll();
    }

    /// @dev A second overturn goes lower. Seats that voted for both rounds are named twice, and act again after both are settled.
    function test_second_overturn_to_a_lower_height() public {
        start(20, 20, 20);
        playRounds(3, 0, 2);
        post(FIRST, 1, 0);
        post(FIRST + 2, 3, 0);
        skip(p.answerWindow);
        overturn(FIRST + 2, 0);
        assertEq(run.clock().height, 2);
        overturn(FIRST, 0);
        assertEq(run.clock().height, 0);
        for (uint8 id; id < 3; ++id) {
            assertEq(run.seats(id).named, 2);
            assertEq(run.seats(id).until, FIRST + 3);
        }
        assertRoll();
        skip(p.answerWindow);
        slash(FIRST, 0, 0);
        fails(named(1));
        activate(0);
        slash(FIRST + 2, 0, 0);
        assertEq(run.seats(0).nextWeight, 5, "half, and half of that");
        activate(0);
        assertBooks();
    }

    /// @dev The second one after the next round has opened: that round falls too.
    function test_second_overturn_after_the_next_round_opened() public {
        p.challengeWindow = 300;
        (p.commitMin, p.commitCap) = (60, 60);
        deploy();
        start(20, 20, 20);
        playRounds(2, 0, 2);
        takeBack(FIRST + 1, 2, 0);
        skip(p.answerWindow - 1);
        post(FIRST, 1, 0);
        settleOverturn(FIRST + 1, 0, 0, 2);
        openRound();
        toVote(0, 2);
        vote(FIRST + 3, 0);
        overturn(FIRST, 0);
        assertEq(run.clock().height, 0);
        assertEq(run.clock().round, FIRST + 3);
        assertEq(run.roll().missesFrom, FIRST + 4);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST + 3, 1);
        assertEq(run.seats(0).named, 1);
        assertEq(run.seats(0).until, FIRST + 3);
        assertRoll();
        assertBooks();
    }

    function test_finished_run_goes_on() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(20, 20, 20);
        playRounds(2, 0, 2);
        assertPhase(IRunTypes.Phase.Finished);
        takeBack(FIRST + 1, 2, 0);
        assertPhase(IRunTypes.Phase.Final);
        settleOverturn(FIRST + 1, 0, 0, 2);
        openRound();
        assertEq(run.clock().round, FIRST + 2);
        playRound(0, 2);
        assertPhase(IRunTypes.Phase.Finished);
        (, uint24 round,,) = run.result(2);
        assertEq(round, FIRST + 2);
    }
}
