// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice What a condemnation costs: the pay of rounds final by then and not safe yet, of which the witness is paid first.
/// Four seats of 10: a round pays each SHARE, a check CHECK.
contract AccusePayTest is CourtTest {
    uint256 private constant SHARE = 0.003 ether / 4;
    uint256 private constant CHECK = 0.0006 ether / 4;

    function begin() internal {
        start(10, 10, 10, 10);
        fund(1 ether);
    }

    function rounds(uint256 count) internal {
        for (uint256 i; i < count; ++i) {
            play(15);
        }
    }

    /// @notice Seats 0 and 2 condemn seat 1, seen by `witness`.
    function condemn(uint32 round, uint32 height, uint8 witness) internal {
        accuse(round, height, 0, 1, witness);
        accuse(round, height, 2, 1, witness);
        assertGe(run.seats(1).condemnedIn, round);
    }

    function settleAll() internal {
        settle(range(0, 3), 100);
        assertBooks();
    }

    /// @dev Three rounds, 40 s apart; the horizon is 90 s. At the condemnation the first is safe, to the second; the others are not.
    function test_exactly_what_is_not_safe() public {
        begin();
        play(15);
        uint256 safe = safeAt(FIRST);
        skipTo(time() + 40);
        play(15);
        skipTo(safe);
        play(15);
        condemn(FIRST + 2, 3, 1);
        skip(1);
        mine();
        play(15);
        skipTo(time() + run.horizon());
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(1, 4, 2 * SHARE, 2 * SHARE);
        settle(1, 100);
        assertEq(run.credit(ownerOf(1)), 2 * SHARE, "the first and the one final afterwards");
        assertEq(run.burnt(), 2 * SHARE);
        settleAll();
        assertEq(run.credit(ownerOf(0)), 4 * SHARE);
    }

    /// @dev A second earlier the first round was not safe.
    function test_a_second_before_it_is_safe() public {
        begin();
        play(15);
        uint256 safe = safeAt(FIRST);
        play(15);
        skipTo(safe - 1);
        condemn(FIRST + 1, 2, 1);
        skipTo(safe);
        settleAll();
        assertEq(run.credit(ownerOf(1)), 0);
        assertEq(run.burnt(), 2 * SHARE);
    }

    /// @dev In one block: a round final at the time of the condemnation counts as final by then.
    function test_a_round_final_at_the_same_time() public {
        begin();
        play(15);
        condemn(FIRST, 1, 1);
        play(15);
        skipTo(safeAt(FIRST + 1));
        settleAll();
        assertEq(run.burnt(), 2 * SHARE);
    }

    /// @dev What was safe but not settled before the condemnation is not taken.
    function test_safe_pay_need_not_be_settled_before() public {
        begin();
        rounds(3);
        skipTo(safeAt(FIRST + 2));
        play(15);
        condemn(FIRST + 3, 4, 1);
        skipTo(safeAt(FIRST + 3));
        settleAll();
        assertEq(run.credit(ownerOf(1)), 3 * SHARE);
        assertEq(run.burnt(), SHARE);
    }

    /// @dev The witness has what a check earns, before anything is burnt; once, over all the rounds that are forfeited.
    function test_witness_is_paid_first() public {
        begin();
        rounds(2);
        condemn(FIRST + 1, 2, 3);
        skipTo(safeAt(FIRST + 1));
        settle(1, 1);
        assertEq(run.credit(ownerOf(3)), CHECK);
        assertEq(run.burnt(), SHARE - CHECK);
        settle(1, 1);
        assertEq(run.credit(ownerOf(3)), CHECK);
        assertEq(run.burnt(), 2 * SHARE - CHECK);
        settleAll();
        assertEq(run.credit(ownerOf(3)), CHECK + 2 * SHARE);
    }

    /// @dev A witness owed more than one round forfeits is paid out of several.
    function test_witness_is_paid_out_of_several_rounds() public {
        p.checkReward = 2 * p.rewardPerRound + 400;
        deploy();
        begin();
        rounds(4);
        condemn(FIRST + 3, 4, 3);
        skipTo(safeAt(FIRST + 3));
        settle(1, 2);
        assertEq(run.credit(ownerOf(3)), 2 * SHARE);
        assertEq(run.burnt(), 0);
        settle(1, 2);
        assertEq(run.credit(ownerOf(3)), 2 * SHARE + 100);
        assertEq(run.burnt(), 2 * SHARE - 100);
        assertBooks();
    }

    /// @dev A check that was paid is forfeited with the rest.
    function test_checks_are_forfeited_too() public {
        begin();
        play(15, 15, 15, 2);
        condemn(FIRST, 1, 1);
        skipTo(safeAt(FIRST));
        settleAll();
        assertEq(run.burnt(), SHARE + CHECK);
    }

    /// @dev A witness that did not take part in the round is owed nothing.
    function test_witness_that_was_not_there() public {
        begin();
        play(15);
        condemn(FIRST, 1, 200);
        skipTo(safeAt(FIRST));
        settleAll();
        assertEq(run.burnt(), SHARE);
    }

    /// @dev Two condemnations, both over round FIRST + 2: each takes what is its own, and each witness is paid out of what both forfeit.
    function test_two_condemnations() public {
        begin();
        play(15);
        condemn(FIRST, 1, 3);
        skip(p.activateDelay);
        play(15); // acts in the round that was open: final after the first condemnation
        activate(1);
        play(13);
        play(15);
        condemn(FIRST + 3, 4, 0);
        assertEq(run.seats(1).condemnedIn, FIRST + 4);
        skip(1);
        mine();
        play(15); // final after both
        skipTo(safeAt(FIRST + 4));
        settle(1, 100);
        assertEq(run.credit(ownerOf(1)), SHARE, "of the last round alone");
        assertEq(run.credit(ownerOf(3)), CHECK);
        assertEq(run.credit(ownerOf(0)), CHECK);
        assertEq(run.burnt(), 3 * SHARE - 2 * CHECK);
        settleAll();
    }

    /// @dev Condemned at once for FIRST, and so many seconds after it was final for FIRST + 2; the witnesses are 3 and then 0.
    function condemnTwice(uint256 seconds_) internal {
        begin();
        play(15);
        uint256 end = time() + seconds_;
        condemn(FIRST, 1, 3);
        skip(p.activateDelay);
        activate(1);
        play(15);
        play(15);
        skipTo(end);
        condemn(FIRST + 2, 3, 0);
        assertEq(run.seats(1).condemnedIn, FIRST + 3);
        skipToSafe(FIRST + 2);
        settle(1, 1);
    }

    /// @dev Safe to the second when it was condemned again: the second condemnation has no part in that round, but in those after it.
    function test_safe_at_the_second_condemnation() public {
        condemnTwice(run.horizon());
        assertEq(run.credit(ownerOf(3)), CHECK);
        assertEq(run.credit(ownerOf(0)), 0);
        assertEq(run.burnt(), SHARE - CHECK);
        settle(1, 2);
        assertEq(run.credit(ownerOf(3)), CHECK);
        assertEq(run.credit(ownerOf(0)), CHECK);
        assertEq(run.credit(ownerOf(1)), 0);
        assertEq(run.burnt(), 3 * SHARE - 2 * CHECK);
        settleAll();
    }

    /// @dev A second earlier it has: both witnesses are paid out of the one round, in the order of the condemnations.
    function test_not_yet_safe_at_the_second_condemnation() public {
        condemnTwice(run.horizon() - 1);
        assertEq(run.credit(ownerOf(3)), CHECK);
        assertEq(run.credit(ownerOf(0)), CHECK);
        assertEq(run.burnt(), SHARE - 2 * CHECK);
        settle(1, 2);
        assertEq(run.credit(ownerOf(3)), CHECK);
        assertEq(run.credit(ownerOf(0)), CHECK);
        assertEq(run.burnt(), 3 * SHARE - 2 * CHECK);
        settleAll();
    }

    /// @dev What the first witness leaves of a round is all that the second can have of it.
    function test_two_witnesses_of_one_round() public {
        p.checkReward = p.rewardPerRound - 400;
        deploy();
        condemnTwice(run.horizon() - 1);
        assertEq(run.credit(ownerOf(3)), SHARE - 100);
        assertEq(run.credit(ownerOf(0)), 100);
        assertEq(run.burnt(), 0);
        settle(1, 1);
        assertEq(run.credit(ownerOf(0)), SHARE - 100);
        assertEq(run.burnt(), 200);
        settleAll();
    }

    /// @dev Owed exactly what a round forfeits: nothing of it is burnt, and all of the next.
    function test_a_witness_owed_exactly_a_round() public {
        p.checkReward = p.rewardPerRound;
        deploy();
        begin();
        rounds(2);
        condemn(FIRST + 1, 2, 3);
        skipTo(safeAt(FIRST + 1));
        settle(1, 1);
        assertEq(run.credit(ownerOf(3)), SHARE);
        assertEq(run.burnt(), 0);
        settle(1, 1);
        assertEq(run.credit(ownerOf(3)), SHARE);
        assertEq(run.burnt(), SHARE);
        settleAll();
    }

    /// @dev One round, condemned any time after it: forfeited if it was not safe then, whenever it is settled.
    function testFuzz_when(uint256 gap, uint256 wait) public {
        gap = bound(gap, 0, 2 * run.horizon());
        wait = bound(wait, 0, run.horizon());
        begin();
        play(15);
        uint256 end = time() + gap;
        skipTo(end);
        play(15);
        condemn(FIRST + 1, 2, 1);
        skipTo(safeAt(FIRST + 1) + wait);
        settle(1, 100);
        bool isSafe = gap >= run.horizon();
        assertEq(run.credit(ownerOf(1)), isSafe ? SHARE : 0);
        assertEq(run.burnt(), isSafe ? SHARE : 2 * SHARE);
        settleAll();
    }

    /// @dev Stake is never touched: all of it can be withdrawn.
    function test_stake_is_not_touched() public {
        begin();
        play(15);
        condemn(FIRST, 1, 3);
        leave(1);
        skip(2 * run.horizon());
        settleAll();
        withdraw(1);
        assertEq(ownerOf(1).balance, stakeOf(10));
        assertBooks();
    }
}
