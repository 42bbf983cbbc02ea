// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {CourtTest} from "./util/CourtTest.sol";

/// @notice A round is challenged and accused of under the height that it made, and no other: heights `ring + 1` apart share a place among the results.
contract StandingTest is CourtTest {
    function arrange() internal override {
        super.arrange();
        (p.ring, p.commitMin, p.commitCap) = (8, 15, 24);
    }

    /// @dev Heights 1..10: the last one, of round FIRST + 9, stands where the first one did. Rounds FIRST + 2 to FIRST + 9 have records.
    function begin() internal {
        start(10, 10, 10);
        playRounds(8, 0, 2);
        skip(run.horizon() + p.settleWindow);
        openRound();
        playRounds(2, 0, 2);
        assertEq(run.clock().height, 10);
    }

    function notStanding(uint32 round) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotStanding.selector, round);
    }

    /// @dev Else a right round could be judged by a state that it did not train from, and all rounds since then would fall with it.
    function test_no_challenge_under_an_older_height() public {
        begin();
        fails(notStanding(FIRST + 9));
        post(challenger(), FIRST + 9, 1, 0, BOND);
        post(FIRST + 9, 10, 0);
        assertEq(run.challenges(FIRST + 9, 0).height, 10);
        (bytes26 root,,,) = run.result(9);
        assertEq(run.challenges(FIRST + 9, 0).oldRoot, root);
    }

    function test_no_challenge_under_a_later_height() public {
        begin();
        fails(notStanding(FIRST + 9));
        post(challenger(), FIRST + 9, 19, 0, BOND);
        fails(notStanding(FIRST + 8));
        post(challenger(), FIRST + 8, 18, 0, BOND);
        post(FIRST + 8, 9, 0);
    }

    /// @dev The first height gave way to the tenth, and its round to nothing.
    function test_a_round_whose_result_gave_way() public {
        begin();
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 1, 0, BOND);
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 10, 0, BOND);
        fails(notStanding(FIRST));
        accuse(FIRST, 1, 0, 1, 1);
        fails(notStanding(FIRST));
        accuse(FIRST, 10, 0, 1, 1);
    }

    function test_no_accusation_under_another_height() public {
        begin();
        fails(notStanding(FIRST + 9));
        accuse(FIRST + 9, 1, 0, 1, 1);
        fails(notStanding(FIRST + 9));
        accuse(FIRST + 9, 19, 0, 1, 1);
        assertEq(run.accusation(FIRST + 9, 1, 1).tally, 0);
        accuse(FIRST + 9, 10, 0, 1, 1);
        assertEq(run.accusation(FIRST + 9, 1, 1).tally, 10);
    }
}
