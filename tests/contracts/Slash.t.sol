// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

contract SlashTest is CourtTest {
    uint256 private constant UNIT = 0.001 ether;

    /// @dev Seats of these weights vote for a round that is overturned; the slashes can begin.
    function begin(uint8 a, uint8 b, uint8 c) internal {
        start(a, b, c);
        playRound(0, 2);
        takeBack(FIRST, 1, 0);
        skip(p.answerWindow);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_in_another_status() public {
        start(10, 10, 10);
        playRound(0, 2);
        fails(wrongStatus(IRunTypes.Status.None));
        slash(FIRST, 0, 0);
        post(FIRST, 1, 0);
        fails(wrongStatus(IRunTypes.Status.Open));
        slash(FIRST, 0, 0);
        skip(2 * p.answerWindow);
        lapse(FIRST, 0);
        fails(wrongStatus(IRunTypes.Status.Lapsed));
        slash(FIRST, 0, 0);
    }

    function test_reverts_for_a_seat_that_is_not_named() public {
        start(10, 10, 10, 1);
        toVote(0, 3);
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id);
        }
        takeBack(FIRST, 1, 0);
        skip(p.answerWindow);
        fails(IRunErrors.NotNamed.selector);
        slash(FIRST, 0, 3);
        fails(IRunErrors.NotNamed.selector);
        slash(FIRST, 0, 255);
        slash(FIRST, 0, 0);
        fails(IRunErrors.NotNamed.selector);
        slash(FIRST, 0, 0);
    }

    function test_window() public {
        start(10, 10, 10);
        playRound(0, 2);
        takeBack(FIRST, 1, 0);
        uint256 begins = time() + p.answerWindow;
        fails(tooEarly(begins));
        slash(FIRST, 0, 0);
        skipTo(begins - 1);
        fails(tooEarly(begins));
        slash(FIRST, 0, 0);
        skipTo(begins);
        slash(FIRST, 0, 0);
        skip(365 days);
        slash(FIRST, 0, 1);
    }

    // ------------------------------------------------------------------ amounts

    function test_even_weight() public {
        p.challengeBond = 1;
        deploy();
        begin(10, 10, 10);
        vm.expectEmit(address(run));
        emit IRunEvents.Slashed(FIRST, 0, 0, 5, 1);
        slash(FIRST, 0, 0);
        assertEq(run.seats(0).nextWeight, 5);
        assertEq(run.burnt(), 5 * UNIT - 1);
        assertEq(run.roll().seated, 25);
        assertEq(run.staked(), 25 * UNIT);
        assertEq(run.seats(0).named, 0);
        assertEq(run.challenges(FIRST, 0).voters, 6);
        assertRoll();
        assertBooks();
    }

    /// @dev The larger half is lost.
    function test_odd_weight() public {
        begin(11, 10, 10);
        slash(FIRST, 0, 0);
        assertEq(run.seats(0).nextWeight, 5);
        assertEq(run.staked(), 25 * UNIT);
        assertRoll();
        assertBooks();
    }

    /// @dev Nothing is left of 1: the seat leaves, and cannot come back.
    function test_weight_of_one_leaves() public {
        begin(1, 20, 20);
        vm.expectEmit(address(run));
        emit IRunEvents.Slashed(FIRST, 0, 0, 1, UNIT / 2);
        vm.expectEmit(address(run));
        emit IRunEvents.Left(0, FIRST + 1, 0);
        slash(FIRST, 0, 0);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.nextWeight, 0);
        assertEq(s.leftAt, time());
        assertEq(run.roll().seated, 40);
        fails(IRunErrors.HasLeft.selector);
        activate(0);
        skip(run.horizon());
        withdraw(0);
        assertEq(ownerOf(0).balance, 0);
        fails(IRunErrors.HasLeft.selector);
        topUp(0, 1);
        assertRoll();
        assertBooks();
    }

    function testFuzz_amounts(uint8 weight, uint96 bond) public {
        uint256 w = bound(weight, 2, 120);
        p.challengeBond = uint128(bound(bond, 1, type(uint96).max));
        deploy();
        begin(uint8(w), 120, 120);
        slash(FIRST, 0, 0);
        uint256 lost = w - w / 2;
        uint256 prize = (lost * UNIT) / 2;
        if (prize > p.challengeBond) prize = p.challengeBond;
        assertEq(run.seats(0).nextWeight, w / 2);
        assertEq(run.credit(challenger()), p.challengeBond + prize);
        assertEq(run.burnt(), lost * UNIT - prize);
        assertEq(run.challenges(FIRST, 0).prize, p.challengeBond - prize);
        assertRoll();
        assertBooks();
    }

    /// @dev BOND is four units. Half of each slash is prize until a bond's worth is won: 2.5, then 1.5, then nothing. The bond comes back once.
    function test_prize_is_bounded() public {
        begin(10, 10, 10);
        vm.expectEmit(address(run));
        emit IRunEvents.Slashed(FIRST, 0, 2, 5, 2.5 * 0.001 ether);
        slash(FIRST, 0, 2);
        assertEq(run.credit(challenger()), BOND + 2.5 * 0.001 ether);
        assertEq(run.challenges(FIRST, 0).bond, 0);
        slash(FIRST, 0, 0);
        assertEq(run.credit(challenger()), BOND + BOND);
        vm.expectEmit(address(run));
        emit IRunEvents.Slashed(FIRST, 0, 1, 5, 0);
        slash(FIRST, 0, 1);
        assertEq(run.credit(challenger()), BOND + BOND);
        assertEq(run.burnt(), 15 * UNIT - BOND);
        assertEq(run.challenges(FIRST, 0).voters, 0);
        assertEq(run.credit(anybody()), 0);
        assertRoll();
        assertBooks();
        claim(challenger());
        assertEq(challenger().balance, 2 * uint256(BOND));
    }

    /// @dev A bond that had doubled comes back as it was; the prize does not grow with it.
    function test_doubled_bond() public {
        start(10, 10, 10);
        playRound(0, 2);
        post(OTHER, FIRST, 1, 1, BOND);
        takeBack(FIRST, 1, 0);
        skip(p.answerWindow);
        slash(FIRST, 0, 0);
        slash(FIRST, 0, 1);
        assertEq(run.credit(challenger()), 2 * BOND + BOND);
        lapse(FIRST, 1);
        assertEq(run.credit(OTHER), BOND);
        assertBooks();
    }

    // ------------------------------------------------------------------ who

    /// @dev What was topped up since is not spared: half of what the seat has.
    function test_weight_of_today() public {
        start(10, 10, 10);
        playRound(0, 2);
        takeBack(FIRST, 1, 0);
        topUp(0, 20);
        skip(p.answerWindow);
        slash(FIRST, 0, 0);
        assertEq(run.seats(0).nextWeight, 15);
        assertRoll();
        assertBooks();
    }

    function test_seat_that_left_loses_out_of_what_it_has_there() public {
        start(10, 10, 10, 10);
        playRound(0, 3);
        leave(0);
        takeBack(FIRST, 1, 0);
        skip(p.answerWindow);
        slash(FIRST, 0, 0);
        assertEq(run.roll().seated, 30);
        assertRoll();
        skip(run.horizon());
        withdraw(0);
        assertEq(ownerOf(0).balance, 5 * UNIT);
        assertRoll();
        assertBooks();
    }

    /// @dev Nothing is left of it, and it leaves no second time.
    function test_weight_of_one_that_left() public {
        start(1, 20, 20);
        playRound(0, 2);
        leave(0);
        uint256 left = time();
        takeBack(FIRST, 1, 0);
        skip(p.answerWindow);
        vm.recordLogs();
        slash(FIRST, 0, 0);
        assertEq(vm.getRecordedLogs().length, 1, "slashed, and not left again");
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.nextWeight, 0);
        assertEq(s.named, 0);
        assertEq(s.leftAt, left);
        assertEq(s.until, FIRST + 1);
        assertEq(run.roll().seated, 40);
        assertRoll();
        skipTo(left + run.horizon());
        withdraw(0);
        assertEq(ownerOf(0).balance, 0);
        assertBooks();
    }

    /// @dev Half a seat that comes back acts with half of its weight; the rounds before are paid with the whole.
    function test_acts_again_with_half_of_its_weight() public {
        start(20, 20, 20);
        fund(1 ether);
        playRounds(2, 0, 2);
        takeBack(FIRST + 1, 2, 0);
        settleOverturn(FIRST + 1, 0, 0, 2);
        openRound();
        assertEq(run.clock().active, 30);
        playRound(0, 2);
        assertEq(run.entry(FIRST + 3, 0).weight, 10);
        skip(run.horizon());
        settle(0, 1);
        assertEq(run.credit(ownerOf(0)), uint256(p.rewardPerRound) / 3);
        settle(0, 1);
        assertEq(run.credit(ownerOf(0)), 2 * (uint256(p.rewardPerRound) / 3));
        assertBooks();
    }

    /// @dev The place changed hands meanwhile: who voted is slashed, not who sits there now.
    function test_former_holder_is_slashed() public {
        p.activateDelay = 10;
        deploy();
        uint8[] memory weights = new uint8[](3);
        (weights[0], weights[1], weights[2]) = (10, 200, 200);
        fill(weights, 1);
        openRound();
        bid(0, 21);
        playRound(0, 2);
        skip(p.activateDelay);
        post(FIRST, 1, 0);
        takeSeat(0);
        skip(p.answerWindow);
        overturn(FIRST, 0);
        assertEq(run.formerSeats(0).named, 1);
        assertEq(run.seats(0).named, 0);
        skip(p.answerWindow);
        skip(1_000);
        fails(named(1));
        withdraw(actor("owner", 0), 0);
        slash(FIRST, 0, 0);
        assertEq(run.formerSeats(0).nextWeight, 5);
        assertEq(run.formerSeats(0).named, 0);
        assertEq(run.seats(0).nextWeight, 21);
        withdraw(actor("owner", 0), 0);
        assertEq(actor("owner", 0).balance, 5 * UNIT);
    }
}
