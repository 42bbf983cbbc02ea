// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CourtTest} from "./util/CourtTest.sol";

/// @notice Who comes, goes and is paid around an overturn.
contract OverturnSeatsTest is CourtTest {
    /// @dev Who joined after the overturned height is paid from the height that the run fell to; others as before.
    function test_seats_that_joined_meanwhile() public {
        start(20, 20, 20);
        playRounds(2, 0, 2);
        uint8 late = join(20);
        assertEq(run.seats(late).settledTo, 2);
        takeBack(FIRST, 1, 0);
        assertEq(run.seats(late).settledTo, 0);
        assertEq(run.seats(0).settledTo, 0);
        settleOverturn(FIRST, 0, 0, 2);
        activate(late);
        openRound();
        fund(1 ether);
        uint32 round = play(15);
        skipToSafe(round);
        settle(late, 1);
        assertEq(run.credit(ownerOf(late)), (uint256(p.rewardPerRound) * 20) / 50);
        settle(0, 9);
        assertEq(run.credit(ownerOf(0)), (uint256(p.rewardPerRound) * 10) / 50);
        assertEq(run.seats(0).settledTo, 1);
    }

    /// @dev Who joins after the overturn, before the height is made again.
    function test_joins_and_exits_around_it() public {
        start(20, 20, 20);
        playRounds(2, 0, 2);
        takeBack(FIRST + 1, 2, 0);
        uint8 late = join(30);
        assertEq(run.seats(late).first, FIRST + 3);
        assertEq(run.seats(late).settledTo, 1);
        leave(2);
        settleOverturn(FIRST + 1, 0, 0, 1);
        activate(late);
        openRound();
        assertEq(run.clock().base, 50);
        play(11);
        skip(run.horizon());
        fails(named(1));
        withdraw(2);
        slash(FIRST + 1, 0, 2);
        withdraw(2);
        assertEq(ownerOf(2).balance, stakeOf(10));
        assertRoll();
        assertBooks();
    }

    /// @dev What is safe was paid and stays so; what was not safe yet is made again.
    function test_pay_around_it() public {
        start(20, 20, 20);
        fund(1 ether);
        uint256 share = uint256(p.rewardPerRound) / 3;
        playRound(0, 2);
        skipToSafe(FIRST);
        playRound(0, 2);
        settle(range(0, 2), 9);
        claim(ownerOf(0));
        assertEq(ownerOf(0).balance, share);
        takeBack(FIRST + 1, 2, 0);
        settle(range(0, 2), 9);
        assertEq(run.seats(1).settledTo, 1);
        assertEq(run.credit(ownerOf(1)), share);
        skip(2 * run.horizon());
        settle(range(0, 2), 9);
        assertEq(run.credit(ownerOf(1)), share, "an overturned round pays nothing");
        for (uint8 id; id < 3; ++id) {
            slash(FIRST + 1, 0, id);
            activate(id);
        }
        openRound();
        playRound(0, 2);
        skip(run.horizon());
        settle(range(0, 2), 9);
        assertEq(run.credit(ownerOf(1)), 2 * share);
        assertBooks();
    }
}
