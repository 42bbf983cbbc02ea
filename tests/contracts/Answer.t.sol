// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {WorkTest} from "./util/WorkTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Answers in one go. What they must hold: AnswerInput.t.sol. In parts: AnswerPart.t.sol. Whole runs of several shapes: AnswerShapes.t.sol.
contract AnswerTest is WorkTest {
    /// @dev Three seats of 10, 20 and 30 in a run of three chunks, one right round with all three, chunk 1 challenged.
    function begin() internal returns (Reply memory r) {
        shape(3);
        deploy();
        start(10, 20, 30);
        work(3, 7);
        post(FIRST, 1, 1);
        return replyOf(FIRST, 1, 1, 7);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_without_a_challenge() public {
        Reply memory r = begin();
        fails(wrongStatus(IRunTypes.Status.None));
        reply(ANSWERER, FIRST, 0, r);
        fails(wrongStatus(IRunTypes.Status.None));
        reply(ANSWERER, FIRST + 1, 1, r);
    }

    function test_reverts_when_answered() public {
        Reply memory r = begin();
        reply(ANSWERER, FIRST, 1, r);
        fails(wrongStatus(IRunTypes.Status.Answered));
        reply(OTHER, FIRST, 1, r);
    }

    function test_reverts_when_lapsed() public {
        Reply memory r = begin();
        skip(2 * p.answerWindow);
        lapse(FIRST, 1);
        fails(wrongStatus(IRunTypes.Status.Lapsed));
        reply(ANSWERER, FIRST, 1, r);
    }

    function test_reverts_when_cancelled() public {
        Reply memory r = begin();
        skip(p.answerWindow);
        overturn(FIRST, 1);
        reply(ANSWERER, FIRST, 1, r);
        fails(wrongStatus(IRunTypes.Status.Cancelled));
        reply(OTHER, FIRST, 1, r);
    }

    /// @dev Open and executable: for two windows, as long as it has not been executed.
    function test_window_while_it_is_open() public {
        Reply memory r = begin();
        uint256 end = run.challenges(FIRST, 1).time + 2 * p.answerWindow;
        skipTo(end);
        fails(tooLate(end));
        reply(ANSWERER, FIRST, 1, r);
        skipTo(end - 1);
        reply(ANSWERER, FIRST, 1, r);
        assertStatus(FIRST, 1, IRunTypes.Status.Answered);
    }

    /// @dev Executed: for one more, up to where the slashes begin.
    function test_window_after_the_overturn() public {
        Reply memory r = begin();
        skip(2 * p.answerWindow - 1);
        overturn(FIRST, 1);
        uint256 end = time() + p.answerWindow;
        assertEq(run.challenges(FIRST, 1).time, time());
        skipTo(end);
        fails(tooLate(end));
        reply(ANSWERER, FIRST, 1, r);
        skipTo(end - 1);
        reply(ANSWERER, FIRST, 1, r);
        assertStatus(FIRST, 1, IRunTypes.Status.Cancelled);
    }

    // ------------------------------------------------------------------ effects

    function test_pays_half_of_the_bond_and_burns_half() public {
        p.challengeBond = 7; // odd: the larger half is burnt
        Reply memory r = begin();
        assertEq(run.roll().openChallenges, 1);
        vm.expectEmit(address(run));
        emit IRunEvents.Answered(FIRST, 1, ANSWERER, 3, false);
        reply(ANSWERER, FIRST, 1, r);
        IRunTypes.Challenge memory c = run.challenges(FIRST, 1);
        assertStatus(FIRST, 1, IRunTypes.Status.Answered);
        assertEq(c.bond, 0);
        assertEq(run.credit(ANSWERER), 3);
        assertEq(run.credit(challenger()), 0);
        assertEq(run.burnt(), 4);
        assertEq(run.roll().openChallenges, 0);
        assertEq(run.nextBond(), 7);
        assertEq(run.clock().height, 1, "the round stands");
        assertBooks();
        skip(p.answerWindow);
        fails(wrongStatus(IRunTypes.Status.Answered));
        overturn(FIRST, 1);
        fails(wrongStatus(IRunTypes.Status.Answered));
        lapse(FIRST, 1);
        fails(wrongStatus(IRunTypes.Status.Answered));
        slash(FIRST, 1, 0);
    }

    /// @dev What a challenger sends is the root that was voted for, all of it: nothing of it is its own to choose, so answers always fit.
    function test_another_end_of_the_root_cannot_shut_answers_out() public {
        shape(1);
        deploy();
        start(10, 20, 30);
        work(3, 7);
        bytes32 right = rootAt(1);
        setStateRoot(FIRST, right ^ bytes32(uint256(1)));
        fails(abi.encodeWithSelector(IRunErrors.WrongRoot.selector, bytes26(right)));
        post(challenger(), FIRST, 1, 0, BOND);
        setStateRoot(FIRST, right);
        post(FIRST, 1, 0);
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 7));
    }

    /// @dev After the overturn: it stands, but nobody loses anything.
    function test_late_answer_cancels_the_slashes() public {
        Reply memory r = begin();
        skip(p.answerWindow);
        overturn(FIRST, 1);
        assertEq(run.roll().openChallenges, 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Answered(FIRST, 1, ANSWERER, BOND / 2, true);
        reply(ANSWERER, FIRST, 1, r);
        assertStatus(FIRST, 1, IRunTypes.Status.Cancelled);
        assertEq(run.roll().openChallenges, 0);
        assertEq(run.clock().height, 0, "the overturn stands");
        for (uint8 id; id < 3; ++id) {
            vm.expectEmit(address(run));
            emit IRunEvents.Slashed(FIRST, 1, id, 0, 0);
            slash(FIRST, 1, id);
            assertEq(run.seats(id).named, 0);
            assertEq(run.seats(id).nextWeight, 10 * (id + 1));
        }
        assertEq(run.credit(challenger()), 0);
        assertEq(run.credit(ANSWERER), BOND / 2);
        assertEq(run.burnt(), BOND / 2);
        assertRoll();
        assertBooks();
        skip(p.activateDelay);
        for (uint8 id; id < 3; ++id) {
            activate(id);
        }
        openRound();
        assertEq(work(3, 7), FIRST + 2);
        post(FIRST + 2, 1, 1);
        reply(ANSWERER, FIRST + 2, 1, replyOf(FIRST + 2, 1, 1, 7));
    }

    /// @dev A round below the one that was overturned is answered as before, though the run goes on from its state anew.
    function test_answer_while_later_rounds_are_overturned() public {
        shape(2);
        deploy();
        start(10, 20, 30);
        work(3, 7);
        work(3, 7);
        post(FIRST + 1, 2, 0);
        skip(p.challengeWindow - 1);
        post(FIRST, 1, 0);
        skip(1);
        overturn(FIRST + 1, 0);
        assertEq(run.clock().height, 1);
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 7));
        assertStatus(FIRST, 0, IRunTypes.Status.Answered);
        assertBooks();
    }
}
