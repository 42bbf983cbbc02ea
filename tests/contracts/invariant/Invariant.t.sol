// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {Test} from "../util/Test.sol";
import {vm} from "../util/Vm.sol";
import {Handler} from "./Handler.t.sol";

/// @notice What holds after any operations of any actors in any order.
contract InvariantTest is Test {
    uint24 internal constant FOREVER = type(uint24).max;

    Handler internal handler;
    ITrainingRun internal run;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
        run = handler.target();
        for (uint256 i = 1; i <= 4; ++i) {
            handler.doJoin(i * 0x1401);
        }
        vm.warp(vm.getBlockTimestamp() + 20);
        handler.doActivate(type(uint256).max);
        handler.doOpen();
        assertEq(run.clock().round, 2);
        bytes4[] memory selectors = operations();
        targetContract(address(handler));
        targetSelector(address(handler), selectors);
    }

    function operations() internal pure returns (bytes4[] memory selectors) {
        selectors = new bytes4[](13);
        selectors[0] = Handler.doJoin.selector;
        selectors[1] = Handler.doActivate.selector;
        selectors[2] = Handler.doLeave.selector;
        selectors[3] = Handler.doWithdraw.selector;
        selectors[4] = Handler.doOpen.selector;
        selectors[5] = Handler.doCommit.selector;
        selectors[6] = Handler.doReveal.selector;
        selectors[7] = Handler.doVote.selector;
        selectors[8] = Handler.doDissent.selector;
        selectors[9] = Handler.doLateVote.selector;
        selectors[10] = Handler.doRound.selector;
        selectors[11] = Handler.doWait.selector;
        selectors[12] = Handler.doWaitForDeadline.selector;
    }

    function weightOf(uint256 seat) internal view returns (uint256) {
        return handler.ghost_weights(seat);
    }

    function weightOfSet(uint256 bitmap) internal view returns (uint256 weight) {
        for (uint256 seat; bitmap != 0; (bitmap >>= 1, ++seat)) {
            if (bitmap & 1 == 1) weight += weightOf(seat);
        }
    }

    // ------------------------------------------------------------------ invariants

    function invariant_holds() public view {
        checkMoney();
        checkRoll();
        checkRound();
        checkBallots();
    }

    /// @dev Every stake is there, and nothing else.
    function checkMoney() internal view {
        uint256 stakes;
        for (uint256 seat; seat < run.roll().seats; ++seat) {
            if (!handler.ghost_hasWithdrawn(seat)) stakes += weightOf(seat) * handler.unit();
        }
        assertEq(run.staked(), stakes, "stakes of the seats");
        assertEq(address(run).balance, stakes, "balance");
        assertEq(handler.ghost_received() - handler.ghost_paid(), stakes, "received - paid");
    }

    function checkRoll() internal view {
        IRunTypes.Roll memory r = run.roll();
        (uint256 seated, uint256 nextActive) = (0, 0);
        for (uint256 seat; seat < r.seats; ++seat) {
            IRunTypes.Seat memory s = run.seats(uint8(seat));
            assertEq(s.weight, weightOf(seat));
            assertEq(s.flags, handler.ghost_hasWithdrawn(seat) ? 2 : 0);
            if (s.leftAt != 0 || s.until != FOREVER) continue;
            seated += s.weight;
            if (s.from != 0) nextActive += s.weight;
        }
        assertEq(r.seated, seated, "seated");
        assertEq(r.nextActive, nextActive, "nextActive");
    }

    /// @dev The counts of the current round are those of its seats, and it has weight enough.
    function checkRound() internal view {
        IRunTypes.Clock memory c = run.clock();
        if (c.round == 0) return;
        (uint256 active, uint256 committed, uint256 revealed) = (0, 0, 0);
        for (uint256 seat; seat < run.roll().seats; ++seat) {
            uint256 from = handler.ghost_span(seat, 0);
            if (from != 0 && from <= c.round && c.round <= handler.ghost_span(seat, 1)) active += weightOf(seat);
            IRunTypes.Entry memory e = run.entry(c.round, uint8(seat));
            committed += e.weight;
            if (e.stage == 1) revealed += e.weight;
        }
        assertEq(c.active, active, "active");
        assertEq(c.committed, committed, "committed");
        assertEq(c.revealed, revealed, "revealed");
        assertTrue(c.revealed <= c.committed && c.committed <= c.active && c.active <= c.base);
        assertTrue(3 * uint256(c.active) > 2 * uint256(c.base), "opened with two thirds of the base");
        assertLe(c.stretch, 4);
        assertLe(c.commitEnd, type(uint32).max);
        if (c.committed == c.active) assertLe(c.commitEnd, vm.getBlockTimestamp());
        assertLt(c.height, c.round);
    }

    /// @dev One final outcome a round at most, with two thirds behind it, and it stays.
    function checkBallots() internal view {
        uint32 last = run.clock().round;
        for (uint32 round = last > 6 ? last - 6 : 2; round <= last; ++round) {
            assertLe(handler.ghost_finals(round), 1, "final once");
            (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(round);
            if (b.round == 0) continue;
            assertEq(voters & dissenters, 0, "one vote a seat");
            bool isFinal = b.flags & 1 == 1;
            assertEq(isFinal ? 1 : 0, handler.ghost_finals(round), "final");
            uint256 weight = weightOfSet(voters);
            assertTrue(isFinal ? weight >= b.tally : weight == b.tally, "tally");
            assertEq(3 * uint256(b.tally) > 2 * uint256(b.base), isFinal, "final iff two thirds");
            if (!isFinal) continue;
            uint24 height = handler.ghost_height(round);
            (bytes26 root, uint24 made,,) = run.result(height);
            assertEq(bytes32(root), handler.ghost_root(round), "root");
            assertEq(made, round, "height");
        }
    }

    // ------------------------------------------------------------------ leaving

    /// @dev From wherever the operations led: all leave, and once the promised time is over all are paid, with nobody's help.
    function afterInvariant() public {
        leaveAll();
        uint256 latest = vm.getBlockTimestamp();
        for (uint8 seat; seat < run.roll().seats; ++seat) {
            uint256 free = handler.promiseOf(seat, run.seats(seat));
            if (free > latest) latest = free;
        }
        vm.warp(latest);
        for (uint8 seat; seat < run.roll().seats; ++seat) {
            if (!handler.ghost_hasWithdrawn(seat)) handler.tryWithdraw(seat);
        }
        assertEq(run.staked(), 0, "all are paid");
        assertEq(address(run).balance, 0);
    }

    function leaveAll() internal {
        for (uint8 seat; seat < run.roll().seats; ++seat) {
            IRunTypes.Seat memory s = run.seats(seat);
            if (s.owner == address(0) || s.until != FOREVER) continue;
            vm.prank(s.owner);
            run.leave(seat);
        }
    }

    // ------------------------------------------------------------------ the handler itself

    /// @dev One long sequence, always the same: every operation must succeed often enough for the invariants to mean something.
    function test_the_handler_reaches_everything() public {
        bytes4[] memory selectors = operations();
        for (uint256 i; i < 2_000; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("seed", i)));
            (bool ok,) = address(handler).call(abi.encodeWithSelector(selectors[seed % selectors.length], seed >> 4));
            assertTrue(ok);
            if (i % 10 == 0) invariant_holds();
        }
        string[12] memory names = [
            "join", "activate", "leave", "withdraw", "openRound", "commit", "reveal", "vote", "dissent", "late vote", "final", "void"
        ];
        for (uint256 i; i < names.length; ++i) {
            uint256 count = handler.done(names[i]);
            print(names[i], count);
            assertGt(count, 9, names[i]);
        }
        afterInvariant();
    }

    function print(string memory name, uint256 count) internal view {
        (bool sent,) = address(0x000000000000000000636F6e736F6c652e6c6f67).staticcall(abi.encodeWithSignature("log(string,uint256)", name, count));
        sent;
    }
}
