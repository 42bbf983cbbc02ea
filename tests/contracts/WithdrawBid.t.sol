// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {FullRun} from "./util/FullRun.sol";
import {vm} from "./util/Vm.sol";

contract WithdrawBidTest is FullRun {
    function test_reverts_for_another() public {
        fails(notBidder(address(0)));
        withdrawBid(3);
        bid(3, 3);
        fails(notBidder(bidderOf(3)));
        next(ownerOf(3));
        run.withdrawBid(3);
    }

    function test_reverts_twice() public {
        bid(3, 3);
        withdrawBid(3);
        fails(notBidder(address(0)));
        withdrawBid(3);
    }

    function test_reverts_for_who_was_outbid() public {
        bid(3, 3);
        bid(address(0xb0b), 3, 7);
        fails(notBidder(address(0xb0b)));
        withdrawBid(3);
    }

    function test_reverts_once_the_seat_is_taken() public {
        bid(3, 3);
        skip(p.activateDelay);
        takeSeat(3);
        fails(notBidder(address(0)));
        withdrawBid(3);
    }

    function test_credits() public {
        uint256 staked = run.staked();
        bid(3, 3);
        vm.expectEmit(address(run));
        emit IRunEvents.BidReturned(3, bidderOf(3), 3);
        withdrawBid(3);
        assertEq(run.bids(3).owner, address(0));
        assertEq(run.bids(3).weight, 0);
        assertEq(run.staked(), staked);
        assertEq(run.credit(bidderOf(3)), stakeOf(3));
        claim(bidderOf(3));
        assertEq(bidderOf(3).balance, stakeOf(3));
        assertMoney(0, 0);
    }

    /// @dev A bid that was never turned into a seat is never lost, whatever became of the run.
    function test_after_the_end() public {
        bid(3, 3);
        stop();
        skip(10_000);
        withdrawBid(3);
        assertEq(run.credit(bidderOf(3)), stakeOf(3));
    }
}
