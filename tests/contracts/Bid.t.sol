// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {FullRun} from "./util/FullRun.sol";
import {vm} from "./util/Vm.sol";

contract BidTest is FullRun {
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);

    function bidWith(uint8 seat, uint8 weight, uint256 value) internal {
        vm.deal(ALICE, value);
        next(ALICE);
        run.bid{value: value}(seat, weight);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_without_weight() public {
        fails(IRunErrors.BadWeight.selector);
        bid(0, 0);
    }

    function testFuzz_reverts_with_another_stake(uint8 weight, uint256 value) public {
        weight = uint8(bound(weight, 1, 255));
        value = bound(value, 0, 10 ether);
        vm.assume(value != stakeOf(weight));
        fails(wrongStake(stakeOf(weight)));
        bidWith(0, weight, value);
    }

    function test_reverts_while_seats_are_free() public {
        deploy();
        for (uint256 i; i < 255; ++i) {
            join(1);
        }
        fails(IRunErrors.RunNotFull.selector);
        bid(0, 3);
        join(1);
        bid(0, 3);
    }

    /// @dev More than twice: nobody is thrown out by a little more.
    function testFuzz_reverts_at_twice_the_weight(uint8 weight) public {
        weight = uint8(bound(weight, 1, 200));
        fails(tooLow(100));
        bid(0, weight);
        fails(tooLow(1));
        bid(3, uint8(bound(weight, 1, 2)));
    }

    function test_just_above_twice() public {
        bid(0, 201);
        bid(3, 3);
        assertEq(run.bids(0).weight, 201);
        assertEq(run.bids(3).weight, 3);
    }

    /// @dev What the holder will weigh counts, not what it weighs in the open round.
    function test_a_top_up_defends() public {
        topUp(3, 1);
        fails(tooLow(2));
        bid(3, 4);
        bid(3, 5);
    }

    /// @dev From 128 on no weight is more than twice: the place is safe.
    function test_no_weight_beats_128() public {
        topUp(0, 27);
        bid(0, 255);
        topUp(1, 28);
        fails(tooLow(128));
        bid(1, 255);
    }

    function test_reverts_when_finished() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        fillRun();
        play(7);
        play(7);
        fails(IRunErrors.RunFinished.selector);
        bid(3, 3);
    }

    function test_reverts_when_stopped() public {
        stop();
        fails(IRunErrors.RunStopped.selector);
        bid(3, 3);
    }

    function test_reverts_without_an_invitation() public {
        p.invitationOnly = true;
        deploy();
        for (uint256 i; i < 256; ++i) {
            admit(ownerOf(i));
            join(1);
        }
        fails(IRunErrors.NotInvited.selector);
        bid(3, 3);
        admit(bidderOf(3));
        bid(3, 3);
        assertEq(run.invitations(bidderOf(3)), 0, "used up");
        withdrawBid(3);
        assertEq(run.invitations(bidderOf(3)), 1, "and given back");
    }

    function test_reverts_below_another_bid() public {
        bid(ALICE, 3, 7);
        fails(tooLow(7));
        bid(BOB, 3, 14);
        bid(BOB, 3, 15);
    }

    // ------------------------------------------------------------------ effect

    function test_waits() public {
        uint256 staked = run.staked();
        vm.expectEmit(address(run));
        emit IRunEvents.BidPlaced(3, ALICE, 3);
        bid(ALICE, 3, 3);
        IRunTypes.Bid memory b = run.bids(3);
        assertEq(b.owner, ALICE);
        assertEq(b.weight, 3);
        assertEq(b.readyAt, time() + p.activateDelay);
        assertEq(run.staked(), staked + stakeOf(3));
        assertEq(run.roll().seated, 553, "it has no seat yet");
        assertEq(run.seats(3).owner, ownerOf(3));
    }

    function test_outbids() public {
        bid(ALICE, 3, 3);
        uint256 staked = run.staked();
        vm.expectEmit(address(run));
        emit IRunEvents.BidReturned(3, ALICE, 3);
        vm.expectEmit(address(run));
        emit IRunEvents.BidPlaced(3, BOB, 7);
        bid(BOB, 3, 7);
        assertEq(run.credit(ALICE), stakeOf(3));
        assertEq(run.bids(3).owner, BOB);
        assertEq(run.staked(), staked + stakeOf(4));
        assertMoney(stakeOf(3), 0);
        claim(ALICE);
        assertEq(ALICE.balance, stakeOf(3));
    }

    /// @dev A bid that nobody turns into a seat holds the place no longer than a benched seat does.
    function test_run_out() public {
        bid(ALICE, 3, 255);
        uint256 end = time() + p.activateDelay + p.challengeWindow + p.answerWindow;
        skipTo(end - 1);
        fails(tooLow(255));
        bid(BOB, 3, 3);
        skipTo(end);
        fails(tooLow(1)); // more than twice the holder it must weigh still
        bid(BOB, 3, 2);
        vm.expectEmit(address(run));
        emit IRunEvents.BidReturned(3, ALICE, 255);
        bid(BOB, 3, 3);
        assertEq(run.credit(ALICE), stakeOf(255));
        assertEq(run.bids(3).owner, BOB);
    }

    function test_the_place_of_one_that_left() public {
        leave(0);
        bid(0, 1);
        assertEq(run.bids(0).weight, 1);
    }

    /// @dev No fee, no lock: the same account may raise its own bid, and gets the older one back.
    function test_raises_its_own() public {
        bid(ALICE, 3, 3);
        bid(ALICE, 3, 7);
        assertEq(run.credit(ALICE), stakeOf(3));
    }
}
