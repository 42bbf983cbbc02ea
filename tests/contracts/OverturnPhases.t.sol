// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice The round that is open when an overturn comes, in each of its phases: nothing of it counts, and nothing can be added to it.
/// Nine seats of 20; 0..6 made round FIRST.
contract OverturnPhasesTest is CourtTest {
    uint256 private constant ALL = 511;

    function arrange() internal override {
        super.arrange();
        // Rounds that last as long as an answer may take.
        (p.commitMin, p.grace, p.commitCap, p.revealWindow, p.voteWindow) = (500, 500, 500, 500, 500);
    }

    /// @dev Round FIRST is final, challenged, and can be executed at once; its voters are seats 0..6, and 7 and 8 are left.
    function begin() internal {
        uint8[] memory weights = new uint8[](9);
        for (uint256 i; i < 9; ++i) {
            weights[i] = 20;
        }
        start(weights);
        toVote(0, 8);
        for (uint8 id; id < 7; ++id) {
            vote(FIRST, id);
        }
        post(FIRST, 1, 0);
        skipTo(time() + p.answerWindow);
    }

    /// @dev What the clock must be after the overturn in round FIRST + 1.
    function checkFallen() internal {
        vm.expectEmit(address(run));
        emit IRunEvents.Overturned(FIRST, 0, 0, FIRST + 1, 127);
        overturn(FIRST, 0);
        IRunTypes.Clock memory c = run.clock();
        assertEq(c.round, FIRST + 1);
        assertEq(c.height, 0);
        assertEq(c.stretch, 0);
        assertTrue(c.closed);
        assertPhase(IRunTypes.Phase.Final);
        assertEq(run.deadline(), type(uint64).max);
        (bytes26 root, uint24 round,,) = run.result(1);
        assertEq(root, bytes26(0));
        assertEq(round, 0);
        (root,,,) = run.result(0);
        assertEq(root, bytes26(p.genesisRoot));
        mine();
    }

    /// @dev The seats are settled, and the next round opens from the state of height 0.
    function checkGoesOn() internal {
        fails(abi.encodeWithSelector(IRunErrors.TooLittleWeight.selector, 40, 90));
        openRound();
        settleOverturn(FIRST, 0, 0, 6);
        uint64 previous = run.clock().openedBlock;
        vm.expectEmit(address(run));
        emit IRunEvents.RoundOpened(FIRST + 2, 0, 110, 110, 0, previous);
        openRound();
        play(ALL);
        (bytes26 root, uint24 round,,) = run.result(1);
        assertEq(root, bytes26(stateRootOf(FIRST + 2)));
        assertEq(round, FIRST + 2);
        assertRoll();
        assertBooks();
    }

    /// @dev Nothing can be added to round FIRST + 1, now or once the next one has opened.
    function checkClosed(bytes memory onVote) internal {
        fails(wrongPhase(IRunTypes.Phase.Final));
        commit(FIRST + 1, 8);
        fails(wrongPhase(IRunTypes.Phase.Final));
        reveal(FIRST + 1, 7);
        fails(onVote);
        vote(FIRST + 1, 8);
        // Late votes for the round that was taken back are over too.
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 8);
    }

    function checkClosedLater(bytes memory onVote) internal {
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST + 2));
        commit(FIRST + 1, 8);
        fails(onVote);
        vote(FIRST + 1, 8);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 8);
    }

    function test_while_nobody_has_committed() public {
        begin();
        assertPhase(IRunTypes.Phase.Commit);
        checkFallen();
        checkClosed(wrongPhase(IRunTypes.Phase.Final));
        checkGoesOn();
    }

    function test_in_the_commit_phase() public {
        begin();
        commitAll(0, 7);
        assertPhase(IRunTypes.Phase.Commit);
        checkFallen();
        checkClosed(wrongPhase(IRunTypes.Phase.Final));
        checkGoesOn();
    }

    function test_in_the_reveal_phase() public {
        begin();
        commitAll(0, 8);
        revealAll(0, 6);
        assertPhase(IRunTypes.Phase.Reveal);
        checkFallen();
        checkClosed(wrongPhase(IRunTypes.Phase.Final));
        checkGoesOn();
    }

    function test_in_the_vote_phase_before_a_vote() public {
        begin();
        toVote(0, 8);
        checkFallen();
        checkClosed(wrongPhase(IRunTypes.Phase.Final));
        checkGoesOn();
    }

    function test_in_the_vote_phase_among_votes() public {
        begin();
        toVote(0, 8);
        vote(FIRST + 1, 0);
        vote(FIRST + 1, 1, bad(FIRST + 1, 1));
        checkFallen();
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST + 1);
        assertEq(b.flags, 2 | 4);
        checkClosed(abi.encodeWithSelector(IRunErrors.RoundClosed.selector));
        settleOverturn(FIRST, 0, 0, 6);
        openRound();
        checkClosedLater(abi.encodeWithSelector(IRunErrors.RoundClosed.selector));
    }

    function test_before_a_vote_and_after_the_next_round_opened() public {
        begin();
        toVote(0, 8);
        checkFallen();
        settleOverturn(FIRST, 0, 0, 6);
        openRound();
        checkClosedLater(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST + 2));
    }

    function test_in_a_void_round() public {
        (p.commitMin, p.commitCap, p.revealWindow) = (20, 20, 20);
        deploy();
        begin();
        commitAll(0, 8);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Void);
        checkFallen();
        checkClosed(wrongPhase(IRunTypes.Phase.Final));
        checkGoesOn();
    }

    /// @dev The current round is final and closed itself, as the run was stopped: it falls, and late votes for it are over.
    function test_when_the_current_round_is_final_and_closed() public {
        begin();
        stop();
        toVote(0, 8);
        for (uint8 id; id < 7; ++id) {
            vote(FIRST + 1, id);
        }
        assertPhase(IRunTypes.Phase.Final);
        vote(FIRST + 1, 7);
        checkFallen();
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST + 1);
        assertEq(b.flags, 1 | 4);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST + 1, 8);
        fails(IRunErrors.RunStopped.selector);
        openRound();
    }

    /// @dev The round below is the last good one again: late votes for it count, as before.
    function test_late_votes_for_the_round_below() public {
        uint8[] memory weights = new uint8[](4);
        (weights[0], weights[1], weights[2], weights[3]) = (20, 20, 20, 5);
        start(weights);
        toVote(0, 3);
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id);
        }
        toVote(0, 3);
        for (uint8 id; id < 3; ++id) {
            vote(FIRST + 1, id);
        }
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST, 3);
        post(FIRST + 1, 2, 0);
        skipTo(time() + p.answerWindow);
        overturn(FIRST + 1, 0);
        mine();
        vote(FIRST, 3);
        fails(IRunErrors.RoundClosed.selector);
        vote(FIRST + 1, 3);
    }

    /// @dev Nobody has missed a round that does not count: three of them, and the one that was open.
    function test_no_misses() public {
        p.challengeWindow = 300;
        deploy();
        uint8[] memory weights = new uint8[](5);
        (weights[0], weights[1], weights[2], weights[3], weights[4]) = (20, 20, 20, 20, 5);
        start(weights);
        for (uint256 i; i < 4; ++i) {
            commitAll(0, 3);
            skipTo(run.deadline());
            revealAll(0, 3);
            for (uint8 id; id < 4; ++id) {
                vote(uint32(FIRST + i), id, good(uint32(FIRST + i), 15, 0));
            }
        }
        uint256 state = vm.snapshotState();
        bench(4, FIRST);
        vm.revertToState(state);
        post(FIRST + 3, 4, 0);
        skipTo(time() + p.answerWindow);
        overturn(FIRST + 3, 0);
        for (uint32 round = FIRST; round < FIRST + 5; ++round) {
            fails(notMissed(round));
            bench(4, round);
        }
    }
}
