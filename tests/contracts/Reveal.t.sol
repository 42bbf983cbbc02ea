// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract RevealTest is RunTest {
    function test_reverts_before_the_first_round() public {
        fails(wrongPhase(IRunTypes.Phase.Idle));
        reveal(0, 0);
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, 0));
        reveal(FIRST, 0);
    }

    function test_reverts_in_another_round() public {
        start(10, 10, 10);
        commitAll(0, 2);
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST));
        reveal(FIRST - 1, 0);
    }

    function test_reverts_in_another_phase() public {
        start(10, 10, 10);
        commitAll(0, 1);
        fails(wrongPhase(IRunTypes.Phase.Commit));
        reveal(FIRST, 0);
        commit(FIRST, 2);
        revealAll(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Vote));
        reveal(FIRST, 0);
    }

    function test_reverts_at_the_end() public {
        start(10, 10, 10);
        commitAll(0, 2);
        uint256 end = vm.getBlockTimestamp() + p.revealWindow;
        assertEq(run.deadline(), end);
        skipTo(end);
        fails(wrongPhase(IRunTypes.Phase.Void));
        reveal(FIRST, 0);
        skipTo(end - 1);
        reveal(FIRST, 0);
    }

    function test_reverts_when_finished() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        playRound(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Finished));
        reveal(FIRST + 1, 0);
    }

    function test_reverts_without_a_commitment() public {
        start(10, 10, 10, 1);
        commitAll(0, 2);
        skipTo(run.clock().commitEnd);
        fails(IRunErrors.NotCommitted.selector);
        reveal(FIRST, 3);
    }

    /// @dev The entry of the round before in the same ring slot is not this round's.
    function test_reverts_with_a_commitment_of_another_round() public {
        deployShortRing();
        start(10, 10, 10, 1);
        playVoids(8, 0, 3);
        commitAll(0, 2);
        skipTo(run.clock().commitEnd);
        assertEq(run.entry(FIRST + 8, 3).round, 0);
        fails(IRunErrors.NotCommitted.selector);
        reveal(FIRST + 8, 3);
    }

    function test_reverts_twice() public {
        start(10, 10, 10);
        commitAll(0, 2);
        reveal(FIRST, 0);
        fails(IRunErrors.AlreadyRevealed.selector);
        reveal(FIRST, 0);
    }

    function testFuzz_reverts_with_another_root(bytes32 root) public {
        vm.assume(root != rootOf(FIRST, 0));
        start(10, 10, 10);
        commitAll(0, 2);
        fails(IRunErrors.CommitmentMismatch.selector);
        next(operatorOf(0));
        run.reveal(FIRST, 0, root, 0, 0);
    }

    /// @dev Nobody can reveal for another, so nobody can spoil its key or its haves.
    function test_reverts_for_another_sender() public {
        start(10, 10, 10);
        commitAll(0, 2);
        fails(IRunErrors.CommitmentMismatch.selector);
        next(operatorOf(1));
        run.reveal(FIRST, 0, rootOf(FIRST, 0), 0, 0);
        fails(IRunErrors.CommitmentMismatch.selector);
        next(ownerOf(0));
        run.reveal(FIRST, 0, rootOf(FIRST, 0), 0, 0);
    }

    function test_reverts_with_another_seats_commitment() public {
        start(10, 10, 10);
        (uint64 number, bytes32 hash) = anchor();
        bytes32 copied = commitmentOf(FIRST, 0);
        commit(FIRST, 0);
        next(operatorOf(1));
        run.commit(FIRST, 1, number, hash, copied, 0);
        commit(FIRST, 2);
        reveal(FIRST, 0);
        fails(IRunErrors.CommitmentMismatch.selector);
        next(operatorOf(1));
        run.reveal(FIRST, 1, rootOf(FIRST, 0), 0, 0);
    }

    function test_is_recorded() public {
        start(10, 20, 30);
        commitAll(0, 2);
        vm.expectEmit(address(run));
        emit IRunEvents.Revealed(FIRST, 1, rootOf(FIRST, 1), keyOf(FIRST, 1), 7);
        reveal(FIRST, 1);
        IRunTypes.Entry memory e = run.entry(FIRST, 1);
        assertEq(bytes32(e.digest), bytes32(bytes27(rootOf(FIRST, 1))));
        assertEq(e.weight, 20);
        assertEq(e.round, FIRST);
        assertEq(e.stage, 1);
        assertEq(run.clock().revealed, 20);
        assertEq(run.clock().revealEnd, 0);
    }

    function test_ends_when_all_that_committed_have_revealed() public {
        start(10, 10, 10, 1);
        commitAll(0, 2);
        skipTo(run.clock().commitEnd);
        revealAll(0, 1);
        assertPhase(IRunTypes.Phase.Reveal);
        skip(3);
        reveal(FIRST, 2);
        assertEq(run.clock().revealEnd, vm.getBlockTimestamp());
        assertPhase(IRunTypes.Phase.Vote);
        assertEq(run.deadline(), vm.getBlockTimestamp() + p.voteWindow);
    }

    /// @dev Two thirds of the base exactly are void, one unit more is a vote.
    function test_two_thirds_must_reveal() public {
        start(40, 1, 19);
        commitAll(0, 2);
        reveal(FIRST, 0);
        uint256 state = vm.snapshotState();
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Void);
        vm.revertToState(state);
        reveal(FIRST, 1);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Vote);
    }

    function test_all_revealed_and_too_few_is_void_at_once() public {
        start(40, 1, 19);
        skip(1_000);
        commit(FIRST, 0);
        skipTo(run.clock().commitEnd);
        reveal(FIRST, 0);
        assertPhase(IRunTypes.Phase.Void);
        openRound();
    }

    /// @dev Who left, even with its stake, may still open its blob: the commitment is enough.
    function test_after_leaving() public {
        start(10, 10, 10);
        commitAll(0, 2);
        leave(0);
        reveal(FIRST, 0);
        assertEq(run.clock().revealed, 10);
    }
}
