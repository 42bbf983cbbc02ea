// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {RunTest} from "../util/RunTest.sol";
import {vm} from "../util/Vm.sol";

/// @notice Drives a run with many actors in any order, and remembers what must hold afterwards (the ghost_ values).
/// Every operation may fail with one of the contract's errors; anything else (a panic, an empty revert) fails the test.
contract Handler is RunTest {
    uint256 internal constant MOST_SEATS = 20;

    // What was done, by operation.
    mapping(string operation => uint256) public done;

    uint256 public ghost_received;
    uint256 public ghost_paid;
    uint8[] public ghost_weights; // of every seat ever taken
    mapping(uint256 seat => bool) public ghost_hasWithdrawn;
    mapping(uint256 seat => uint32[2]) public ghost_span; // first and last round, as far as known
    mapping(uint32 round => uint256) public ghost_finals; // how often a round became final
    mapping(uint32 round => bytes32) public ghost_root; // leading 26 bytes of the root that it became final with
    mapping(uint32 round => uint24) public ghost_height;
    uint32 public ghost_round;
    uint24 public ghost_lastHeight;

    function setUp() public override {
        vm.warp(START);
        vm.roll(FIRST_BLOCK);
        p = defaults();
        (p.challengeWindow, p.answerWindow, p.settleWindow, p.leaveDelay) = (10, 10, 10, 50);
        p.ring = 8;
        p.totalHeights = 60;
        deploy();
    }

    function target() external view returns (ITrainingRun) {
        return run;
    }

    function unit() external view returns (uint256) {
        return p.weightUnit;
    }

    // ------------------------------------------------------------------ operations (fuzzed)

    function doJoin(uint256 seed) external {
        uint256 seats = ghost_weights.length;
        if (seats == MOST_SEATS || (seats > 5 && seed % 4 != 0)) return;
        uint8 weight = uint8(1 + (seed % 32 == 0 ? seed >> 8 : (seed >> 8) & 31) % 255);
        if (attempt("join", abi.encodeCall(this.oneJoin, (weight)))) {
            ghost_weights.push(weight);
            ghost_received += stakeOf(weight);
            ghost_span[seats] = [0, FOREVER];
        }
    }

    function doActivate(uint256 seed) external {
        skip(seed % 12);
        for (uint8 seat; seat < ghost_weights.length; ++seat) {
            if (run.seats(seat).from != 0 || (seed >> seat) & 1 == 0) continue;
            if (attempt("activate", abi.encodeCall(this.oneActivate, (seat)))) {
                uint32 from = run.seats(seat).from;
                assertGt(from, run.clock().round, "acts in no open round");
                ghost_span[seat][0] = from;
            }
        }
    }

    function doLeave(uint256 seed) external {
        if (seed % 5 != 0 || ghost_weights.length == 0) return;
        uint8 seat = uint8((seed >> 8) % ghost_weights.length);
        if (attempt("leave", abi.encodeCall(this.oneLeave, (seat)))) ghost_span[seat][1] = run.clock().round;
    }

    function doWithdraw(uint256 seed) external {
        for (uint8 seat; seat < ghost_weights.length; ++seat) {
            if ((seed >> seat) & 1 == 1) tryWithdraw(seat);
        }
    }

    function doOpen() external {
        attempt("openRound", abi.encodeCall(this.oneOpen, ()));
    }

    function doCommit(uint256 seed) external {
        many("commit", mostOf(seed), this.oneCommit.selector, 0);
    }

    function doReveal(uint256 seed) external {
        many("reveal", mostOf(seed), this.oneReveal.selector, 0);
    }

    /// @dev Three of four times for the honest outcome.
    function doVote(uint256 seed) external {
        many("vote", mostOf(seed), this.oneVote.selector, seed >> 250 < 48 ? 0 : 1 + ((seed >> 248) & 1));
    }

    /// @dev Each seat for an outcome of its own choice.
    function doDissent(uint256 seed) external {
        for (uint8 seat; seat < ghost_weights.length; ++seat) {
            if ((seed >> (seat + 100)) & 1 == 0) continue;
            one("dissent", seat, this.oneVote.selector, (seed >> (2 * seat)) & 3);
        }
    }

    /// @dev A round as it should be, but for the seats that sleep; without it few sequences would go once round the ring.
    function doRound(uint256 seed) external {
        attempt("openRound", abi.encodeCall(this.oneOpen, ()));
        many("commit", mostOf(seed), this.oneCommit.selector, 0);
        if (run.clock().round != 0 && run.clock().commitEnd != NO_END) vm.warp(max(vm.getBlockTimestamp(), run.clock().commitEnd));
        many("reveal", mostOf(seed >> 20), this.oneReveal.selector, 0);
        if (run.phase() == IRunTypes.Phase.Reveal) vm.warp(run.deadline());
        // Now and then a few vote otherwise first.
        if (seed % 3 == 0) many("dissent", (seed >> 60) & (seed >> 90), this.oneVote.selector, 1);
        many("vote", mostOf(seed >> 40), this.oneVote.selector, 0);
    }

    function doLateVote(uint256 seed) external {
        uint32 round = run.clock().round;
        uint32 back = uint32(seed % 3);
        if (round < FIRST + back) return;
        for (uint8 seat; seat < ghost_weights.length; ++seat) {
            if ((seed >> (seat + 8)) & 1 == 0) continue;
            (IRunTypes.Ballot memory b,,) = run.ballot(round - back);
            for (uint256 kind; kind < 4; ++kind) {
                if (b.flags & 1 == 0 || bytes20(hashOf(round - back, outcomeOf(round - back, kind))) != b.outcome) continue;
                attempt("late vote", abi.encodeCall(this.oneVote, (round - back, seat, kind)));
            }
        }
    }

    function doWait(uint256 seed) external {
        skip(1 + seed % 15);
        ++done["wait"];
    }

    /// @dev To the last second of a phase, or the first after it.
    function doWaitForDeadline(uint256 seed) external {
        uint256 end = run.deadline();
        if (end == type(uint64).max) return skip(seed % 40);
        skipTo(end - (end > vm.getBlockTimestamp() ? seed % 2 : 0));
        ++done["wait for a deadline"];
    }

    // ------------------------------------------------------------------ single calls, external so that a revert can be caught

    function oneJoin(uint8 weight) external {
        join(weight);
    }

    function oneActivate(uint8 seat) external {
        activate(seat);
    }

    function oneLeave(uint8 seat) external {
        leave(seat);
    }

    function oneWithdraw(uint8 seat) external {
        withdraw(seat);
    }

    function oneOpen() external {
        openRound();
    }

    function oneCommit(uint32 round, uint8 seat, uint256) external {
        commit(round, seat);
    }

    function oneReveal(uint32 round, uint8 seat, uint256) external {
        reveal(round, seat);
    }

    function oneVote(uint32 round, uint8 seat, uint256 kind) external {
        vote(round, seat, outcomeOf(round, kind));
    }

    function outcomeOf(uint32 round, uint256 kind) public pure returns (Outcome memory) {
        return kind == 0 ? good(round) : bad(round, kind);
    }

    // ------------------------------------------------------------------ helpers

    /// @notice Pays a seat out if it can be; the promise: it can, once the time in which its stake answers for something is over.
    function tryWithdraw(uint8 seat) public {
        IRunTypes.Seat memory s = run.seats(seat);
        uint256 promised = promiseOf(seat, s);
        bool paid = attempt("withdraw", abi.encodeCall(this.oneWithdraw, (seat)));
        if (paid) {
            ghost_paid += stakeOf(ghost_weights[seat]);
            ghost_hasWithdrawn[seat] = true;
            assertGe(vm.getBlockTimestamp(), s.leftAt + run.horizon(), "not before the horizon");
        } else if (promised != 0) {
            assertLt(vm.getBlockTimestamp(), promised, "the promise of withdraw");
        }
    }

    /// @notice Latest time at which the stake of a seat that left is free; 0 for others. Said from outside: by what happened to the seat's last round.
    function promiseOf(uint8 seat, IRunTypes.Seat memory s) public view returns (uint256 free) {
        if (s.owner == address(0) || s.until == FOREVER || s.flags & 2 != 0) return 0;
        uint256 delay = p.leaveDelay > run.horizon() ? p.leaveDelay : run.horizon();
        free = s.leftAt + delay;
        (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(uint32(s.until));
        if (((voters | dissenters) >> seat) & 1 == 0) return free;
        // Undecided: until the deadline. Final: until its horizon.
        uint256 answersUntil = b.time + (b.flags & 1 == 0 ? 0 : run.horizon());
        if (answersUntil > free) free = answersUntil;
    }

    function attempt(string memory operation, bytes memory call) internal returns (bool succeeded) {
        bytes memory answer;
        (succeeded, answer) = address(this).call(call);
        if (succeeded) {
            ++done[operation];
            observe();
        } else {
            assertTrue(isKnown(bytes4(answer)), string.concat("unexpected revert of ", operation));
        }
    }

    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    /// @dev Each bit is set seven times of eight.
    function mostOf(uint256 seed) internal pure returns (uint256) {
        return seed | (seed >> 64) | (seed >> 128);
    }

    function many(string memory operation, uint256 mask, bytes4 selector, uint256 kind) internal {
        for (uint8 seat; seat < ghost_weights.length; ++seat) {
            if ((mask >> seat) & 1 == 1) one(operation, seat, selector, kind);
        }
    }

    function one(string memory operation, uint8 seat, bytes4 selector, uint256 kind) internal {
        uint32 round = run.clock().round;
        attempt(operation, abi.encodeWithSelector(selector, round, seat, kind));
    }

    /// @dev After every successful call: what may only grow, and what became final.
    function observe() internal {
        IRunTypes.Clock memory c = run.clock();
        assertTrue(c.round >= ghost_round && c.height >= ghost_lastHeight, "round and height never fall");
        if (c.height != ghost_lastHeight) {
            assertEq(c.height, ghost_lastHeight + 1, "one height at a time");
            uint32 last = ghost_round;
            ++ghost_finals[last];
            ++done["final"];
            (bytes26 root, uint24 round,,) = run.result(c.height);
            assertEq(round, last);
            (ghost_root[last], ghost_height[last]) = (root, c.height);
        } else if (c.round != ghost_round && ghost_round != 0) {
            if (c.stretch != 0) ++done["void"];
        }
        (ghost_round, ghost_lastHeight) = (c.round, c.height);
    }

    function isKnown(bytes4 selector) internal pure returns (bool) {
        bytes4[17] memory known = [
            IRunErrors.WrongPhase.selector,
            IRunErrors.WrongRound.selector,
            IRunErrors.NotOperator.selector,
            IRunErrors.NotOwner.selector,
            IRunErrors.NotActive.selector,
            IRunErrors.AlreadyCommitted.selector,
            IRunErrors.NotCommitted.selector,
            IRunErrors.AlreadyRevealed.selector,
            IRunErrors.AlreadyVoted.selector,
            IRunErrors.NotFinalOutcome.selector,
            IRunErrors.RoundClosed.selector,
            IRunErrors.HasLeft.selector,
            IRunErrors.NotLeft.selector,
            IRunErrors.TooEarly.selector,
            IRunErrors.VoteUndecided.selector,
            IRunErrors.RunFinished.selector,
            IRunErrors.AlreadyWithdrawn.selector
        ];
        for (uint256 i; i < known.length; ++i) {
            if (selector == known[i]) return true;
        }
        return selector == IRunErrors.TooLittleWeight.selector || selector == IRunErrors.SlotBusy.selector;
    }
}
