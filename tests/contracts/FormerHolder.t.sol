// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {FullRun} from "./util/FullRun.sol";
import {vm} from "./util/Vm.sol";

/// @notice The holder of a place that was taken: its stake, and when the id may change hands again. Its pay: SettledPay.t.sol.
contract FormerHolderTest is FullRun {
    /// @dev The bidder has the place of the seat.
    function replace(uint8 seat, uint8 weight) internal {
        bid(seat, weight);
        skip(p.activateDelay);
        takeSeat(seat);
    }

    function test_the_former_holder_withdraws() public {
        replace(3, 3);
        uint256 left = time();
        address former = actor("owner", 3);
        skipTo(left + p.leaveDelay - 1);
        fails(tooEarly(left + p.leaveDelay));
        withdraw(former, 3);
        skipTo(left + p.leaveDelay);
        vm.expectEmit(address(run));
        emit IRunEvents.FormerWithdrawn(3, former, stakeOf(1));
        withdraw(former, 3);
        assertEq(former.balance, stakeOf(1));
        fails(notOwner(bidderOf(3)));
        withdraw(former, 3);
        fails(IRunErrors.NotLeft.selector);
        withdraw(3);
    }

    /// @dev Its last vote binds it as it binds everybody that leaves.
    function test_the_former_holder_waits_for_its_last_vote() public {
        replace(0, 255);
        address former = actor("owner", 0);
        actsBy(0, address(0), address(0));
        play(7);
        uint256 safe = safeAt(FIRST);
        skipTo(safe - 1);
        fails(tooEarly(safe));
        withdraw(former, 0);
        skipTo(safe);
        withdraw(former, 0);
        assertEq(former.balance, stakeOf(100));
    }

    /// @dev The round in which it acted last shares its slot with a later one, for which the present holder of the id voted.
    function test_the_successors_votes_bind_it_not() public {
        replace(0, 255);
        activate(0);
        address former = actor("owner", 0);
        actsBy(0, address(0), address(0));
        play(7);
        actsBy(0, bidderOf(0), bidderOf(0));
        for (uint256 i = 1; i < p.ring; ++i) {
            play(7);
        }
        skip(run.horizon() + p.settleWindow);
        openRound();
        play(7);
        (, uint256 voters,) = run.ballot(uint32(FIRST + p.ring));
        assertEq(voters & 1, 1);
        assertGt(safeAt(uint32(FIRST + p.ring)), time());
        withdraw(former, 0);
        assertEq(former.balance, stakeOf(100));
    }

    /// @dev One account, twice on the same id: the former stake first, then the present one.
    function test_one_owner_of_both() public {
        address owner = ownerOf(3);
        bid(owner, 3, 3);
        skip(p.activateDelay);
        takeSeat(owner, 3);
        leave(3);
        skip(p.leaveDelay);
        vm.expectEmit(address(run));
        emit IRunEvents.FormerWithdrawn(3, owner, stakeOf(1));
        withdraw(3);
        assertEq(owner.balance, stakeOf(1));
        vm.expectEmit(address(run));
        emit IRunEvents.Withdrawn(3, owner, stakeOf(3));
        withdraw(3);
        assertEq(owner.balance, stakeOf(4));
        fails(IRunErrors.AlreadyWithdrawn.selector);
        withdraw(3);
    }

    /// @dev The id changes hands again once the former holder's stake is free and its pay could be settled.
    function test_again_waits_for_the_former_holder() public {
        replace(3, 3);
        address former = actor("owner", 3);
        play(7);
        uint256 free = run.formerSeats(3).leftAt + run.horizon() + p.settleWindow;
        bid(address(0xb0b), 3, 7);
        skipTo(free - 1);
        fails(tooEarly(free));
        takeSeat(address(0xb0b), 3);
        skipTo(free);
        vm.expectEmit(address(run));
        emit IRunEvents.FormerPaid(3, former, stakeOf(1));
        takeSeat(address(0xb0b), 3);
        assertEq(run.credit(former), stakeOf(1));
        assertEq(run.formerSeats(3).owner, bidderOf(3));
        assertMoney(stakeOf(1), 0);
        claim(former);
        assertEq(former.balance, stakeOf(1));
        fails(notOwner(address(0xb0b)));
        withdraw(former, 3);
    }

    /// @dev Withdrawn already: nothing more is credited.
    function test_again_after_the_former_holder_withdrew() public {
        replace(3, 3);
        address former = actor("owner", 3);
        play(7);
        skip(run.horizon() + p.settleWindow);
        withdraw(former, 3);
        uint256 staked = run.staked();
        bid(address(0xb0b), 3, 7);
        skip(p.activateDelay);
        vm.expectEmit(address(run));
        emit IRunEvents.FormerPaid(3, former, 0);
        takeSeat(address(0xb0b), 3);
        assertEq(run.credit(former), 0);
        assertEq(run.staked(), staked + stakeOf(7));
    }

    /// @dev Also the one that had left and was paid before its place was taken.
    function test_a_place_whose_stake_is_paid_out() public {
        leave(3);
        skip(p.leaveDelay);
        withdraw(3);
        address former = ownerOf(3);
        replace(3, 3);
        assertEq(run.formerSeats(3).flags, 2);
        skip(1_000);
        fails(notOwner(bidderOf(3)));
        withdraw(former, 3);
        bid(address(0xb0b), 3, 7);
        skip(p.activateDelay);
        takeSeat(address(0xb0b), 3);
        assertEq(run.credit(former), 0);
    }

    // ------------------------------------------------------------------ overturns

    /// @dev The round that fell was the former holder's: it is named, not the new one; the place waits for it.
    function test_a_former_holder_that_is_named() public {
        replace(0, 255);
        address former = actor("owner", 0);
        actsBy(0, address(0), address(0));
        play(7);
        actsBy(0, bidderOf(0), bidderOf(0));
        playOverturn(FIRST, 1);
        assertEq(run.formerSeats(0).named, 1);
        assertEq(run.seats(0).named, 0);
        activate(0);
        skip(1_000);
        fails(named(1));
        withdraw(former, 0);
        leave(0);
        bid(address(0xb0b), 0, 1);
        skip(p.activateDelay);
        fails(named(1));
        takeSeat(address(0xb0b), 0);
        slash(FIRST, 0, 0);
        assertEq(run.formerSeats(0).nextWeight, 50);
        assertEq(run.seats(0).nextWeight, 255);
        withdraw(former, 0);
        assertEq(former.balance, stakeOf(50));
        takeSeat(address(0xb0b), 0);
    }
}
