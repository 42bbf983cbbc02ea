// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {PhasesHarness} from "../harness/PhasesHarness.sol";
import {Test} from "../util/Test.sol";

contract PhasesTest is Test {
    uint32 internal constant NO_END = type(uint32).max;
    uint256 internal constant REVEAL = 20;
    uint256 internal constant VOTE = 60;
    uint256 internal constant HEIGHTS = 100;

    PhasesHarness internal phases;
    IRunTypes.Clock internal c;

    function setUp() public {
        phases = PhasesHarness(deployCode("PhasesHarness.sol"));
        (c.round, c.commitEnd, c.active, c.base, c.committed, c.revealed) = (5, 10_000, 60, 60, 60, 41);
    }

    function assertAt(uint256 time, IRunTypes.Phase wanted, uint256 wantedEnd) internal {
        phases.set(c);
        (IRunTypes.Phase current, uint256 end) = phases.current(time, REVEAL, VOTE, HEIGHTS);
        assertEq(uint256(current), uint256(wanted), "phase");
        assertEq(end, wantedEnd, "end");
        assertEq(phases.isCommit(time), wanted == IRunTypes.Phase.Commit, "isCommit");
        if (c.round != 0) assertEq(phases.isReveal(time, REVEAL), wanted == IRunTypes.Phase.Reveal, "isReveal");
    }

    function test_idle() public {
        delete c;
        assertAt(0, IRunTypes.Phase.Idle, NO_END);
        assertAt(10**9, IRunTypes.Phase.Idle, NO_END);
    }

    function test_boundaries() public {
        assertAt(9_999, IRunTypes.Phase.Commit, 10_000);
        assertAt(10_000, IRunTypes.Phase.Reveal, 10_020);
        assertAt(10_019, IRunTypes.Phase.Reveal, 10_020);
        assertAt(10_020, IRunTypes.Phase.Vote, 10_080);
        assertAt(10_079, IRunTypes.Phase.Vote, 10_080);
        assertAt(10_080, IRunTypes.Phase.Void, NO_END);
    }

    function test_boundaries_stretched() public {
        c.stretch = 3; // 67 and 202
        assertAt(10_066, IRunTypes.Phase.Reveal, 10_067);
        assertAt(10_067, IRunTypes.Phase.Vote, 10_269);
        assertAt(10_268, IRunTypes.Phase.Vote, 10_269);
        assertAt(10_269, IRunTypes.Phase.Void, NO_END);
    }

    function test_boundaries_when_all_revealed() public {
        c.revealEnd = 10_005;
        assertAt(10_005, IRunTypes.Phase.Vote, 10_065);
        assertAt(10_064, IRunTypes.Phase.Vote, 10_065);
        assertAt(10_065, IRunTypes.Phase.Void, NO_END);
        c.revealed = 40;
        assertAt(10_005, IRunTypes.Phase.Void, NO_END);
    }

    function test_no_end_of_the_commit() public {
        c.commitEnd = NO_END;
        assertAt(NO_END - 1, IRunTypes.Phase.Commit, NO_END);
    }

    function test_void_without_two_thirds() public {
        c.revealed = 40;
        assertAt(10_019, IRunTypes.Phase.Reveal, 10_020);
        assertAt(10_020, IRunTypes.Phase.Void, NO_END);
    }

    function test_closed() public {
        c.closed = true;
        (c.height, c.revealEnd) = (99, 10_005);
        assertAt(10_005, IRunTypes.Phase.Final, NO_END);
        assertAt(9_999, IRunTypes.Phase.Final, NO_END);
        assertAt(10**9, IRunTypes.Phase.Final, NO_END);
        c.revealEnd = 0;
        assertAt(10_005, IRunTypes.Phase.Final, NO_END);
        c.height = 100;
        assertAt(10_005, IRunTypes.Phase.Finished, NO_END);
    }

    /// @dev Another way to say it: the phase is the number of ends that have passed.
    function testFuzz_current(uint32 commitEnd, uint32 early, uint16 revealed, uint16 base, uint8 stretch, uint256 time) public {
        c.commitEnd = uint32(bound(commitEnd, 1, 3 * 10**9));
        (c.revealed, c.base, c.stretch) = (revealed, base, uint8(bound(stretch, 0, 4)));
        uint256 reveal = REVEAL;
        uint256 voting = VOTE;
        (uint256 up, uint256 down) = (1, 1);
        for (uint256 i; i < c.stretch; ++i) {
            (up, down) = (up * 3, down * 2);
        }
        (reveal, voting) = ((REVEAL * up) / down, (VOTE * up) / down);
        time = bound(time, c.commitEnd - 1, c.commitEnd + reveal + voting + 1);
        uint256 passed = time >= c.commitEnd ? 1 : 0;
        uint256 second = c.commitEnd + reveal;
        if (early % 2 == 0 && passed == 1) {
            c.revealEnd = uint32(bound(early, c.commitEnd, time < second ? time : second - 1));
            second = c.revealEnd;
        }
        if (time >= second) ++passed;
        if (time >= second + voting) ++passed;
        bool isVoid = passed == 3 || (passed == 2 && uint256(revealed) * 3 <= uint256(base) * 2);
        if (isVoid) return assertAt(time, IRunTypes.Phase.Void, NO_END);
        if (passed == 0) return assertAt(time, IRunTypes.Phase.Commit, c.commitEnd);
        if (passed == 1) return assertAt(time, IRunTypes.Phase.Reveal, second);
        assertAt(time, IRunTypes.Phase.Vote, second + voting);
    }

    function testFuzz_stretched(uint32 window, uint8 stretch) public view {
        uint256 w = bound(window, 1, 365 days);
        stretch = uint8(bound(stretch, 0, 4));
        uint256 s = phases.stretched(w, stretch);
        uint256 scale = 2 ** uint256(stretch);
        uint256 exact = w * 3 ** uint256(stretch); // of s * scale
        assertLe(s * scale, exact, "rounded down");
        assertGt((s + 1) * scale, exact, "by less than a second");
        assertGe(s, w);
        assertLe(s, 5 * w + (w >> 4));
        if (stretch < 4) assertGe(phases.stretched(w, stretch + 1), s);
    }

    /// @dev Strict, and never floored: with x of b, x / b > 2 / 3.
    function testFuzz_fractions(uint16 base) public view {
        uint256 b = base;
        assertFalse(phases.isTwoThirds((2 * b) / 3, b));
        assertTrue(phases.isTwoThirds((2 * b) / 3 + 1, b));
        assertFalse(phases.isThird(b / 3, b));
        assertTrue(phases.isThird(b / 3 + 1, b));
    }

    function test_fractions_at_equality() public view {
        assertFalse(phases.isTwoThirds(40, 60));
        assertTrue(phases.isTwoThirds(41, 60));
        assertFalse(phases.isThird(20, 60));
        assertTrue(phases.isThird(21, 60));
        assertFalse(phases.isTwoThirds(43_520, 65_280));
        assertTrue(phases.isTwoThirds(43_521, 65_280));
        assertFalse(phases.isTwoThirds(0, 0));
    }

    function testFuzz_baseOf(uint16 active, uint16 seated, uint16 minWeight) public view {
        uint256 base = phases.baseOf(active, seated, minWeight);
        assertTrue(base >= active && 2 * base >= seated && base >= minWeight, "covers all three");
        assertTrue(base == active || base == minWeight || base == (uint256(seated) + 1) / 2, "and is one of them");
    }
}
