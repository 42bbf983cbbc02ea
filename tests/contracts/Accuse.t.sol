// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Who may accuse whom of what, when that condemns, and what it does to the seat. What it costs: AccusePay.t.sol.
contract AccuseTest is CourtTest {
    function notStanding(uint32 round) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotStanding.selector, round);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_for_who_does_not_act_in_the_round() public {
        start(10, 10, 10, 10);
        play(15);
        uint8 late = join(10);
        fails(notOperator(operatorOf(0)));
        next(ownerOf(0));
        run.accuse(FIRST, 1, 0, 1, rootOf(FIRST, 1), 1);
        fails(notOperator(operatorOf(0)));
        next(operatorOf(1));
        run.accuse(FIRST, 1, 0, 1, rootOf(FIRST, 1), 1);
        skip(p.activateDelay);
        activate(late);
        fails(notOperator(address(0))); // nobody held that seat then
        accuse(FIRST, 1, late, 1, 1);
    }

    function test_reverts_against_itself() public {
        start(10, 10, 10);
        playRound(0, 2);
        fails(IRunErrors.SelfAccused.selector);
        accuse(FIRST, 1, 0, 0, 0);
    }

    /// @dev Who was overturned has its old weight in older rounds still, and must not use it.
    function test_reverts_for_a_named_seat() public {
        start(20, 20, 20, 5);
        play(15);
        play(15, 7, 15, 0);
        takeBack(FIRST + 1, 2, 0);
        fails(named(1));
        accuse(FIRST, 1, 0, 3, 3);
        accuse(FIRST, 1, 3, 0, 0);
    }

    function test_reverts_for_a_round_that_does_not_stand() public {
        start(10, 10, 10);
        fails(notStanding(FIRST));
        accuse(FIRST, 1, 0, 1, 1);
        toVote(0, 2);
        fails(notStanding(FIRST));
        accuse(FIRST, 1, 0, 1, 1);
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id);
        }
        fails(notStanding(FIRST));
        accuse(FIRST, 2, 0, 1, 1);
        fails(notStanding(FIRST + 1));
        accuse(FIRST + 1, 1, 0, 1, 1);
        accuse(FIRST, 1, 0, 1, 1);
    }

    function test_reverts_for_an_overturned_round() public {
        start(20, 20, 20, 5);
        play(15, 7, 15, 0);
        takeBack(FIRST, 1, 0);
        fails(notStanding(FIRST));
        accuse(FIRST, 1, 3, 0, 0);
    }

    function test_window() public {
        start(10, 10, 10);
        playRound(0, 2);
        uint256 end = safeAt(FIRST);
        skipTo(end);
        fails(tooLate(end));
        accuse(FIRST, 1, 0, 1, 1);
        skipTo(end - 1);
        accuse(FIRST, 1, 0, 1, 1);
    }

    /// @dev The ballot of a round that took its ring slot is not taken for its own, though the round stands.
    function test_reverts_when_the_record_is_gone() public {
        deployShortRing();
        start(10, 10, 10);
        playRounds(8, 0, 2);
        skip(run.horizon() + p.settleWindow);
        openRound();
        toVote(0, 2);
        vote(FIRST + 8, 0);
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST + 8);
        assertGt(b.time, time());
        (, uint24 round,,) = run.result(1);
        assertEq(round, FIRST);
        fails(tooLate(b.time + run.horizon()));
        accuse(FIRST, 1, 0, 1, 1);
        vote(FIRST + 8, 1);
        vote(FIRST + 8, 2);
        accuse(FIRST + 8, 9, 0, 1, 1);
    }

    function test_reverts_without_the_gradient_that_was_revealed() public {
        start(10, 10, 10, 1);
        commitAll(0, 3);
        revealAll(0, 2);
        skipTo(run.deadline());
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id);
        }
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 1));
        next(operatorOf(0));
        run.accuse(FIRST, 1, 0, 1, rootOf(FIRST, 2), 1);
        // It committed, and did not reveal: whatever it committed to.
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 3));
        accuse(FIRST, 1, 0, 3, 3);
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 3));
        bytes32 committed = commitmentOf(FIRST, 3);
        next(operatorOf(0));
        run.accuse(FIRST, 1, 0, 3, committed, 3);
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 9));
        accuse(FIRST, 1, 0, 9, 9);
    }

    function test_reverts_twice() public {
        start(10, 10, 10, 10);
        playRound(0, 3);
        accuse(FIRST, 1, 0, 1, 2);
        fails(IRunErrors.AlreadyAccused.selector);
        accuse(FIRST, 1, 0, 1, 2);
        // Another witness has a tally of its own.
        accuse(FIRST, 1, 0, 1, 3);
        assertEq(run.accusation(FIRST, 1, 2).tally, 10);
        assertEq(run.accusation(FIRST, 1, 3).tally, 10);
        assertEq(run.seats(1).condemnedIn, 0);
    }

    /// @dev What was known at the condemnation is judged by it.
    function test_void_afterwards() public {
        start(10, 10, 10, 10);
        playRounds(3, 0, 3);
        accuse(FIRST + 1, 2, 0, 1, 1);
        accuse(FIRST + 1, 2, 2, 1, 1);
        assertEq(run.seats(1).condemnedIn, FIRST + 3);
        for (uint32 i; i < 3; ++i) {
            fails(abi.encodeWithSelector(IRunErrors.AlreadyCondemned.selector, FIRST + 3));
            accuse(FIRST + i, i + 1, 3, 1, 1);
        }
        // The round that was open then, too; the next one not.
        playRound(0, 3);
        fails(abi.encodeWithSelector(IRunErrors.AlreadyCondemned.selector, FIRST + 3));
        accuse(FIRST + 3, 4, 3, 1, 1);
        skip(p.activateDelay);
        activate(1);
        play(13);
        play(15);
        accuse(FIRST + 5, 6, 3, 1, 1);
    }

    // ------------------------------------------------------------------ the tally

    /// @dev More than half of the base without the accused: 2 * tally > base - its weight. Here exactly half is not enough, one unit more is.
    function test_half_is_not_enough() public {
        uint8[] memory weights = new uint8[](5);
        (weights[0], weights[1], weights[2], weights[3], weights[4]) = (30, 20, 10, 9, 1);
        start(weights);
        playRound(0, 4);
        vm.expectEmit(address(run));
        emit IRunEvents.Accused(FIRST, 0, 1, 0);
        accuse(FIRST, 1, 1, 0, 0);
        assertEq(run.accusation(FIRST, 0, 0).tally, 20);
        assertEq(run.accusation(FIRST, 0, 0).voters, 2);
        assertEq(run.seats(0).condemnedIn, 0, "20 of 40");
        vm.expectEmit(address(run));
        emit IRunEvents.Accused(FIRST, 0, 4, 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Condemned(FIRST, 0, 0, FIRST + 1, 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Benched(0, FIRST + 1, 30);
        accuse(FIRST, 1, 4, 0, 0);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.condemnedIn, FIRST + 1);
        assertEq(s.flags & 4, 4);
        assertEq(s.until, FIRST + 1);
        assertEq(s.nextWeight, 30, "stake is never touched");
        assertEq(s.named, 0);
        assertRoll();
    }

    /// @dev A heavy accused does not protect itself by its weight; a light one counts nearly nothing.
    function testFuzz_tally(uint8 accused, uint8 a, uint8 b) public {
        uint256 w = bound(accused, 1, 255);
        (uint256 x, uint256 y) = (bound(a, 4, 255), bound(b, 5, 255));
        uint8[] memory weights = new uint8[](3);
        (weights[0], weights[1], weights[2]) = (uint8(w), uint8(x), uint8(y));
        start(weights);
        playRound(0, 2);
        accuse(FIRST, 1, 1, 0, 0);
        assertEq(run.seats(0).condemnedIn != 0, 2 * x > x + y);
        if (2 * x > x + y) return;
        accuse(FIRST, 1, 2, 0, 0);
        assertEq(run.seats(0).condemnedIn, FIRST + 1);
    }

    /// @dev The base counts, not who was there: seats that stay away are no consent.
    function test_of_the_base() public {
        p.minWeight = 31;
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        // 2 * 10 <= 31 - 10, 2 * 20 > 31 - 10
        accuse(FIRST, 1, 0, 1, 1);
        assertEq(run.seats(1).condemnedIn, 0);
        accuse(FIRST, 1, 2, 1, 1);
        assertEq(run.seats(1).condemnedIn, FIRST + 1);
    }

    /// @dev The weights are those of the round accused of.
    function test_weights_of_the_round() public {
        start(10, 10, 10, 10);
        topUp(0, 100);
        playRound(0, 3);
        accuse(FIRST, 1, 0, 1, 1);
        assertEq(run.accusation(FIRST, 1, 1).tally, 10);
        playRound(0, 3);
        accuse(FIRST + 1, 2, 0, 2, 2);
        assertEq(run.accusation(FIRST + 1, 2, 2).tally, 110);
        assertEq(run.seats(2).condemnedIn, FIRST + 2);
    }

    /// @dev Not accepted, but revealed: the accusation needs what was shown, no more.
    function test_of_a_seat_that_was_not_accepted() public {
        start(10, 10, 10);
        toVote(0, 2);
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id, good(FIRST, 3, 0));
        }
        accuse(FIRST, 1, 0, 2, 2);
        accuse(FIRST, 1, 1, 2, 2);
        assertEq(run.seats(2).condemnedIn, FIRST + 1);
    }

    // ------------------------------------------------------------------ the condemned

    /// @dev It acts in the open round still, then sits out activateDelay and may come back with all its stake.
    function test_is_benched_and_comes_back() public {
        start(10, 10, 10, 10);
        playRound(0, 3);
        accuse(FIRST, 1, 0, 1, 1);
        accuse(FIRST, 1, 2, 1, 1);
        uint256 ready = time() + p.activateDelay;
        fails(tooEarly(ready));
        activate(1);
        playRound(0, 3);
        assertEq(run.clock().active, 30);
        skipTo(ready);
        activate(1);
        play(13);
        assertEq(run.clock().active, 40);
        play(15);
        assertRoll();
    }

    /// @dev A seat that left, or is benched already, is condemned all the same, and not benched again.
    function test_of_a_seat_that_left() public {
        start(10, 10, 10, 10);
        playRound(0, 3);
        leave(1);
        accuse(FIRST, 1, 0, 1, 1);
        accuse(FIRST, 1, 2, 1, 1);
        assertEq(run.seats(1).condemnedIn, FIRST + 1);
        assertRoll();
        skip(p.leaveDelay);
        withdraw(1);
        assertEq(ownerOf(1).balance, stakeOf(10));
    }
}
