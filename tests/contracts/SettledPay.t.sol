// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {PayTest} from "./util/PayTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice How much a seat is paid, against plain formulas; weights that change, and ids that change hands.
contract SettledPayTest is PayTest {
    function setUp() public override {
        super.setUp();
        fund(1_000 ether);
    }

    /// @dev Seats 0..3 carry every quorum; 4 and 5 vote or not.
    function testFuzz_pay(uint8[6] memory w, uint8 accepted, uint8 checked, uint8 voters, uint96 reward, uint96 check) public {
        uint8[] memory weights = new uint8[](6);
        uint256 base;
        for (uint256 i; i < 6; ++i) {
            weights[i] = uint8(i < 4 ? bound(w[i], 50, 60) : bound(w[i], 1, 40));
            base += weights[i];
        }
        (p.rewardPerRound, p.checkReward) = (reward, check);
        // Now and then the base is the minimum, above what is there.
        if (w[0] % 2 == 0) p.minWeight = uint16(base + 10);
        if (p.minWeight > base) base = p.minWeight;
        deploy();
        fund(uint256(reward) + check);
        start(weights);
        accepted = uint8(bound(accepted, 1, 63));
        uint256 cast = 15 | (voters & 48);
        play(63, cast, accepted, checked);
        skipToSafe(FIRST);
        settle(range(0, 5), 1);
        uint256 paid;
        for (uint256 i; i < 6; ++i) {
            bool isPaid = (accepted & cast) >> i & 1 == 1;
            uint256 due = isPaid ? (uint256(reward) * weights[i]) / base : 0;
            if (isPaid && (checked >> i) & 1 == 1) due += (uint256(check) * weights[i]) / base;
            assertEq(creditOf(i), due, "credit");
            paid += due;
        }
        assertEq(run.pool(), uint256(reward) + check - paid);
        assertLe(paid, uint256(reward) + check, "a round costs no more than its reward");
        assertMoney(paid, 0);
    }

    /// @dev A bit of a check is worth nothing without being accepted, or without the vote.
    function test_a_check_is_paid_with_the_round_only() public {
        start(10, 10, 10, 5);
        play(15, 7, 13, 15);
        skipToSafe(FIRST);
        settle(range(0, 3), 1);
        assertEq(creditOf(0), payOf(10, 35) + checkPayOf(10, 35));
        assertEq(creditOf(1), 0);
        assertEq(creditOf(3), 0);
    }

    /// @dev A run that pays nothing for checks: their bits are recorded, and worth nothing.
    function test_checks_without_a_reward() public {
        p.checkReward = 0;
        deploy();
        fund(1 ether);
        start(10, 10, 10);
        play(7, 7, 7, 5);
        (,,, uint256 checked) = run.result(1);
        assertEq(checked, 5);
        skipToSafe(FIRST);
        settle(range(0, 2), 1);
        for (uint256 id; id < 3; ++id) {
            assertEq(creditOf(id), payOf(10, 30));
        }
        assertEq(run.pool(), 1 ether - 3 * payOf(10, 30));
    }

    /// @dev The base is that of the round, whoever left or came since.
    function test_the_base_is_that_of_the_round() public {
        start(10, 10, 10, 10);
        leave(3);
        play(15);
        play(7);
        skipToSafe(FIRST + 1);
        settle(range(0, 3), 10);
        assertEq(creditOf(0), payOf(10, 40) + payOf(10, 30));
        assertEq(creditOf(3), payOf(10, 40));
    }

    /// @dev Benched weight counts by half: 50 of 130 seated make a base of 65.
    function test_the_base_is_half_of_the_seated_weight() public {
        join(80);
        uint8[] memory weights = new uint8[](1);
        weights[0] = 50;
        start(weights);
        assertEq(run.clock().base, 65);
        play(2);
        skipToSafe(FIRST);
        settle(1, 1);
        assertEq(creditOf(1), payOf(50, 65));
    }

    // ------------------------------------------------------------------ weights that change

    /// @dev Rounds before the change at the old weight, from it on at the new one, settled at once or apart.
    function testFuzz_a_top_up(uint8 by, bool isApart) public {
        by = uint8(bound(by, 1, 245));
        start(10, 10, 10);
        play(7);
        topUp(0, by);
        play(7); // still the old weight
        uint32 last = play(7);
        assertEq(run.clock().base, 30 + uint256(by));
        skipToSafe(last);
        if (isApart) {
            settle(0, 1);
            settle(0, 1);
        }
        settle(0, 10);
        assertEq(creditOf(0), 2 * payOf(10, 30) + payOf(10 + uint256(by), 30 + uint256(by)));
    }

    function test_two_top_ups() public {
        start(10, 10, 10);
        play(7);
        topUp(0, 5);
        play(7);
        play(7);
        skipToSafe(FIRST + 2);
        settle(0, 2); // all rounds of the first weight
        topUp(0, 5); // from FIRST + 4 on
        play(7);
        uint32 last = play(7);
        skipToSafe(last);
        settle(0, 10);
        // 2 at 10 of 30, FIRST + 2 and FIRST + 3 at 15 of 35, FIRST + 4 at 20 of 40
        assertEq(creditOf(0), 2 * payOf(10, 30) + 2 * payOf(15, 35) + payOf(20, 40));
    }

    function test_twice_in_a_round_pays_the_last_weight() public {
        start(10, 10, 10);
        topUp(0, 5);
        topUp(0, 5);
        play(7);
        uint32 last = play(7);
        skipToSafe(last);
        settle(0, 10);
        assertEq(creditOf(0), payOf(10, 30) + payOf(20, 40));
    }

    function test_a_new_operator_changes_no_pay() public {
        start(10, 10, 10);
        setOperator(0, address(0xbeef));
        play(7);
        actsBy(0, address(0), address(0xbeef));
        uint32 last = play(7);
        skipToSafe(last);
        settle(0, 10);
        assertEq(creditOf(0), 2 * payOf(10, 30));
        assertEq(run.credit(address(0xbeef)), 0);
    }

    // ------------------------------------------------------------------ ids that change hands

    /// @dev 256 ids; 0..2 are active, seat 0 is taken by a bidder while round `FIRST + 1` is open.
    function displace() internal {
        uint8[] memory weights = new uint8[](3);
        (weights[0], weights[1], weights[2]) = (100, 100, 100);
        fill(weights, 1);
        openRound();
        play(7);
        bid(0, 255);
        skip(p.activateDelay);
        takeSeat(0);
        activate(0);
        actsBy(0, address(0), address(0));
        play(7); // the displaced holder's last round
        actsBy(0, bidderOf(0), bidderOf(0));
    }

    function test_the_former_holder_is_paid_for_its_rounds() public {
        displace();
        uint256 base = run.clock().base;
        assertEq(base, 455);
        uint32 last = play(7);
        skipToSafe(last);
        address former = actor("owner", 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(FORMER, 3, 2 * payOf(100, 300), 0);
        settle(FORMER, 10);
        assertEq(run.credit(former), 2 * payOf(100, 300));
        assertEq(creditOf(0), 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(0, 3, payOf(255, base), 0);
        settle(0, 10);
        assertEq(creditOf(0), payOf(255, base), "votes of the former holder pay the new one nothing");
        assertEq(run.credit(former), 2 * payOf(100, 300), "and the other way round");
        assertEq(run.formerSeats(0).settledTo, 3);
    }

    function test_both_in_one_batch() public {
        displace();
        uint256 base = run.clock().base;
        uint32 last = play(7);
        skipToSafe(last);
        settle(pair(0, FORMER), 10);
        assertEq(run.credit(actor("owner", 0)), 2 * payOf(100, 300));
        assertEq(creditOf(0), payOf(255, base));
    }

    /// @dev What was settled before its place was taken is not paid again.
    function test_the_former_holder_keeps_its_place_in_the_walk() public {
        uint8[] memory weights = new uint8[](3);
        (weights[0], weights[1], weights[2]) = (100, 100, 100);
        fill(weights, 1);
        openRound();
        play(7);
        skipToSafe(FIRST);
        settle(0, 10);
        bid(0, 255);
        skip(p.activateDelay);
        takeSeat(0);
        assertEq(run.seats(0).settledTo, 1);
        assertEq(run.formerSeats(0).settledTo, 1);
        settle(FORMER, 10);
        assertEq(run.credit(actor("owner", 0)), payOf(100, 300));
    }

    /// @dev Paid out, and settled later: pay and stake are two things.
    function test_a_former_holder_that_withdrew() public {
        displace();
        skipToSafe(FIRST + 1);
        address former = actor("owner", 0);
        withdraw(former, 0);
        settle(FORMER, 10);
        claim(former);
        assertEq(former.balance, stakeOf(100) + 2 * payOf(100, 300));
    }

    /// @dev Once the id changes hands again, what the former holder had not settled stays in the pool: it had the time.
    function test_unsettled_pay_of_the_one_before_the_former() public {
        displace();
        leave(0);
        skip(run.horizon() + p.settleWindow + 1_000);
        bid(address(0xb0b), 0, 1);
        skip(p.activateDelay);
        takeSeat(address(0xb0b), 0);
        settle(FORMER, 10);
        assertEq(run.credit(actor("owner", 0)), stakeOf(100), "its stake only");
    }
}
