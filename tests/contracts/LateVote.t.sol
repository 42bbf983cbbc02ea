// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Votes after finality: for the final outcome, until the next height is final.
contract LateVoteTest is RunTest {
    /// @dev Seats 0..2 of four make the round final.
    function toFinal() internal {
        start(10, 10, 10, 10);
        toVote(0, 3);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        assertEq(run.clock().height, 1);
    }

    function test_reverts_for_another_outcome() public {
        toFinal();
        bytes32 outcome = hashOf(FIRST, good(FIRST));
        fails(abi.encodeWithSelector(IRunErrors.NotFinalOutcome.selector, bytes20(outcome)));
        vote(FIRST, 3, bad(FIRST, 0));
    }

    function test_reverts_twice() public {
        toFinal();
        fails(IRunErrors.AlreadyVoted.selector);
        vote(FIRST, 0);
        vote(FIRST, 3);
        fails(IRunErrors.AlreadyVoted.selector);
        vote(FIRST, 3);
    }

    function test_reverts_once_the_next_height_is_final() public {
        toFinal();
        commitAll(0, 3);
        revealAll(0, 3);
        vote(FIRST + 1, 0);
        vote(FIRST + 1, 1);
        uint256 state = vm.snapshotState();
        vote(FIRST, 3);
        vm.revertToState(state);
        vote(FIRST + 1, 2);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 3);
    }

    /// @dev The next height is final, and no round could open after it.
    function test_reverts_once_the_run_is_finished() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        toFinal();
        commitAll(0, 3);
        revealAll(0, 3);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST + 1, seat);
        }
        assertPhase(IRunTypes.Phase.Finished);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 3);
        vote(FIRST + 1, 3);
    }

    function test_counts() public {
        toFinal();
        bytes32 outcome = hashOf(FIRST, good(FIRST));
        uint256 state = vm.snapshotState();
        vm.expectEmit(address(run));
        emit IRunEvents.Voted(FIRST, 3, outcome);
        vote(FIRST, 3);
        vm.revertToState(state);
        vm.recordLogs();
        vote(FIRST, 3);
        assertEq(vm.getRecordedLogs().length, 1, "nothing else is said");
        (IRunTypes.Ballot memory b, uint256 voters,) = run.ballot(FIRST);
        assertEq(voters, 15);
        assertEq(b.tally, 30, "the tally is that of finality");
        assertEq(run.clock().height, 1);
    }

    function test_counts_after_void_rounds() public {
        toFinal();
        for (uint256 i; i < 3; ++i) {
            playVoid(0, 3);
            openRound();
        }
        playVoid(0, 3);
        vote(FIRST, 3);
        (, uint256 voters,) = run.ballot(FIRST);
        assertEq(voters, 15);
    }

    function test_reverts_after_void_rounds_once_the_next_height_is_final() public {
        toFinal();
        playVoid(0, 3);
        openRound();
        playRound(0, 2 + 1);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 3);
    }

    function test_counts_while_the_next_round_waits() public {
        p.minWeight = 50;
        deploy();
        start(20, 20, 20, 20);
        toVote(0, 3);
        for (uint8 seat = 1; seat < 4; ++seat) {
            leave(seat);
        }
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        assertPhase(IRunTypes.Phase.Final);
        vote(FIRST, 3);
        (, uint256 voters,) = run.ballot(FIRST);
        assertEq(voters, 15);
    }

    function test_reverts_for_a_seat_of_later_rounds() public {
        start(10, 10, 10, 10);
        uint8 late = join(10);
        skip(p.activateDelay);
        activate(late);
        playRound(0, 3);
        fails(notOperator(address(0)));
        vote(FIRST, late);
    }

    /// @dev The slot of a final round is taken over by the first vote of a later one: from then on its record is gone.
    function test_reverts_once_the_slot_is_in_use_again() public {
        deployShortRing();
        toFinal();
        playVoids(6, 0, 3);
        playVoid(0, 3);
        skip(run.horizon() + p.settleWindow);
        openRound();
        toVote(0, 3);
        uint256 state = vm.snapshotState();
        vote(FIRST, 3);
        vm.revertToState(state);
        vote(FIRST + 8, 0);
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST + 8));
        vote(FIRST, 3);
    }
}
