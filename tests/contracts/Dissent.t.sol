// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Votes for another outcome than the first.
contract DissentTest is RunTest {
    function toBallot() internal {
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 0, bad(FIRST, 0));
    }

    function assertBallot(Outcome memory o, uint256 tally, uint256 flags, uint256 wantedVoters, uint256 wantedDissenters) internal view {
        (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(FIRST);
        assertEq(bytes32(b.outcome), bytes32(bytes20(hashOf(FIRST, o))), "outcome");
        assertEq(b.tally, tally, "tally");
        assertEq(b.flags, flags, "flags");
        assertEq(voters, wantedVoters, "voters");
        assertEq(dissenters, wantedDissenters, "dissenters");
    }

    function test_reverts_for_who_voted_otherwise() public {
        toBallot();
        vote(FIRST, 1);
        for (uint8 seat; seat < 2; ++seat) {
            fails(IRunErrors.AlreadyVoted.selector);
            vote(FIRST, seat, good(FIRST));
            fails(IRunErrors.AlreadyVoted.selector);
            vote(FIRST, seat, bad(FIRST, 0));
            fails(IRunErrors.AlreadyVoted.selector);
            vote(FIRST, seat, bad(FIRST, 1));
        }
    }

    function test_is_proposed_once() public {
        toBallot();
        Outcome memory o = good(FIRST);
        vm.expectEmit(address(run));
        emit IRunEvents.Proposed(FIRST, hashOf(FIRST, o), o.accepted, o.checked, o.root);
        vm.expectEmit(address(run));
        emit IRunEvents.Voted(FIRST, 1, hashOf(FIRST, o));
        vote(FIRST, 1, o);
        vm.recordLogs();
        vote(FIRST, 2, o);
        assertEq(vm.getRecordedLogs().length, 1, "voted only");
        assertBallot(bad(FIRST, 0), 10, 2, 1, 6);
        IRunTypes.Dissent memory d = run.dissent(hashOf(FIRST, o));
        assertEq(d.voters, 6);
        assertEq(d.tally, 20);
    }

    /// @dev A junk first vote takes the ballot and blocks nothing.
    function test_becomes_final() public {
        toBallot();
        Outcome memory o = good(FIRST);
        vote(FIRST, 1, o);
        vote(FIRST, 2, o);
        vm.expectEmit(address(run));
        emit IRunEvents.RoundFinal(FIRST, 1, o.accepted, o.checked, o.root, 14);
        vote(FIRST, 3, o);
        assertBallot(o, 30, 3, 14, 1);
        (bytes26 root,,,) = run.result(1);
        assertEq(bytes32(root), bytes32(bytes26(o.root)));
        fails(IRunErrors.AlreadyVoted.selector);
        vote(FIRST, 0, o);
    }

    /// @dev Two thirds of the base exactly decide nothing, one unit more makes the round final.
    function test_two_thirds_are_not_enough() public {
        start(19, 20, 20, 1);
        toVote(0, 3);
        vote(FIRST, 0, bad(FIRST, 0));
        vote(FIRST, 1);
        vote(FIRST, 2);
        assertEq(run.clock().height, 0, "40 of 60");
        vote(FIRST, 3);
        assertEq(run.clock().height, 1);
    }

    function test_the_first_outcome_may_still_win() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 1, good(FIRST));
        vote(FIRST, 0, bad(FIRST, 0));
        vote(FIRST, 2, good(FIRST));
        vote(FIRST, 3, good(FIRST));
        assertBallot(good(FIRST), 30, 3, 14, 1);
        fails(IRunErrors.AlreadyVoted.selector);
        vote(FIRST, 0, good(FIRST));
    }

    function test_late_votes_are_for_the_new_outcome() public {
        uint8[] memory weights = new uint8[](5);
        (weights[0], weights[1], weights[2], weights[3], weights[4]) = (5, 20, 20, 20, 5);
        start(weights);
        toVote(0, 4);
        vote(FIRST, 0, bad(FIRST, 0));
        vote(FIRST, 1);
        vote(FIRST, 2);
        vote(FIRST, 3);
        assertEq(run.clock().height, 1);
        fails(abi.encodeWithSelector(IRunErrors.NotFinalOutcome.selector, bytes20(hashOf(FIRST, good(FIRST)))));
        vote(FIRST, 4, bad(FIRST, 0));
        vote(FIRST, 4);
        assertBallot(good(FIRST), 60, 3, 30, 1);
    }

    function test_no_outcome_with_a_quorum_is_void() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        for (uint8 seat; seat < 4; ++seat) {
            vote(FIRST, seat, bad(FIRST, seat / 2));
        }
        assertPhase(IRunTypes.Phase.Vote);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Void);
        openRound();
        assertEq(run.clock().height, 0);
        (bytes26 root,,,) = run.result(1);
        assertEq(bytes32(root), 0);
    }

    function test_as_many_outcomes_as_voters() public {
        uint8[] memory weights = new uint8[](10);
        for (uint256 i; i < 10; ++i) {
            weights[i] = i < 3 ? 3 : 10;
        }
        start(weights);
        toVote(0, 9);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat, bad(FIRST, seat));
        }
        for (uint8 seat = 3; seat < 9; ++seat) {
            vote(FIRST, seat);
        }
        assertEq(run.clock().height, 1);
        assertBallot(good(FIRST), 60, 3, 504, 7);
    }

    /// @dev The dissenters' word of a ring slot is not cleared; the next ballot of the slot must not see it.
    function test_leaves_nothing_to_the_next_ballot_of_the_slot() public {
        deployShortRing();
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 0, bad(FIRST, 0));
        vote(FIRST, 1, good(FIRST));
        skipTo(run.deadline());
        openRound();
        playVoids(7, 0, 3);
        toVote(0, 3);
        vote(FIRST + 8, 1);
        (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(FIRST + 8);
        assertEq(b.flags, 0);
        assertEq(voters, 2);
        assertEq(dissenters, 0);
        vote(FIRST + 8, 0);
        vote(FIRST + 8, 2, bad(FIRST + 8, 0));
        (, voters, dissenters) = run.ballot(FIRST + 8);
        assertEq(voters, 3);
        assertEq(dissenters, 4);
        vote(FIRST + 8, 3);
        assertEq(run.clock().height, 1);
    }

    /// @dev Any order of any votes: an outcome is final exactly when more than two thirds of the base voted for it, and nobody counts twice.
    function testFuzz_final_iff_two_thirds_agree(uint8[6] memory weights, uint8[6] memory choices) public {
        uint8[] memory w = new uint8[](6);
        uint256 total;
        for (uint256 i; i < 6; ++i) {
            w[i] = uint8(bound(weights[i], 2, 255));
            total += w[i];
        }
        start(w);
        toVote(0, 5);
        uint256[3] memory tallies;
        uint256 winner = 3;
        for (uint8 seat; seat < 6; ++seat) {
            uint256 choice = choices[seat] % 3;
            if (winner < 3 && choice != winner) {
                fails(abi.encodeWithSelector(IRunErrors.NotFinalOutcome.selector, bytes20(hashOf(FIRST, bad(FIRST, winner)))));
            } else {
                tallies[choice] += w[seat];
            }
            vote(FIRST, seat, bad(FIRST, choice));
            if (winner == 3 && 3 * tallies[choice] > 2 * total) winner = choice;
            assertEq(run.clock().height, winner < 3 ? 1 : 0);
        }
        if (winner == 3) return;
        (bytes26 root,,, uint256 checked) = run.result(1);
        assertEq(checked, winner);
        assertEq(bytes32(root), bytes32(bytes26(bad(FIRST, winner).root)));
    }
}
