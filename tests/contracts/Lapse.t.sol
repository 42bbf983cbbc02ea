// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

contract LapseTest is CourtTest {
    function test_reverts_in_another_status() public {
        start(10, 10, 10);
        playRound(0, 2);
        fails(wrongStatus(IRunTypes.Status.None));
        lapse(FIRST, 0);
        takeBack(FIRST, 1, 0);
        skip(3 * p.answerWindow);
        fails(wrongStatus(IRunTypes.Status.Executed));
        lapse(FIRST, 0);
    }

    function test_reverts_twice() public {
        start(10, 10, 10);
        playRound(0, 2);
        post(FIRST, 1, 0);
        skip(2 * p.answerWindow);
        lapse(FIRST, 0);
        fails(wrongStatus(IRunTypes.Status.Lapsed));
        lapse(FIRST, 0);
    }

    function test_window() public {
        start(10, 10, 10);
        playRound(0, 2);
        post(FIRST, 1, 0);
        uint256 end = time() + 2 * p.answerWindow;
        fails(tooEarly(end));
        lapse(FIRST, 0);
        skipTo(end - 1);
        fails(tooEarly(end));
        lapse(FIRST, 0);
        skipTo(end);
        vm.expectEmit(address(run));
        emit IRunEvents.ChallengeLapsed(FIRST, 0);
        lapse(FIRST, 0);
        assertStatus(FIRST, 0, IRunTypes.Status.Lapsed);
        assertEq(run.challenges(FIRST, 0).bond, 0);
        assertEq(run.credit(challenger()), BOND);
        assertEq(run.credit(anybody()), 0);
        assertEq(run.burnt(), 0);
        assertEq(run.roll().openChallenges, 0);
        assertEq(run.clock().height, 1, "the round stands");
        assertBooks();
    }

    /// @dev Whoever may execute and does not lets the round stand, for ever.
    function test_cannot_be_executed_any_more() public {
        start(10, 10, 10);
        playRound(0, 2);
        post(FIRST, 1, 0);
        skip(2 * p.answerWindow);
        fails(tooLate(time()));
        overturn(FIRST, 0);
        lapse(FIRST, 0);
        fails(wrongStatus(IRunTypes.Status.Lapsed));
        overturn(FIRST, 0);
    }

    /// @dev Another overturn took the round: at once. Both of the same round and of later ones.
    function test_at_once_where_the_round_no_longer_stands() public {
        start(10, 10, 10);
        playRounds(3, 0, 2);
        post(FIRST + 1, 2, 0);
        post(OTHER, FIRST + 1, 2, 1, run.nextBond());
        post(FIRST + 2, 3, 0);
        post(FIRST, 1, 0);
        skip(p.answerWindow);
        overturn(FIRST + 1, 0);
        lapse(FIRST + 1, 1);
        lapse(FIRST + 2, 0);
        assertEq(run.credit(OTHER), 2 * BOND);
        assertEq(run.credit(challenger()), 4 * BOND);
        // The one below stands.
        fails(tooEarly(time() + p.answerWindow));
        lapse(FIRST, 0);
        assertEq(run.roll().openChallenges, 1);
        assertBooks();
    }

    /// @dev Its height has been made again by another round: it still does not stand.
    function test_where_the_height_is_made_again() public {
        start(10, 10, 10);
        playRounds(2, 0, 2);
        skip(p.challengeWindow - 1);
        post(FIRST, 1, 0);
        post(FIRST, 1, 1);
        skip(p.answerWindow);
        overturn(FIRST, 0);
        skip(p.activateDelay);
        lapse(FIRST, 1);
        settleOverturn(FIRST, 0, 0, 2);
        openRound();
        playRound(0, 2);
        assertEq(run.clock().height, 1);
        assertBooks();
    }
}
