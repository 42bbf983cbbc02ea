// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {PayTest} from "./util/PayTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice A pool that runs dry, records that are gone, many seats at once.
contract SettleBatchTest is PayTest {
    function setUp() public override {
        super.setUp();
        fund(10 ether);
    }

    // ------------------------------------------------------------------ the pool runs dry

    /// @dev By one wei: the pay waits, and comes when there is more.
    function test_waits_for_the_pool() public {
        deploy();
        start(10, 10, 10);
        play(7);
        play(7);
        skipToSafe(FIRST + 1);
        uint256 due = payOf(10, 30);
        fund(due - 1);
        vm.recordLogs();
        settle(0, 10);
        assertEq(vm.getRecordedLogs().length, 0);
        fund(1);
        settle(0, 10);
        assertEq(creditOf(0), due);
        assertEq(run.seats(0).settledTo, 1, "the second waits");
        assertEq(run.pool(), 0);
        fund(10 ether);
        settle(0, 10);
        assertEq(creditOf(0), 2 * due);
        assertEq(run.seats(0).settledTo, 2);
    }

    /// @dev Each seat stops for itself, and a seat that waits is not overtaken by its own later heights.
    function test_a_seat_that_waits_holds_nobody_up() public {
        deploy();
        start(21, 10, 10);
        play(7);
        play(7, 7, 6, 0); // nothing for seat 0
        play(7);
        skipToSafe(FIRST + 2);
        fund(2 * payOf(10, 41) + 5); // less than what seat 0 earned in the first round
        settle(range(0, 2), 10);
        assertEq(run.seats(0).settledTo, 0);
        assertEq(creditOf(0), 0);
        assertEq(creditOf(1), payOf(10, 41));
        assertEq(creditOf(2), payOf(10, 41));
        assertEq(run.seats(1).settledTo, 1);
        assertEq(run.pool(), 5);
        fund(1 ether);
        settle(range(0, 2), 10);
        assertEq(creditOf(0), 2 * payOf(21, 41));
        assertEq(creditOf(1), 3 * payOf(10, 41));
        assertEq(creditOf(2), 3 * payOf(10, 41));
        assertMoney(creditOf(0) + creditOf(1) + creditOf(2), 0);
    }

    // ------------------------------------------------------------------ records that are gone

    function test_gone_records_are_skipped_unpaid() public {
        deployShortRing();
        fund(10 ether);
        start(10, 10, 10);
        for (uint256 i; i < 8; ++i) {
            play(7);
        }
        skip(run.horizon() + p.settleWindow);
        openRound();
        toVote(0, 2);
        uint256 state = vm.snapshotState();
        settle(0, 1);
        assertEq(creditOf(0), payOf(10, 30), "the record stands until the slot's next ballot");
        vm.revertToState(state);
        vote(FIRST + 8, 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(0, 1, 0, 0);
        settle(0, 1);
        settle(0, 10);
        assertEq(run.seats(0).settledTo, 8);
        assertEq(creditOf(0), 7 * payOf(10, 30));
    }

    // ------------------------------------------------------------------ batches

    function test_an_empty_batch_does_nothing() public {
        start(10, 10, 10);
        play(7);
        skipToSafe(FIRST);
        settle(new uint16[](0), 10);
        assertEq(run.pool(), 10 ether);
    }

    /// @dev Whatever was settled before, and however few heights a call takes: a batch comes to the same as seat by seat.
    function testFuzz_a_batch_equals_one_by_one(uint8[4] memory before, uint8 step, uint16 accepted, uint96 funds) public {
        deploy();
        fund(bound(funds, 0, 0.5 ether));
        start(40, 30, 20, 10);
        for (uint256 i; i < 5; ++i) {
            uint256 set = (accepted >> (3 * i)) & 15;
            play(15, 15, set == 0 ? 15 : set, set);
        }
        skipToSafe(FIRST + 4);
        for (uint16 seat; seat < 4; ++seat) {
            settle(seat, before[seat] % 6);
        }
        fund(5 ether);
        uint256 state = vm.snapshotState();
        for (uint256 i; i < 6; ++i) {
            settle(range(0, 3), uint32(bound(step, 1, 6)));
        }
        uint256[4] memory batch = [creditOf(0), creditOf(1), creditOf(2), creditOf(3)];
        uint256 pool = run.pool();
        vm.revertToState(state);
        for (uint16 seat; seat < 4; ++seat) {
            settle(seat, 6);
            assertEq(creditOf(seat), batch[seat]);
            assertEq(run.seats(uint8(seat)).settledTo, 5);
        }
        assertEq(run.pool(), pool);
    }

    function test_256_seats() public {
        uint8[] memory weights = new uint8[](256);
        for (uint256 i; i < 256; ++i) {
            weights[i] = 255;
        }
        deploy();
        fund(10 ether);
        start(weights);
        play(type(uint256).max);
        skipToSafe(FIRST);
        settle(range(0, 511), 1);
        uint256 due = payOf(255, 65_280);
        for (uint256 seat; seat < 256; ++seat) {
            // The quorum is reached by the first 171; who comes late is paid all the same.
            assertEq(creditOf(seat), due);
        }
        assertEq(run.pool(), 10 ether - 256 * due);
    }
}
