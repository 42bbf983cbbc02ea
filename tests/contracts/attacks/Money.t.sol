// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {CourtTest} from "../util/CourtTest.sol";
import {vm} from "../util/Vm.sol";

/// @notice Attacks on the pool, on pay and on stakes (docs/security.md).
contract MoneyAttacksTest is CourtTest {
    function test_a_seat_named_twice_costs_the_pool_nothing() public {
        start(10, 10, 10);
        fund(1 ether);
        playRound(0, 2);
        skipToSafe(FIRST);
        uint16[] memory twice = new uint16[](2);
        fails(IRunErrors.NotAscending.selector);
        settle(twice, 1);
        assertEq(run.pool(), 1 ether);
        settle(0, 1);
        settle(0, 1);
        assertEq(run.pool() + run.credit(ownerOf(0)), 1 ether, "what left the pool is somebody's");
        assertBooks();
    }

    /// @dev The largest counts and long lists walk over what there is, and change nothing that a small call would not.
    function test_huge_counts_cost_their_sender_only() public {
        start(10, 10, 10);
        fund(1 ether);
        playRounds(3, 0, 2);
        skipToSafe(FIRST + 2);
        settle(range(0, 255), type(uint32).max);
        assertEq(run.seats(0).settledTo, 3);
        assertEq(run.seats(255).settledTo, 3, "an id that nobody has");
        uint256 before = gasleft();
        settle(range(0, 255), type(uint32).max);
        assertLt(before - gasleft(), 5_000_000);
        assertBooks();
    }

    /// @dev The voters of a wrong state leave at once; it is challenged in the last second; their stakes are there to be slashed.
    function test_no_stake_leaves_before_its_vote_is_safe() public {
        start(30, 30, 30);
        playRound(0, 2);
        uint256 final_ = time();
        for (uint8 id; id < 3; ++id) {
            leave(id);
        }
        skipTo(final_ + p.challengeWindow - 1);
        post(FIRST, 1, 0);
        skip(2 * p.answerWindow - 1);
        overturn(FIRST, 0);
        skip(p.leaveDelay + run.horizon());
        fails(named(1));
        withdraw(0);
        slash(FIRST, 0, 0);
        withdraw(0);
        assertEq(ownerOf(0).balance, stakeOf(15));
        assertBooks();
    }
}
