// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract VoteTest is RunTest {
    function badAnchor(uint64 number) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.BadAnchor.selector, number);
    }

    function voteAt(uint8 seat, uint64 number, bytes32 hash) internal {
        next(operatorOf(seat));
        run.vote(FIRST, seat, number, hash, 7, 0, good(FIRST).root);
    }

    function test_reverts_with_an_empty_set() public {
        start(10, 10, 10);
        toVote(0, 2);
        fails(IRunErrors.EmptySet.selector);
        vote(FIRST, 0, Outcome(0, 0, "root"));
    }

    function test_reverts_for_another_sender() public {
        start(10, 10, 10);
        toVote(0, 2);
        (uint64 number, bytes32 hash) = anchor();
        fails(abi.encodeWithSelector(IRunErrors.NotOperator.selector, operatorOf(0)));
        next(ownerOf(0));
        run.vote(FIRST, 0, number, hash, 7, 0, "root");
    }

    function test_reverts_for_a_seat_that_is_not_active() public {
        start(10, 10, 10);
        uint8 late = join(10);
        skip(p.activateDelay);
        fails(notOperator(address(0))); // whoever held the id in this round: nobody
        vote(FIRST, late);
        activate(late);
        toVote(0, 2);
        fails(notOperator(address(0)));
        vote(FIRST, late);
    }

    /// @dev An untouched ring slot has round 0: no seat is active in it.
    function test_reverts_in_round_0() public {
        start(10, 10, 10);
        fails(notOperator(address(0))); // nobody held the id
        vote(0, 0);
    }

    function test_reverts_in_a_round_to_come() public {
        start(10, 10, 10);
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST));
        vote(FIRST + 1, 0);
        // Round ids have 24 bits.
        fails(abi.encodeWithSelector(IRunErrors.NotActive.selector, FIRST, FOREVER));
        vote(FIRST + (1 << 24), 0);
    }

    function test_reverts_in_another_phase() public {
        start(10, 10, 10);
        fails(wrongPhase(IRunTypes.Phase.Commit));
        vote(FIRST, 0);
        commitAll(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Reveal));
        vote(FIRST, 0);
        skipTo(run.deadline());
        fails(wrongPhase(IRunTypes.Phase.Void));
        vote(FIRST, 0);
    }

    function test_reverts_in_a_round_in_which_nobody_voted() public {
        start(10, 10, 10);
        toVote(0, 2);
        skipTo(run.deadline());
        openRound();
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST + 1));
        vote(FIRST, 0);
    }

    function test_reverts_at_the_end() public {
        start(10, 10, 10);
        toVote(0, 2);
        uint256 end = run.deadline();
        skipTo(end - 1);
        vote(FIRST, 0);
        vote(FIRST, 1);
        skipTo(end);
        assertPhase(IRunTypes.Phase.Void);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 2);
        openRound();
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 2);
    }

    function test_the_first_vote_reverts_at_the_end() public {
        start(10, 10, 10);
        toVote(0, 2);
        skipTo(run.deadline());
        fails(wrongPhase(IRunTypes.Phase.Void));
        vote(FIRST, 0);
    }

    function test_reverts_with_a_bad_anchor() public {
        start(10, 10, 10);
        toVote(0, 2);
        (uint64 number, bytes32 hash) = anchor();
        fails(badAnchor(number));
        voteAt(0, number, keccak256("another fork"));
        fails(badAnchor(number + 1));
        voteAt(0, number + 1, 0);
        vm.roll(number + 257);
        fails(badAnchor(number));
        voteAt(0, number, hash);
    }

    function test_reverts_twice() public {
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 0);
        fails(IRunErrors.AlreadyVoted.selector);
        vote(FIRST, 0);
        fails(IRunErrors.AlreadyVoted.selector);
        vote(FIRST, 0, bad(FIRST, 0));
    }

    function test_proposes() public {
        start(10, 20, 30);
        toVote(0, 2);
        Outcome memory o = good(FIRST);
        vm.expectEmit(address(run));
        emit IRunEvents.Proposed(FIRST, hashOf(FIRST, o), o.accepted, o.checked, o.root);
        vm.expectEmit(address(run));
        emit IRunEvents.Voted(FIRST, 1, hashOf(FIRST, o));
        vote(FIRST, 1, o);

        (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(FIRST);
        assertEq(bytes32(b.outcome), bytes32(bytes20(hashOf(FIRST, o))));
        assertEq(b.round, FIRST);
        assertEq(b.time, run.deadline());
        assertEq(b.tally, 20);
        assertEq(b.base, 60);
        assertEq(b.flags, 0);
        assertEq(voters, 2);
        assertEq(dissenters, 0);
    }

    /// @dev Two thirds of the base exactly decide nothing, one unit more makes the round final.
    function test_two_thirds_are_not_enough() public {
        start(40, 1, 19);
        toVote(0, 2);
        vote(FIRST, 0);
        assertPhase(IRunTypes.Phase.Vote);
        assertEq(run.clock().height, 0);
        vote(FIRST, 1);
        assertEq(run.clock().height, 1);
        assertPhase(IRunTypes.Phase.Commit);
    }

    function test_final() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 0);
        vote(FIRST, 1);
        skip(5);
        uint64 opened = run.clock().openedBlock;
        Outcome memory o = good(FIRST);
        vm.expectEmit(address(run));
        emit IRunEvents.Voted(FIRST, 3, hashOf(FIRST, o));
        vm.expectEmit(address(run));
        emit IRunEvents.RoundFinal(FIRST, 1, o.accepted, o.checked, o.root, 11);
        vm.expectEmit(address(run));
        emit IRunEvents.RoundOpened(FIRST + 1, 1, 40, 40, 0, opened);
        vote(FIRST, 3, o);

        (IRunTypes.Ballot memory b, uint256 voters,) = run.ballot(FIRST);
        assertEq(b.time, vm.getBlockTimestamp());
        assertEq(b.tally, 30);
        assertEq(b.flags, 1);
        assertEq(voters, 11);
        (bytes26 root, uint24 round, uint256 accepted, uint256 checked) = run.result(1);
        assertEq(bytes32(root), bytes32(bytes26(o.root)));
        assertEq(round, FIRST);
        assertEq(accepted, o.accepted);
        assertEq(checked, o.checked);
        assertEq(run.clock().openedAt, vm.getBlockTimestamp());
        assertEq(run.clock().openedBlock, vm.getBlockNumber() - 1);
    }

    function test_the_last_height_finishes_the_run() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        playRound(0, 2);
        assertPhase(IRunTypes.Phase.Finished);
        assertEq(run.clock().height, 2);
        assertEq(run.clock().round, FIRST + 1);
        assertTrue(run.clock().closed);
    }

    /// @dev A seat that never committed may vote: it checks what others did.
    function test_without_a_submission() public {
        start(10, 10, 10, 1);
        commitAll(0, 2);
        skipTo(run.clock().commitEnd);
        revealAll(0, 2);
        vote(FIRST, 3);
        (, uint256 voters,) = run.ballot(FIRST);
        assertEq(voters, 8);
    }

    function test_256_seats() public {
        uint8[] memory weights = new uint8[](256);
        for (uint256 i; i < 256; ++i) {
            weights[i] = 255;
        }
        start(weights);
        assertEq(run.clock().base, 65_280);
        for (uint256 i; i < 256; ++i) {
            commit(FIRST, uint8(i));
        }
        for (uint256 i; i < 256; ++i) {
            reveal(FIRST, uint8(i));
        }
        for (uint256 i = 256; i > 0; --i) {
            vote(FIRST, uint8(i - 1));
        }
        (IRunTypes.Ballot memory b, uint256 voters,) = run.ballot(FIRST);
        assertEq(voters, type(uint256).max);
        assertEq(b.tally, 171 * 255, "the first weight above two thirds");
    }

    // ------------------------------------------------------------------ stopped, displaced, overturned

    /// @dev The round that is open when the run is stopped becomes final, and no other opens.
    function test_the_last_round_of_a_stopped_run() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        stop();
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        assertPhase(IRunTypes.Phase.Final);
        assertEq(run.clock().round, FIRST);
        assertEq(run.clock().height, 1);
        assertTrue(run.clock().closed);
        vote(FIRST, 3); // late
        (, uint256 voters,) = run.ballot(FIRST);
        assertEq(voters, 15);
    }

    /// @dev A round that was open when an overturn took it takes no vote any more, late or not.
    function test_reverts_once_overturned() public {
        start(10, 10, 10, 10);
        play(15, 7, 7, 0);
        toVote(0, 3);
        vote(FIRST + 1, 3);
        playOverturn(FIRST, 1);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST + 1, 0);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 3);
        assertEq(run.clock().height, 0);
    }

    function test_the_first_vote_reverts_once_overturned() public {
        start(10, 10, 10, 10);
        play(15, 7, 7, 0);
        toVote(0, 3);
        playOverturn(FIRST, 1);
        fails(wrongPhase(IRunTypes.Phase.Final));
        vote(FIRST + 1, 0);
    }

    /// @dev Weights changed since the opening: each vote weighs what its seat weighed then.
    function testFuzz_weighs_what_it_weighed_at_the_opening(uint8[3] memory by) public {
        start(10, 10, 10);
        toVote(0, 2);
        for (uint8 seat; seat < 3; ++seat) {
            if (by[seat] % 246 != 0) topUp(seat, by[seat] % 246);
        }
        vote(FIRST, 0);
        vote(FIRST, 1);
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST);
        assertEq(b.tally, 20);
        assertEq(run.clock().height, 0);
        vote(FIRST, 2);
        assertEq(run.clock().height, 1);
    }
}
