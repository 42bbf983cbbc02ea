// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {FullRun} from "./util/FullRun.sol";
import {vm} from "./util/Vm.sol";

contract TakeSeatTest is FullRun {
    address internal constant OPERATOR = address(0xbeef);

    function takeWith(uint8 seat, address operator, uint256 peerLength) internal {
        next(bidderOf(seat));
        run.takeSeat(seat, operator, "tip", string(new bytes(peerLength)));
    }

    /// @dev The bidder has the place of the seat.
    function replace(uint8 seat, uint8 weight) internal {
        bid(seat, weight);
        skip(p.activateDelay);
        takeSeat(seat);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_for_another() public {
        fails(notBidder(address(0)));
        takeSeat(3);
        bid(3, 3);
        skip(p.activateDelay);
        fails(notBidder(bidderOf(3)));
        takeSeat(ownerOf(3), 3);
    }

    function test_reverts_too_early() public {
        bid(3, 3);
        uint256 ready = time() + p.activateDelay;
        skipTo(ready - 1);
        fails(tooEarly(ready));
        takeSeat(3);
        skipTo(ready);
        takeSeat(3);
    }

    /// @dev The holder topped up meanwhile: the bid is no longer more than twice its weight.
    function test_reverts_once_the_holder_is_heavier() public {
        bid(3, 4);
        skip(p.activateDelay);
        topUp(3, 1);
        fails(tooLow(2));
        takeSeat(3);
        leave(3);
        takeSeat(3);
    }

    function test_reverts_without_operator() public {
        bid(3, 3);
        skip(p.activateDelay);
        fails(IRunErrors.BadOperator.selector);
        takeWith(3, address(0), 0);
    }

    function test_reverts_with_a_long_peer() public {
        bid(3, 3);
        skip(p.activateDelay);
        fails(abi.encodeWithSelector(IRunErrors.PeerTooLong.selector, 257));
        takeWith(3, OPERATOR, 257);
        takeWith(3, OPERATOR, 256);
    }

    function test_reverts_twice() public {
        replace(3, 3);
        fails(notBidder(address(0)));
        next(bidderOf(3));
        run.takeSeat(3, OPERATOR, "tip", "");
    }

    // ------------------------------------------------------------------ effect

    function test_of_a_benched_holder() public {
        bid(3, 3);
        skip(p.activateDelay);
        uint256 staked = run.staked();
        vm.expectEmit(address(run));
        emit IRunEvents.Left(3, FIRST, 1);
        vm.expectEmit(address(run));
        emit IRunEvents.Joined(3, bidderOf(3), OPERATOR, 3, FIRST, "tip", "");
        takeWith(3, OPERATOR, 0);
        IRunTypes.Seat memory s = run.seats(3);
        assertEq(s.owner, bidderOf(3));
        assertEq(s.operator, OPERATOR);
        assertEq(s.weight, 3);
        assertEq(s.nextWeight, 3);
        assertEq(s.from, 0, "it waits until its tip serves");
        assertEq(s.until, FOREVER);
        assertEq(s.first, FIRST + 1);
        assertEq(s.readyAt, time());
        assertEq(uint256(s.flags) + s.leftAt + s.named + s.missesFrom + s.condemnedIn + s.changesAt, 0);
        s = run.formerSeats(3);
        assertEq(s.owner, ownerOf(3));
        assertEq(s.until, FIRST);
        assertEq(s.leftAt, time());
        assertEq(run.bids(3).owner, address(0));
        assertEq(run.roll().seats, 256);
        assertEq(run.roll().seated, 555);
        assertEq(run.roll().nextActive, 300);
        assertEq(run.staked(), staked, "the stake of the bid is the seat's");
    }

    function test_activates_at_once() public {
        replace(3, 3);
        vm.expectEmit(address(run));
        emit IRunEvents.Activated(3, FIRST + 1, 3);
        activate(3);
        assertEq(run.roll().nextActive, 303);
        fails(notOperator(actor("operator", 3)));
        commit(FIRST, 3);
        play(7);
        assertEq(run.clock().active, 303);
        commit(FIRST + 1, 3);
    }

    /// @dev The open round keeps its seats: who was displaced acts in it to the end, and its weight counts.
    function test_the_displaced_holder_finishes_its_round() public {
        bid(0, 255);
        skip(p.activateDelay);
        commitAll(0, 2);
        takeSeat(0);
        activate(0);
        assertEq(run.roll().nextActive, 455);
        assertEq(run.clock().active, 300);
        revealAll(1, 2);
        actsBy(0, address(0), address(0));
        reveal(FIRST, 0);
        vote(FIRST, 0);
        vote(FIRST, 1);
        vote(FIRST, 2);
        assertEq(run.clock().height, 1);
        assertEq(run.clock().active, 455);
        fails(notOperator(bidderOf(0)));
        commit(FIRST + 1, 0);
        actsBy(0, bidderOf(0), bidderOf(0));
        commit(FIRST + 1, 0);
        fails(notOperator(actor("operator", 0)));
        vote(FIRST, 0); // the new one has no word in rounds before its own
    }

    function test_the_displaced_holder_commits() public {
        replace(0, 255);
        actsBy(0, address(0), address(0));
        commit(FIRST, 0);
        assertEq(run.entry(FIRST, 0).weight, 100);
        assertEq(run.clock().committed, 100);
    }

    function test_the_place_of_one_that_left() public {
        leave(3);
        uint256 left = time();
        bid(3, 1);
        skip(p.activateDelay);
        takeSeat(3);
        assertEq(run.formerSeats(3).leftAt, left);
        assertEq(run.seats(3).weight, 1);
        assertEq(run.roll().seated, 553);
    }
}
