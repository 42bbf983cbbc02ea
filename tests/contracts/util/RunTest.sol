// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {Actors} from "./Actors.sol";

/// @notice Base of the run's tests: sequences of what actors do. The time stands still but for `skip` and `skipTo`, and where a helper says so.
abstract contract RunTest is Actors {
    // ------------------------------------------------------------------ starting

    /// @notice Seats join and activate.
    function seatAll(uint8[] memory weights) internal {
        uint8 first = uint8(run.roll().seats);
        for (uint256 i; i < weights.length; ++i) {
            join(weights[i]);
        }
        skip(p.activateDelay);
        for (uint256 i; i < weights.length; ++i) {
            activate(uint8(first + i));
        }
    }

    /// @notice A run with seats of these weights in its first round.
    function start(uint8[] memory weights) internal {
        seatAll(weights);
        openRound();
    }

    function start(uint8 a, uint8 b, uint8 c) internal {
        uint8[] memory weights = new uint8[](3);
        (weights[0], weights[1], weights[2]) = (a, b, c);
        start(weights);
    }

    function start(uint8 a, uint8 b, uint8 c, uint8 d) internal {
        uint8[] memory weights = new uint8[](4);
        (weights[0], weights[1], weights[2], weights[3]) = (a, b, c, d);
        start(weights);
    }

    /// @notice All 256 ids are given: seat i weighs weights[i], and `weight` beyond the list. Those in the list are active, the others benched.
    function fill(uint8[] memory weights, uint8 weight) internal {
        for (uint256 i; i < 256; ++i) {
            join(i < weights.length ? weights[i] : weight);
        }
        skip(p.activateDelay);
        for (uint256 i; i < weights.length; ++i) {
            activate(uint8(i));
        }
    }

    /// @notice A run with the shortest ring: round r + 8 writes over round r.
    function deployShortRing() internal {
        (p.ring, p.commitMin, p.commitCap) = (8, 15, 24);
        deploy();
    }

    // ------------------------------------------------------------------ outcomes

    /// @notice What honest seats vote for.
    function good(uint32 round) internal pure returns (Outcome memory) {
        return good(round, 7, 0);
    }

    function good(uint32 round, uint256 accepted, uint256 checked) internal pure returns (Outcome memory) {
        return Outcome(accepted, checked, keccak256(abi.encode("state", round)));
    }

    /// @notice One of many other outcomes.
    function bad(uint32 round, uint256 kind) internal pure returns (Outcome memory) {
        return Outcome(7, kind, keccak256(abi.encode("another state", round)));
    }

    function vote(uint32 round, uint8 seat) internal {
        vote(round, seat, good(round));
    }

    // ------------------------------------------------------------------ rounds

    /// @notice Seats first..last commit, or reveal, in the current round.
    function commitAll(uint8 first, uint8 last) internal {
        uint32 round = run.clock().round;
        for (uint256 seat = first; seat <= last; ++seat) {
            commit(round, uint8(seat));
        }
    }

    function revealAll(uint8 first, uint8 last) internal {
        uint32 round = run.clock().round;
        for (uint256 seat = first; seat <= last; ++seat) {
            reveal(round, uint8(seat));
        }
    }

    /// @notice The current round goes to its vote with all seats first..last. (All the active ones: else see `toVoteOf`.)
    function toVote(uint8 first, uint8 last) internal {
        commitAll(first, last);
        revealAll(first, last);
        assertPhase(IRunTypes.Phase.Vote);
    }

    /// @notice A good round with all seats first..last.
    function playRound(uint8 first, uint8 last) internal {
        uint32 round = run.clock().round;
        toVote(first, last);
        for (uint256 seat = first; seat <= last; ++seat) {
            vote(round, uint8(seat));
        }
    }

    /// @notice The current round goes void: all of first..last commit, nobody reveals. (A miss of all seats; the time goes to the end of the phase.)
    function playVoid(uint8 first, uint8 last) internal {
        commitAll(first, last);
        if (run.phase() == IRunTypes.Phase.Commit) skipTo(run.deadline());
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Void);
    }

    /// @notice So many void rounds, each opening the next.
    function playVoids(uint256 count, uint8 first, uint8 last) internal {
        for (uint256 i; i < count; ++i) {
            playVoid(first, last);
            openRound();
        }
    }

    // ------------------------------------------------------------------ rounds by bitmap (bit i = seat i); the time goes on to where a phase ends

    /// @notice These seats commit and reveal: the others are waited for.
    function toVoteOf(uint256 committers) internal {
        uint32 round = run.clock().round;
        for (uint256 seat; seat < 256; ++seat) {
            if ((committers >> seat) & 1 != 0) commit(round, uint8(seat));
        }
        if (run.phase() == IRunTypes.Phase.Commit) skipTo(run.deadline());
        for (uint256 seat; seat < 256; ++seat) {
            if ((committers >> seat) & 1 != 0) reveal(round, uint8(seat));
        }
        assertPhase(IRunTypes.Phase.Vote);
    }

    /// @notice A good round in which these seats commit, reveal, are accepted and vote, in the order of their ids.
    function play(uint256 members) internal returns (uint32 round) {
        return play(members, members, members, 0);
    }

    function play(uint256 committers, uint256 voters, uint256 accepted, uint256 checked) internal returns (uint32 round) {
        round = run.clock().round;
        uint256 height = run.clock().height;
        toVoteOf(committers);
        for (uint256 seat; seat < 256; ++seat) {
            if ((voters >> seat) & 1 != 0) vote(round, uint8(seat), good(round, accepted, checked));
        }
        assertEq(run.clock().height, height + 1, "a good round");
    }

    /// @notice A void round without a miss of these seats: they commit and reveal, nobody votes. The next round opens.
    function playUndecided(uint256 committers) internal returns (uint32 round) {
        round = run.clock().round;
        toVoteOf(committers);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Void);
        openRound();
    }

    /// @notice Time from which a final round can be drawn on.
    function safeAt(uint32 round) internal view returns (uint256) {
        (IRunTypes.Ballot memory b,,) = run.ballot(round);
        assertEq(b.flags & 1, 1, "a final round");
        return b.time + run.horizon();
    }

    function skipToSafe(uint32 round) internal {
        skipTo(safeAt(round));
    }

    // ------------------------------------------------------------------ checks

    function assertPhase(IRunTypes.Phase wanted) internal view {
        assertEq(uint256(run.phase()), uint256(wanted), "phase");
    }

    /// @notice The contract holds what it owes and, beyond that, exactly `bonds` of open challenges.
    function assertMoney(uint256 credits, uint256 bonds) internal view {
        assertEq(address(run).balance, run.staked() + run.pool() + run.burnt() + credits + bonds, "money");
    }

    /// @notice Nobody answers a challenge of this good round: it falls, its voters are named. The time goes on by an answerWindow.
    function playOverturn(uint32 round, uint32 height) internal {
        challenge(round, height, 0, good(round).root);
        skip(p.answerWindow);
        overturn(round, 0);
    }
}
