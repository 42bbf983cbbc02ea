// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {GreedyPayee, RefusingPayee} from "./util/Payees.sol";
import {PayTest} from "./util/PayTest.sol";
import {vm} from "./util/Vm.sol";

contract SweepTest is PayTest {
    address internal constant TREASURY = address(0x7777);

    /// @dev A run of two heights, both good.
    function finish() internal returns (uint256 sweepable) {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        fund(10 ether);
        start(10, 10, 10);
        play(7);
        skip(5);
        sweepable = safeAt(play(7)) + p.settleWindow;
        assertPhase(IRunTypes.Phase.Finished);
    }

    function assertSweepableAt(uint256 when, uint256 amount) internal {
        fails(tooEarly(when));
        sweep(TREASURY);
        skipTo(when - 1);
        fails(tooEarly(when));
        sweep(TREASURY);
        skipTo(when);
        vm.expectEmit(address(run));
        emit IRunEvents.Swept(TREASURY, amount);
        sweep(TREASURY);
        assertEq(TREASURY.balance, amount);
        assertEq(run.pool(), 0);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_for_another() public {
        skipTo(finish());
        fails(IRunErrors.NotRunOwner.selector);
        next(anybody());
        run.sweep(payable(TREASURY));
    }

    function test_reverts_while_the_run_goes_on() public {
        fund(1 ether);
        fails(wrongPhase(IRunTypes.Phase.Idle));
        sweep(TREASURY);
        start(10, 10, 10);
        fails(wrongPhase(IRunTypes.Phase.Commit));
        sweep(TREASURY);
        playVoid(0, 2);
        skip(10_000);
        fails(wrongPhase(IRunTypes.Phase.Void));
        sweep(TREASURY);
        // Final, and the next round waits for weight.
        p.minWeight = 30;
        deploy();
        start(10, 10, 10);
        leave(2);
        play(7);
        skip(10_000);
        fails(wrongPhase(IRunTypes.Phase.Final));
        sweep(TREASURY);
    }


    function test_reverts_where_nobody_takes_it() public {
        skipTo(finish());
        address refusing = address(new RefusingPayee());
        fails(IRunErrors.TransferFailed.selector);
        sweep(refusing);
        assertEq(run.pool(), 10 ether);
        sweep(TREASURY);
    }

    // ------------------------------------------------------------------ finished

    function test_when_finished() public {
        assertSweepableAt(finish(), 10 ether);
    }

    /// @dev What was earned can be settled before; what is credited is not the pool's.
    function test_leaves_credits_and_stakes() public {
        uint256 when = finish();
        skipTo(when - p.settleWindow);
        settle(range(0, 2), 10);
        uint256 due = 2 * payOf(10, 30);
        assertSweepableAt(when, 10 ether - 3 * due);
        assertEq(address(run).balance, stakeOf(30) + 3 * due);
        for (uint8 seat; seat < 3; ++seat) {
            leave(seat);
        }
        skip(p.leaveDelay);
        for (uint8 seat; seat < 3; ++seat) {
            withdraw(seat);
            claim(ownerOf(seat));
            assertEq(ownerOf(seat).balance, stakeOf(10) + due);
        }
        assertEq(address(run).balance, 0);
    }

    /// @dev Who did not settle in time is not paid, and keeps its stake.
    function test_what_was_not_settled_is_gone() public {
        skipTo(finish());
        sweep(TREASURY);
        settle(0, 10);
        assertEq(creditOf(0), 0);
        assertEq(run.seats(0).settledTo, 0, "it waits for a pool that nobody fills");
        fund(1 ether); // but whoever likes may
        settle(0, 10);
        assertEq(creditOf(0), 2 * payOf(10, 30));
    }

    function test_again() public {
        skipTo(finish());
        sweep(TREASURY);
        fund(3);
        vm.expectEmit(address(run));
        emit IRunEvents.Swept(TREASURY, 3);
        sweep(TREASURY);
        sweep(TREASURY); // nothing
        assertEq(TREASURY.balance, 10 ether + 3);
    }

    function test_not_forced_ether() public {
        skipTo(finish());
        vm.deal(address(run), address(run).balance + 5 ether);
        sweep(TREASURY);
        assertEq(TREASURY.balance, 10 ether);
        assertEq(address(run).balance, stakeOf(30) + 5 ether);
    }

    function test_a_call_back_finds_nothing() public {
        skipTo(finish());
        GreedyPayee payee = new GreedyPayee(run);
        vm.etch(runOwner(), address(payee).code);
        payee = GreedyPayee(payable(runOwner()));
        payee.sweep();
        // The sweep within swept nothing: neither the pool twice nor anything else.
        assertEq(payee.got(), 10 ether);
        assertEq(payee.blocked(), 2);
        assertEq(address(run).balance, stakeOf(30));
        assertMoney(0, 0);
    }

    // ------------------------------------------------------------------ stopped

    function test_when_stopped_before_the_first_round() public {
        fund(1 ether);
        stop();
        assertSweepableAt(time() + run.horizon() + p.settleWindow, 1 ether);
    }

    function test_when_stopped_between_rounds() public {
        fund(1 ether);
        start(10, 10, 10);
        play(7);
        playVoid(0, 2);
        stop();
        assertSweepableAt(time() + run.horizon() + p.settleWindow, 1 ether);
    }

    /// @dev The open round goes on: it is waited for, and paid.
    function test_when_stopped_in_a_round() public {
        fund(1 ether);
        start(10, 10, 10);
        commitAll(0, 2);
        stop();
        fails(wrongPhase(IRunTypes.Phase.Reveal));
        sweep(TREASURY);
        revealAll(0, 2);
        skip(30);
        fails(wrongPhase(IRunTypes.Phase.Vote));
        sweep(TREASURY);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        assertPhase(IRunTypes.Phase.Final);
        uint256 safe = safeAt(FIRST);
        uint256 state = vm.snapshotState();
        assertSweepableAt(safe + p.settleWindow, 1 ether);
        vm.revertToState(state);
        skipTo(safe);
        settle(range(0, 2), 1);
        assertSweepableAt(safe + p.settleWindow, 1 ether - 3 * payOf(10, 30));
    }

    /// @dev The cap runs from the stop: an abandoned round does not hold the pool for ever.
    function test_when_stopped_in_a_round_that_nobody_ends() public {
        fund(1 ether);
        start(10, 10, 10);
        uint256 stopped = time();
        stop();
        assertEq(run.deadline(), stopped + p.commitCap);
        skipTo(stopped + p.commitCap + p.revealWindow - 1);
        fails(wrongPhase(IRunTypes.Phase.Reveal));
        sweep(TREASURY);
        skip(1);
        assertSweepableAt(stopped + run.horizon() + p.settleWindow, 1 ether);
    }

    /// @dev Finality after the stop counts, not the stop.
    function test_a_stop_long_after_the_last_round() public {
        fund(1 ether);
        start(10, 10, 10);
        play(7);
        playVoid(0, 2);
        skip(10_000);
        stop();
        assertSweepableAt(time() + run.horizon() + p.settleWindow, 1 ether);
    }
}
