// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract JoinTest is RunTest {
    address internal constant OPERATOR = address(0xbeef);

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), 1_000 ether);
    }

    function joinWith(uint8 weight, address operator, uint256 peerLength, uint256 value) internal returns (uint8) {
        next(address(this));
        return run.join{value: value}(weight, operator, "tip", string(new bytes(peerLength)));
    }

    function test_reverts_when_finished() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        playRound(0, 2);
        fails(IRunErrors.RunFinished.selector);
        joinWith(10, OPERATOR, 0, stakeOf(10));
    }

    function test_reverts_without_weight() public {
        fails(IRunErrors.BadWeight.selector);
        joinWith(0, OPERATOR, 0, 0);
    }

    function test_reverts_without_operator() public {
        fails(IRunErrors.BadOperator.selector);
        joinWith(10, address(0), 0, stakeOf(10));
    }

    function test_reverts_with_a_long_peer() public {
        fails(abi.encodeWithSelector(IRunErrors.PeerTooLong.selector, 257));
        joinWith(10, OPERATOR, 257, stakeOf(10));
        joinWith(10, OPERATOR, 256, stakeOf(10));
    }

    function testFuzz_reverts_with_another_stake(uint8 weight, uint256 value) public {
        weight = uint8(bound(weight, 1, 255));
        value = bound(value, 0, 10 ether);
        vm.assume(value != stakeOf(weight));
        fails(abi.encodeWithSelector(IRunErrors.WrongStake.selector, stakeOf(weight)));
        joinWith(weight, OPERATOR, 0, value);
    }

    function test_reverts_by_one_wei() public {
        fails(abi.encodeWithSelector(IRunErrors.WrongStake.selector, stakeOf(10)));
        joinWith(10, OPERATOR, 0, stakeOf(10) + 1);
        fails(abi.encodeWithSelector(IRunErrors.WrongStake.selector, stakeOf(10)));
        joinWith(10, OPERATOR, 0, stakeOf(10) - 1);
    }

    function test_reverts_when_full() public {
        for (uint256 i; i < 256; ++i) {
            assertEq(joinWith(255, OPERATOR, 0, stakeOf(255)), i);
        }
        assertEq(run.roll().seated, 65_280);
        fails(IRunErrors.RunFull.selector);
        joinWith(255, OPERATOR, 0, stakeOf(255));
        // Ids are never reused: a seat that left makes no room.
        vm.prank(address(this));
        run.leave(3);
        fails(IRunErrors.RunFull.selector);
        joinWith(1, OPERATOR, 0, stakeOf(1));
    }

    function testFuzz_takes_a_seat(uint8 weight, address operator, bytes32 tip) public {
        weight = uint8(bound(weight, 1, 255));
        vm.assume(operator != address(0));
        vm.expectEmit(address(run));
        emit IRunEvents.Joined(0, address(this), operator, weight, 0, tip, "/dns4/a");
        uint8 seat = run.join{value: stakeOf(weight)}(weight, operator, tip, "/dns4/a");

        assertEq(seat, 0);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.operator, operator);
        assertEq(s.owner, address(this));
        assertEq(s.weight, weight);
        assertEq(s.from, 0);
        assertEq(s.until, FOREVER);
        assertEq(s.nextWeight, weight);
        assertEq(s.first, FIRST);
        assertEq(uint256(s.changesAt) + s.flags + s.named + s.settledTo + s.missesFrom + s.condemnedIn, 0);
        assertEq(s.readyAt, vm.getBlockTimestamp() + p.activateDelay);
        assertEq(s.leftAt, 0);
        assertEq(run.staked(), stakeOf(weight));
        assertEq(address(run).balance, stakeOf(weight));
    }

    function test_is_benched() public {
        join(10);
        join(20);
        IRunTypes.Roll memory r = run.roll();
        assertEq(r.seats, 2);
        assertEq(r.seated, 30);
        assertEq(r.nextActive, 0);
    }

    function test_names_the_current_round() public {
        start(10, 10, 10);
        vm.expectEmit(address(run));
        emit IRunEvents.Joined(3, address(this), OPERATOR, 5, FIRST, "tip", "");
        joinWith(5, OPERATOR, 0, stakeOf(5));
        assertEq(run.clock().active, 30, "an open round keeps its weight");
        assertEq(run.clock().base, 30);
    }

    function test_operators_need_not_be_unique() public {
        joinWith(10, OPERATOR, 0, stakeOf(10));
        joinWith(10, OPERATOR, 0, stakeOf(10));
        assertEq(run.seats(0).operator, run.seats(1).operator);
    }
}
