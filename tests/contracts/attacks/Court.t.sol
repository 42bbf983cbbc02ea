// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {CourtTest} from "../util/CourtTest.sol";
import {WorkTest} from "../util/WorkTest.sol";
import {vm} from "../util/Vm.sol";

/// @notice Attacks on challenges and accusations (docs/security.md). Bonds as large as what is slashed: where a prize would be worth most.
contract CourtAttacksTest is WorkTest {
    function arrange() internal override {
        super.arrange();
        p.challengeBond = 0.05 ether; // more than three seats of weight 30 lose
    }

    function lossOf(uint256 seats, uint256 weight) private view returns (uint256) {
        return seats * stakeOf(weight - weight / 2);
    }

    /// @dev The cartel posts a wrong state, and challenges it before anybody else can: (round, chunk) is challenged once. It loses half of all that is slashed.
    function test_a_cartel_that_challenges_itself_loses() public {
        start(30, 30, 30);
        playRound(0, 2);
        uint256 bond = run.nextBond();
        takeBack(FIRST, 1, 0);
        settleOverturn(FIRST, 0, 0, 2);
        uint256 won = run.credit(challenger()) - bond;
        uint256 lost = lossOf(3, 30);
        assertLe(2 * won, lost, "at most half comes back");
        assertEq(run.staked(), 3 * stakeOf(30) - lost);
        assertBooks();
    }

    /// @dev To challenge a right round oneself and to answer it, so that the chunk is taken: half of the bond is gone.
    function test_a_challenge_answered_by_oneself_costs() public {
        start(10, 10, 10);
        work(3, 7);
        uint256 bond = run.nextBond();
        post(FIRST, 1, 0);
        reply(challenger(), FIRST, 0, replyOf(FIRST, 1, 0, 7));
        assertEq(run.credit(challenger()), bond / 2);
        assertEq(run.burnt(), bond - bond / 2);
        assertBooks();
    }

    /// @dev Who keeps the answers to a right round away for two windows wins at most the bond's worth, while at least as much is burnt.
    function test_suppressed_answers_pay_a_bounded_prize() public {
        start(200, 200, 200);
        work(3, 7);
        uint256 bond = run.nextBond();
        takeBack(FIRST, 1, 0);
        settleOverturn(FIRST, 0, 0, 2);
        uint256 won = run.credit(challenger()) - bond;
        assertLe(won, p.challengeBond);
        assertGe(run.burnt(), won);
        assertBooks();
    }

    /// @dev Ten open challenges hold more than a thousand first bonds, and no round, exit or opening waits for one of them.
    function test_a_flood_of_challenges_costs_ever_more() public {
        p.parameterCount = 20 * 1024;
        deploy();
        start(10, 10, 10, 10);
        for (uint256 i; i < 4; ++i) {
            vote4();
        }
        uint256 held;
        for (uint32 chunk; chunk < 10; ++chunk) {
            held += run.nextBond();
            post(FIRST, 1, chunk);
        }
        assertEq(held, uint256(p.challengeBond) * 1023);
        uint32 height = run.clock().height;
        vote4();
        assertEq(run.clock().height, height + 1, "rounds go on");
        leave(0);
        skip(p.leaveDelay + run.horizon());
        withdraw(0);
    }

    function vote4() private {
        playRound(0, 3);
    }

    /// @dev An overturned cartel has its old weight in the rounds before and in the one that fell: it can accuse for neither.
    function test_an_overturned_cartel_accuses_nobody() public {
        start(35, 35, 30);
        play(7);
        toVote(0, 2);
        vote(FIRST + 1, 0);
        vote(FIRST + 1, 1);
        takeBack(FIRST + 1, 2, 0);
        fails(named(1));
        accuse(FIRST, 1, 0, 2, 2);
        skip(p.answerWindow);
        slash(FIRST + 1, 0, 0);
        slash(FIRST + 1, 0, 1);
        // Settled, it may accuse again, but not for what fell.
        fails(abi.encodeWithSelector(IRunErrors.NotStanding.selector, FIRST + 1));
        accuse(FIRST + 1, 2, 0, 2, 2);
        assertEq(run.seats(2).until, FOREVER, "the honest seat acts on");
    }
}
