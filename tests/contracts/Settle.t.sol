// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {PayTest} from "./util/PayTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Who is paid, when, and in which order. How much: Pay.t.sol.
contract SettleTest is PayTest {
    function setUp() public override {
        super.setUp();
        fund(10 ether);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_with_a_seat_twice() public {
        start(10, 10, 10);
        fails(IRunErrors.NotAscending.selector);
        settle(pair(1, 1), 1);
        fails(IRunErrors.NotAscending.selector);
        settle(pair(2, 1), 1);
        fails(IRunErrors.NotAscending.selector);
        settle(pair(FORMER + 2, 2), 1);
        settle(pair(2, FORMER + 2), 1); // two holders of one id
    }

    function testFuzz_reverts_unless_ascending(uint16[5] memory ids) public {
        bool isAscending = true;
        uint16[] memory holders = new uint16[](5);
        for (uint256 i; i < 5; ++i) {
            holders[i] = ids[i] % 512;
            if (i != 0 && holders[i] <= holders[i - 1]) isAscending = false;
        }
        if (!isAscending) fails(IRunErrors.NotAscending.selector);
        settle(holders, 1);
    }

    function test_reverts_beyond_the_holders() public {
        settle(511, 1);
        fails(abi.encodeWithSignature("Panic(uint256)", 0x32));
        settle(512, 1);
    }

    // ------------------------------------------------------------------ when

    function test_not_before_it_is_safe() public {
        start(10, 10, 10);
        play(7);
        uint256 safe = safeAt(FIRST);
        assertEq(safe, time() + p.challengeWindow + 2 * p.answerWindow);
        skipTo(safe - 1);
        vm.recordLogs();
        settle(0, 1);
        assertEq(vm.getRecordedLogs().length, 0, "nothing happens");
        assertEq(run.seats(0).settledTo, 0);
        skipTo(safe);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(0, 1, payOf(10, 30), 0);
        settle(0, 1);
        assertEq(creditOf(0), payOf(10, 30));
        assertEq(run.seats(0).settledTo, 1);
        assertEq(run.pool(), 10 ether - payOf(10, 30));
        assertMoney(creditOf(0), 0);
    }

    function test_pays_once() public {
        start(10, 10, 10);
        play(7);
        skipToSafe(FIRST);
        settle(0, 5);
        vm.recordLogs();
        settle(0, 5);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(creditOf(0), payOf(10, 30));
    }

    /// @dev Heights in order, as many as are asked for and safe.
    function test_walks() public {
        start(10, 10, 10);
        uint32 last;
        for (uint256 i; i < 4; ++i) {
            last = play(7);
            skip(5);
        }
        skipToSafe(last);
        settle(0, 0);
        assertEq(run.seats(0).settledTo, 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(0, 2, 2 * payOf(10, 30), 0);
        settle(0, 2);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(0, 4, 2 * payOf(10, 30), 0);
        settle(0, type(uint32).max);
        assertEq(creditOf(0), 4 * payOf(10, 30));
    }

    function test_stops_at_the_first_that_is_not_safe() public {
        start(10, 10, 10);
        play(7);
        skip(50);
        play(7);
        skipToSafe(FIRST);
        settle(0, 10);
        assertEq(run.seats(0).settledTo, 1);
        skip(50);
        settle(0, 10);
        assertEq(run.seats(0).settledTo, 2);
    }

    function test_void_rounds_have_no_height() public {
        start(10, 10, 10);
        play(7);
        playVoids(2, 0, 2);
        uint32 last = play(7);
        skipToSafe(last);
        settle(0, 10);
        assertEq(run.seats(0).settledTo, 2);
        assertEq(creditOf(0), 2 * payOf(10, 30));
    }

    // ------------------------------------------------------------------ who

    function test_only_who_was_accepted_and_voted() public {
        start(10, 10, 10, 5);
        play(15, 7, 11, 0); // 2 was not accepted, 3 did not vote
        skipToSafe(FIRST);
        settle(range(0, 3), 1);
        assertEq(creditOf(0), payOf(10, 35));
        assertEq(creditOf(1), payOf(10, 35));
        assertEq(creditOf(2), 0);
        assertEq(creditOf(3), 0);
        assertEq(run.pool(), 10 ether - 2 * payOf(10, 35), "what is not earned stays");
        assertEq(run.seats(3).settledTo, 1, "and is not looked at again");
    }

    /// @dev A late vote for the final outcome earns like any other; one for another outcome nothing.
    function test_a_late_vote_earns() public {
        start(10, 10, 10, 5);
        toVote(0, 3);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat, good(FIRST, 15, 0));
        }
        vote(FIRST, 3, good(FIRST, 15, 0));
        skipToSafe(FIRST);
        settle(3, 1);
        assertEq(creditOf(3), payOf(5, 35));
    }

    function test_a_dissenter_earns_nothing() public {
        start(10, 10, 10, 5);
        toVote(0, 3);
        vote(FIRST, 3, bad(FIRST, 0));
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat, good(FIRST, 15, 0));
        }
        skipToSafe(FIRST);
        settle(3, 1);
        assertEq(creditOf(3), 0);
    }

    function test_a_joiner_is_not_asked_about_earlier_heights() public {
        start(10, 10, 10);
        play(7);
        uint8 late = join(10);
        assertEq(run.seats(late).settledTo, 1);
        skip(p.activateDelay);
        activate(late);
        play(7);
        uint32 last = play(15);
        skipToSafe(last);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(late, 3, payOf(10, 40), 0);
        settle(late, 10);
    }

    function test_after_leaving_and_withdrawing() public {
        start(10, 10, 10);
        play(7);
        leave(0);
        play(7);
        skip(run.horizon());
        withdraw(0);
        settle(0, 10);
        assertEq(creditOf(0), 2 * payOf(10, 30), "the round in which it left, too");
        claim(ownerOf(0));
        assertEq(ownerOf(0).balance, stakeOf(10) + 2 * payOf(10, 30));
    }

    function test_a_benched_seat() public {
        start(10, 10, 10, 5);
        play(15);
        for (uint256 i; i < 4; ++i) {
            play(7);
        }
        bench(3, FIRST + 1);
        skipToSafe(FIRST + 4);
        settle(3, 10);
        assertEq(creditOf(3), payOf(5, 35));
    }
}
