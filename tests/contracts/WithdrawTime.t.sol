// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice From when on the stake of a seat that left is free.
contract WithdrawTimeTest is RunTest {
    /// @dev Fails until `free`, and works then.
    function assertFreeAt(uint8 seat, uint256 free) internal {
        fails(tooEarly(free));
        withdraw(seat);
        skipTo(free - 1);
        fails(tooEarly(free));
        withdraw(seat);
        skipTo(free);
        withdraw(seat);
        assertEq(ownerOf(seat).balance, stakeOf(10));
    }

    function test_benched_after_the_horizon() public {
        join(10);
        leave(0);
        assertFreeAt(0, vm.getBlockTimestamp() + run.horizon());
    }

    function test_waits_for_an_open_round_at_most_the_delay() public {
        p.voteWindow = 1_000;
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        leave(0);
        assertFreeAt(0, vm.getBlockTimestamp() + p.leaveDelay);
        assertPhase(IRunTypes.Phase.Vote);
        // A seat without a stake votes no more.
        fails(notActive(0, FIRST));
        vote(FIRST, 0);
    }

    /// @dev A delay below the horizon makes nobody free before it.
    function test_waits_for_the_horizon_where_the_delay_is_shorter() public {
        (p.leaveDelay, p.voteWindow) = (uint32(run.horizon()) - 1, 1_000);
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        leave(0);
        assertFreeAt(0, vm.getBlockTimestamp() + run.horizon());
        assertPhase(IRunTypes.Phase.Vote);
    }

    function test_waits_for_both_where_they_are_equal() public {
        (p.leaveDelay, p.voteWindow) = (uint32(run.horizon()), 1_000);
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        leave(0);
        assertFreeAt(0, vm.getBlockTimestamp() + run.horizon());
    }

    function test_waits_for_a_delay_above_the_horizon() public {
        (p.leaveDelay, p.voteWindow) = (uint32(run.horizon()) + 1, 1_000);
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        leave(0);
        assertFreeAt(0, vm.getBlockTimestamp() + run.horizon() + 1);
    }

    function test_waits_for_the_horizon_once_the_round_is_over() public {
        start(10, 10, 10);
        toVote(0, 2);
        leave(0);
        uint256 left = vm.getBlockTimestamp();
        skipTo(run.deadline());
        assertFreeAt(0, left + run.horizon());
    }

    function test_waits_while_its_vote_is_undecided() public {
        p.voteWindow = 1_000;
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 0);
        leave(0);
        uint256 end = run.deadline();
        skipTo(end - 1);
        fails(abi.encodeWithSelector(IRunErrors.VoteUndecided.selector, uint64(end)));
        withdraw(0);
        skipTo(end); // void: nothing to answer for
        withdraw(0);
    }

    function test_waits_while_its_other_vote_is_undecided() public {
        p.voteWindow = 1_000;
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 1);
        vote(FIRST, 0, bad(FIRST, 0));
        leave(0);
        uint256 end = run.deadline();
        skipTo(end - 1);
        fails(abi.encodeWithSelector(IRunErrors.VoteUndecided.selector, uint64(end)));
        withdraw(0);
    }

    function test_waits_for_the_horizon_of_its_final_vote() public {
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 0);
        leave(0);
        skip(50);
        vote(FIRST, 1);
        vote(FIRST, 2);
        assertFreeAt(0, vm.getBlockTimestamp() + run.horizon());
    }

    function test_a_late_vote_counts_from_finality() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        leave(3);
        skip(50);
        vote(FIRST, 0);
        vote(FIRST, 1);
        vote(FIRST, 2);
        uint256 finality = vm.getBlockTimestamp();
        skip(60);
        vote(FIRST, 3);
        assertFreeAt(3, finality + run.horizon());
    }

    function test_another_outcome_than_the_final_one_binds_nobody() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 3, bad(FIRST, 0));
        leave(3);
        uint256 left = vm.getBlockTimestamp();
        skip(50);
        vote(FIRST, 0);
        vote(FIRST, 1);
        vote(FIRST, 2);
        assertEq(run.clock().height, 1);
        assertFreeAt(3, left + run.horizon());
    }

    function test_a_lost_first_outcome_binds_nobody() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 3, bad(FIRST, 0));
        vote(FIRST, 0);
        leave(3);
        leave(0);
        uint256 left = vm.getBlockTimestamp();
        skip(50);
        vote(FIRST, 1);
        vote(FIRST, 2);
        uint256 finality = vm.getBlockTimestamp();
        uint256 state = vm.snapshotState();
        assertFreeAt(3, left + run.horizon());
        vm.revertToState(state);
        assertFreeAt(0, finality + run.horizon());
    }

    /// @dev The ring slot of its last round is in use again: all that is past.
    function test_after_the_ring_went_round() public {
        p.ring = 8;
        (p.commitMin, p.commitCap) = (15, 24);
        deploy();
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 3);
        leave(3);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        for (uint256 i; i < 7; ++i) {
            playRound(0, 2);
        }
        skip(run.horizon() + p.settleWindow);
        openRound();
        playRound(0, 2);
        assertEq(run.clock().height, 9);
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST);
        assertEq(b.round, 0);
        withdraw(3);
        assertEq(ownerOf(3).balance, stakeOf(10));
    }

    /// @dev A benched seat acts to the end of the round in which it was benched: its vote there binds its stake.
    function test_of_a_seat_that_was_benched() public {
        start(10, 10, 10, 5);
        for (uint256 i; i < 4; ++i) {
            play(7);
        }
        bench(3, FIRST);
        play(15);
        uint256 safe = safeAt(FIRST + 4);
        skipTo(safe - 1);
        leave(3);
        // Left a second before: the horizon runs from there.
        fails(tooEarly(safe - 1 + run.horizon()));
        withdraw(3);
        skipTo(safe - 1 + run.horizon());
        withdraw(3);
        assertEq(ownerOf(3).balance, stakeOf(5));
    }
}
