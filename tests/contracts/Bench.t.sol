// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Seat 3 weighs little: the others go on without it. Each kind of miss, each border.
contract BenchTest is RunTest {
    uint256 internal constant OTHERS = 7;
    uint256 internal constant ALL = 15;

    /// @dev Seat 3 is absent in `count` good rounds.
    function playWithout3(uint256 count) internal {
        for (uint256 i; i < count; ++i) {
            play(OTHERS);
        }
    }

    function startFour() internal {
        start(10, 10, 10, 5);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_for_no_seat() public {
        startFour();
        fails(notActive(0, 0));
        bench(9, FIRST);
    }

    function test_reverts_for_a_seat_that_never_activated() public {
        startFour();
        uint8 idle = join(5);
        playWithout3(5);
        fails(notActive(0, FOREVER));
        bench(idle, FIRST);
    }

    function test_reverts_for_a_benched_seat() public {
        startFour();
        playWithout3(4);
        bench(3, FIRST);
        fails(notActive(FIRST, FIRST + 4));
        bench(3, FIRST + 1);
    }

    function test_reverts_for_a_seat_that_left() public {
        startFour();
        playWithout3(4);
        leave(3);
        fails(notActive(FIRST, FIRST + 4));
        bench(3, FIRST);
    }

    function test_reverts_without_a_miss() public {
        startFour();
        play(ALL);
        play(ALL);
        play(ALL);
        play(ALL);
        for (uint32 round = FIRST; round < FIRST + 4; ++round) {
            fails(notMissed(round));
            bench(3, round);
        }
    }

    function test_names_the_first_round_that_was_not_missed() public {
        startFour();
        play(OTHERS);
        play(ALL);
        play(OTHERS);
        play(OTHERS);
        fails(notMissed(FIRST + 1));
        bench(3, FIRST);
        fails(notMissed(FIRST + 3)); // a late vote may come
        bench(3, FIRST + 2);
        fails(notMissed(FIRST + 7)); // to come
        bench(3, FIRST + 7);
    }

    function test_reverts_with_a_round_that_is_far_off() public {
        startFour();
        playWithout3(4);
        fails(notMissed(type(uint32).max));
        bench(3, type(uint32).max);
        fails(notMissed(0));
        bench(3, 0);
    }

    function test_reverts_before_it_could_act() public {
        startFour();
        playWithout3(2);
        skip(p.activateDelay);
        uint8 late = join(5);
        skip(p.activateDelay);
        activate(late); // from FIRST + 3 on
        playWithout3(4);
        fails(notMissed(FIRST + 2));
        bench(late, FIRST + 2);
        playWithout3(1);
        bench(late, FIRST + 3);
    }

    /// @dev A vote counts until the next height is final: only then is its lack a miss.
    function test_reverts_while_a_late_vote_is_possible() public {
        startFour();
        playWithout3(3);
        fails(notMissed(FIRST + 2));
        bench(3, FIRST);
        uint256 state = vm.snapshotState();
        playVoid(0, 2); // a void round does not end it
        fails(notMissed(FIRST + 2));
        bench(3, FIRST);
        vm.revertToStateAndDelete(state);
        state = vm.snapshotState();
        vote(FIRST + 2, 3, good(FIRST + 2, OTHERS, 0));
        play(ALL);
        fails(notMissed(FIRST + 2));
        bench(3, FIRST);
        vm.revertToStateAndDelete(state);
        play(ALL);
        bench(3, FIRST);
    }

    /// @dev Nobody benches what came back: once two more rounds are over, the misses are too old.
    function test_reverts_when_the_seat_is_back() public {
        startFour();
        playWithout3(3); // FIRST .. FIRST + 2 are missed
        play(ALL);
        assertEq(run.clock().round, FIRST + 4);
        uint256 state = vm.snapshotState();
        bench(3, FIRST);
        vm.revertToState(state);
        play(ALL);
        assertEq(run.clock().round, FIRST + 5);
        fails(notMissed(FIRST));
        bench(3, FIRST);
    }

    // ------------------------------------------------------------------ the misses

    function test_without_votes_in_final_rounds() public {
        startFour();
        for (uint256 i; i < 3; ++i) {
            play(ALL, OTHERS, ALL, 0); // it trains, and never checks the state
        }
        play(ALL);
        bench(3, FIRST);
    }

    function test_without_revealing() public {
        startFour();
        for (uint256 i; i < 3; ++i) {
            uint32 round = run.clock().round;
            commitAll(0, 3);
            revealAll(0, 2);
            skipTo(run.deadline());
            for (uint8 seat; seat < 4; ++seat) {
                vote(round, seat); // even with its vote
            }
        }
        play(OTHERS);
        bench(3, FIRST);
    }

    function test_without_revealing_in_void_rounds() public {
        startFour();
        playVoids(2, 0, 3);
        playVoid(0, 3);
        bench(3, FIRST); // the last one need not be followed by another
        bench(0, FIRST);
    }

    /// @dev What has not begun is no miss.
    function test_reverts_for_a_round_to_come() public {
        startFour();
        playUndecided(OTHERS);
        toVoteOf(OTHERS);
        skipTo(run.deadline());
        fails(notMissed(FIRST + 2));
        bench(3, FIRST);
    }

    function test_without_committing_in_void_rounds() public {
        startFour();
        playUndecided(OTHERS);
        playUndecided(OTHERS);
        toVoteOf(OTHERS);
        uint256 end = run.deadline();
        skipTo(end - 1);
        fails(notMissed(FIRST + 2));
        bench(3, FIRST);
        skipTo(end);
        fails(notMissed(FIRST));
        bench(0, FIRST); // who revealed did its part: to abstain is honest
        bench(3, FIRST);
    }

    /// @dev A vote for what lost is none for the final outcome; in a void round no vote is asked for.
    function test_voting_for_another_outcome_is_a_miss_of_a_final_round_only() public {
        start(10, 10, 10, 4);
        playUndecided(ALL);
        for (uint256 i; i < 3; ++i) {
            uint32 round = run.clock().round;
            toVote(0, 3);
            vote(round, 3, bad(round, 0));
            for (uint8 seat; seat < 3; ++seat) {
                vote(round, seat);
            }
        }
        play(ALL);
        fails(notMissed(FIRST));
        bench(3, FIRST);
        bench(3, FIRST + 1);
    }

    function test_three_kinds_in_a_row() public {
        startFour();
        playVoid(0, 3); // committed, not revealed
        openRound();
        playUndecided(OTHERS); // not committed
        play(ALL, OTHERS, ALL, 0); // not voted
        play(OTHERS);
        bench(3, FIRST);
    }

    /// @dev A late vote for a final round makes good for it.
    function test_a_late_vote_is_no_miss() public {
        startFour();
        play(OTHERS);
        play(OTHERS);
        vote(FIRST + 1, 3, good(FIRST + 1, OTHERS, 0));
        playWithout3(2);
        fails(notMissed(FIRST + 1));
        bench(3, FIRST);
    }
}
