// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract TopUpTest is RunTest {
    function unsettled(uint256 settledTo) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.Unsettled.selector, settledTo);
    }

    function topUpBy(address sender, uint8 seat, uint8 by, uint256 value) internal {
        vm.deal(sender, value);
        next(sender);
        run.topUp{value: value}(seat, by);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_for_the_operator() public {
        join(10);
        fails(notOwner(ownerOf(0)));
        topUpBy(operatorOf(0), 0, 1, stakeOf(1));
    }

    function test_reverts_for_no_seat() public {
        fails(notOwner(address(0)));
        topUp(9, 1);
    }

    function test_reverts_after_leaving() public {
        join(10);
        leave(0);
        fails(IRunErrors.HasLeft.selector);
        topUp(0, 1);
    }

    function test_reverts_without_weight() public {
        join(10);
        fails(IRunErrors.BadWeight.selector);
        topUp(0, 0);
    }

    function testFuzz_reverts_with_another_stake(uint8 by, uint256 value) public {
        join(10);
        by = uint8(bound(by, 1, 245));
        value = bound(value, 0, 10 ether);
        vm.assume(value != stakeOf(by));
        fails(wrongStake(stakeOf(by)));
        topUpBy(ownerOf(0), 0, by, value);
    }

    function testFuzz_reverts_above_255(uint8 weight, uint8 by) public {
        weight = uint8(bound(weight, 1, 255));
        by = uint8(bound(by, 256 - uint256(weight), 255));
        join(weight);
        fails(IRunErrors.BadWeight.selector);
        topUp(0, by);
    }

    /// @dev One older weight is kept: a second change waits until the rounds of the first weight are settled.
    function test_reverts_while_older_rounds_are_unsettled() public {
        fund(10 ether);
        start(10, 10, 10);
        play(7);
        topUp(0, 5);
        play(7);
        play(7);
        fails(unsettled(0));
        topUp(0, 5);
        settle(0, 10); // nothing is safe yet
        fails(unsettled(0));
        topUp(0, 5);
        skipToSafe(FIRST + 2);
        settle(0, 1); // the round at the weight of 10: its pay is that of the first weight
        fails(unsettled(1));
        topUp(0, 5);
        settle(0, 1); // the last round before the change took effect
        topUp(0, 5);
        assertEq(run.seats(0).weight, 15);
        assertEq(run.seats(0).nextWeight, 20);
        assertEq(run.seats(0).changesAt, FIRST + 4);
    }

    // ------------------------------------------------------------------ effect

    function testFuzz_adds(uint8 weight, uint8 by) public {
        weight = uint8(bound(weight, 1, 254));
        by = uint8(bound(by, 1, 255 - uint256(weight)));
        join(weight);
        vm.expectEmit(address(run));
        emit IRunEvents.WeightChanged(0, weight + by, FIRST);
        topUp(0, by);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.nextWeight, uint256(weight) + by);
        assertEq(s.weight, weight);
        assertEq(s.changesAt, FIRST);
        assertEq(run.roll().seated, uint256(weight) + by);
        assertEq(run.roll().nextActive, 0, "it is benched");
        assertEq(run.staked(), stakeOf(uint256(weight) + by));
        skip(p.activateDelay);
        activate(0);
        assertEq(run.roll().nextActive, uint256(weight) + by);
    }

    function test_counts_from_the_next_round_on() public {
        start(10, 10, 10);
        vm.expectEmit(address(run));
        emit IRunEvents.WeightChanged(0, 200, FIRST + 1);
        topUp(0, 190);
        assertEq(run.clock().active, 30);
        assertEq(run.clock().base, 30);
        assertEq(run.roll().nextActive, 220);
        toVote(0, 2);
        assertEq(run.entry(FIRST, 0).weight, 10);
        assertEq(run.clock().committed, 30);
        vote(FIRST, 0);
        vote(FIRST, 1);
        assertEq(run.clock().height, 0, "20 of 30 is no quorum");
        vote(FIRST, 2);
        assertEq(run.clock().active, 220);
        assertEq(run.clock().base, 220);
        toVote(0, 2);
        assertEq(run.entry(FIRST + 1, 0).weight, 200);
        vote(FIRST + 1, 0);
        assertEq(run.clock().height, 2, "alone it is more than two thirds now");
    }

    /// @dev A late vote for a round before the change has the weight of that round.
    function test_a_dissent_counts_the_weight_of_its_round() public {
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 1);
        topUp(0, 100);
        vote(FIRST, 0, bad(FIRST, 0));
        assertEq(run.dissent(hashOf(FIRST, bad(FIRST, 0))).tally, 10);
    }

    function test_twice_in_a_round() public {
        start(10, 10, 10);
        topUp(0, 5);
        topUp(0, 7);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.weight, 10);
        assertEq(s.nextWeight, 22);
        assertEq(run.roll().nextActive, 42);
        assertEq(run.roll().seated, 42);
        play(7);
        assertEq(run.clock().active, 42);
    }

    /// @dev Before the next round opens, void or not, it is the same change.
    function test_twice_in_a_void_round() public {
        start(10, 10, 10);
        topUp(0, 5);
        playVoid(0, 2);
        topUp(0, 5);
        openRound();
        assertEq(run.clock().active, 40);
        topUp(0, 5); // nothing was final: there is nothing to pay
        assertEq(run.seats(0).weight, 20);
        assertEq(run.seats(0).nextWeight, 25);
    }

    function test_of_a_benched_seat() public {
        start(10, 10, 10, 5);
        for (uint256 i; i < 4; ++i) {
            play(7);
        }
        bench(3, FIRST);
        topUp(3, 5);
        assertEq(run.roll().nextActive, 30);
        assertEq(run.roll().seated, 40);
        skip(p.activateDelay);
        activate(3);
        assertEq(run.roll().nextActive, 40);
    }

    function test_all_of_it_is_withdrawn() public {
        start(10, 10, 10);
        topUp(0, 20);
        leave(0);
        assertEq(run.roll().seated, 20);
        assertEq(run.roll().nextActive, 20);
        skip(p.leaveDelay);
        withdraw(0);
        assertEq(ownerOf(0).balance, stakeOf(30));
        assertEq(run.staked(), stakeOf(20));
    }

    /// @dev Seat 0 has 10 in FIRST to FIRST + 7, then 210; its first two heights are out of the ring, the later ones are not.
    function playPastTheRing() internal {
        deployShortRing();
        fund(10 ether);
        start(10, 10, 10);
        for (uint256 i; i < 7; ++i) {
            play(7);
        }
        topUp(0, 200);
        play(7);
        skip(run.horizon() + p.settleWindow);
        openRound();
        play(7);
        play(7);
        (, uint24 round,,) = run.result(1);
        assertEq(round, 0, "another height has its place");
        assertEq(run.seats(0).changesAt, FIRST + 8);
    }

    /// @dev Else a round of the first weight would be paid at that of the second.
    function test_a_record_that_is_gone_is_settled_past() public {
        playPastTheRing();
        fails(unsettled(0));
        topUp(0, 1);
        settle(0, 8);
        assertEq(run.credit(ownerOf(0)), 6 * ((uint256(p.rewardPerRound) * 10) / 30), "at the weight of 10");
        topUp(0, 1);
        assertEq(run.seats(0).weight, 210);
        assertEq(run.seats(0).nextWeight, 211);
    }

    /// @dev The newest height is the only one that is not settled, and was made at the weight before.
    function test_reverts_for_a_single_older_round() public {
        fund(10 ether);
        start(10, 10, 10);
        play(7);
        topUp(0, 5);
        play(7);
        skipToSafe(FIRST + 1);
        settle(0, 1);
        fails(unsettled(1));
        topUp(0, 5);
        settle(0, 1);
        topUp(0, 5);
    }

    function test_a_new_operator_acts_with_the_new_weight() public {
        start(10, 10, 10);
        topUp(0, 5);
        setOperator(0, address(0xa));
        play(7);
        actsBy(0, ownerOf(0), address(0xa));
        commit(FIRST + 1, 0);
        assertEq(run.entry(FIRST + 1, 0).weight, 15);
        assertEq(run.clock().committed, 15);
    }
}
