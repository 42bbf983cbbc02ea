// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "../util/RunTest.sol";
import {vm} from "../util/Vm.sol";

/// @notice Attacks on rounds (docs/security.md): by little weight, by silence, by the clock, from another fork.
contract VotesTest is RunTest {
    address private constant OWNER_OF_COPY = address(0xc0b1);

    function badAnchor(uint64 number) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.BadAnchor.selector, number);
    }

    /// @dev 33 of 100 vote for junk first, in a round in which they also kept their commitment sealed, and in one in which they did nothing at all.
    function test_a_third_of_the_weight_has_no_veto() public {
        start(34, 33, 33);
        toVote(0, 2);
        vote(FIRST, 2, bad(FIRST, 1));
        vote(FIRST, 0);
        vote(FIRST, 1);
        assertEq(run.clock().height, 1, "junk first");

        commitAll(0, 2);
        reveal(FIRST + 1, 0);
        reveal(FIRST + 1, 1);
        skipTo(run.deadline());
        vote(FIRST + 1, 0);
        vote(FIRST + 1, 1);
        assertEq(run.clock().height, 2, "sealed for ever");

        play(3);
        assertEq(run.clock().height, 3, "nothing at all");
    }

    function test_a_lone_first_seat_runs_nothing() public {
        join(6);
        skip(p.activateDelay);
        activate(0);
        // The minimum is 10, and 3 * 6 is not more than 2 * 10.
        fails(abi.encodeWithSelector(IRunErrors.TooLittleWeight.selector, uint16(6), uint16(10)));
        openRound();
        join(1);
        skip(p.activateDelay);
        activate(1);
        openRound();
        assertEq(run.clock().base, 10);
    }

    /// @dev Commitments that never open stall three rounds; then their seats are benched and rounds go on.
    function test_commits_without_reveals_are_benched() public {
        start(30, 30, 40);
        for (uint256 i; i < 3; ++i) {
            uint32 round = run.clock().round;
            commitAll(0, 2);
            reveal(round, 0);
            reveal(round, 1);
            skipTo(run.deadline());
            assertPhase(IRunTypes.Phase.Void);
            openRound();
        }
        bench(2, FIRST);
        // It counts in the round that is open still.
        commitAll(0, 1);
        skipTo(run.deadline());
        revealAll(0, 1);
        assertPhase(IRunTypes.Phase.Void);
        openRound();
        assertEq(run.clock().active, 60);
        play(3);
        assertEq(run.clock().height, 1);
    }

    /// @dev A third of the base commits at once and would like to end the phase before the others have trained.
    function test_an_early_commit_starts_no_clock() public {
        start(1, 32, 67);
        commit(FIRST, 0);
        commit(FIRST, 1);
        assertEq(run.deadline(), type(uint64).max, "33 of 100");
        skip(30 days);
        assertPhase(IRunTypes.Phase.Commit);
        commit(FIRST, 2);
        revealAll(0, 2);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        assertEq(run.clock().height, 1);
    }

    /// @dev One small seat after the other leaves while everybody else is cut off: no round ends, nobody has missed anything.
    function test_a_small_departure_starts_no_clock() public {
        start(1, 1, 48, 50);
        leave(0);
        leave(1);
        assertEq(run.deadline(), type(uint64).max);
        skip(30 days);
        assertPhase(IRunTypes.Phase.Commit);
        commit(FIRST, 2);
        commit(FIRST, 3);
        skipTo(run.deadline());
        reveal(FIRST, 2);
        reveal(FIRST, 3);
        vote(FIRST, 2, good(FIRST, 12, 0));
        vote(FIRST, 3, good(FIRST, 12, 0));
        assertEq(run.clock().height, 1);
    }

    /// @dev What was signed for a block that this chain does not have counts here neither as commit nor as vote, though round, seat and contents are the same.
    function test_a_vote_and_a_commit_count_on_one_fork() public {
        start(10, 10, 10);
        (uint64 number, bytes32 hash) = anchor();
        bytes32 other = keccak256(abi.encode("another fork", hash));
        bytes32 commitment = commitmentOf(FIRST, 0);
        fails(badAnchor(number));
        next(operatorOf(0));
        run.commit(FIRST, 0, number, other, commitment, 0);
        toVote(0, 2);
        (number, hash) = anchor();
        other = keccak256(abi.encode("another fork", hash));
        Outcome memory o = good(FIRST);
        fails(badAnchor(number));
        next(operatorOf(0));
        run.vote(FIRST, 0, number, other, o.accepted, o.checked, o.root);
    }

    /// @dev Somebody seats the victim's operator first; the victim joins and acts all the same, each for its own seat.
    function test_a_victims_operator_is_free() public {
        address victim = operatorOf(1);
        vm.deal(OWNER_OF_COPY, stakeOf(10));
        vm.prank(OWNER_OF_COPY);
        run.join{value: stakeOf(10)}(10, victim, 0, PEER);
        join(10);
        skip(p.activateDelay);
        activate(1);
        openRound();
        commit(FIRST, 1);
        assertEq(run.clock().committed, 10, "the victim's own seat");
    }

}
