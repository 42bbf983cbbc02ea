// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {CourtTest} from "./util/CourtTest.sol";

/// @notice An id that changed hands twice while a round of its first holder can still be accused: nobody pays, or is paid, for another.
contract AccuseThirdTest is CourtTest {
    /// @dev Seat 4 of the first holder acts in FIRST + 1, which lasts longer than the settleWindow, and does not vote; then it is the second holder's, then the third's.
    function setUp() public override {
        super.setUp();
        uint8[] memory weights = new uint8[](5);
        (weights[0], weights[1], weights[2], weights[3], weights[4]) = (100, 100, 100, 100, 1);
        fill(weights, 1);
        openRound();
        fund(1 ether);
        play(31);
        bid(address(0xb), 4, 3);
        skip(p.activateDelay);
        uint256 free = time() + run.horizon() + p.settleWindow;
        takeSeat(address(0xb), 4);
        actsBy(4, address(0), address(0));
        commit(FIRST + 1, 4);
        skip(p.settleWindow + 20);
        mine();
        for (uint8 i; i < 4; ++i) {
            commit(FIRST + 1, i);
        }
        for (uint8 i; i < 5; ++i) {
            reveal(FIRST + 1, i);
        }
        for (uint8 i; i < 4; ++i) {
            vote(FIRST + 1, i, good(FIRST + 1, 31, 0));
        }
        actsBy(4, address(0xb), address(0xb));
        activate(4);
        play(15);
        play(31);
        play(31);
        bid(address(0xc), 4, 7);
        skipTo(free);
        takeSeat(address(0xc), 4);
        actsBy(4, address(0), address(0));
        assertGt(safeAt(FIRST + 1), time(), "the round can still be accused");
        assertEq(run.formerSeats(4).first, FIRST + 2, "its holder is not known any more");
    }

    function test_reverts_for_who_is_not_known_any_more() public {
        fails(abi.encodeWithSelector(IRunErrors.NoSeat.selector));
        accuse(FIRST + 1, 2, 0, 4, 4);
        assertEq(run.formerSeats(4).condemnedIn, 0);
    }

    function test_such_a_witness_is_owed_nothing() public {
        accuse(FIRST + 1, 2, 0, 3, 4);
        accuse(FIRST + 1, 2, 1, 3, 4);
        assertGt(run.seats(3).condemnedIn, 0);
        skipTo(safeAt(FIRST + 1));
        settle(3, 10);
        assertEq(run.credit(address(0xa)) + run.credit(address(0xb)) + run.credit(address(0xc)), 0);
    }

    function test_the_second_holder_is_condemned_for_its_own_rounds() public {
        uint32 round = FIRST + 3;
        accuse(round, 4, 0, 4, 4);
        accuse(round, 4, 1, 4, 4);
        accuse(round, 4, 2, 4, 4);
        assertGt(run.formerSeats(4).condemnedIn, 0);
    }
}
