// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract StopTest is RunTest {
    function test_reverts_for_all_but_the_owner_of_the_run() public {
        start(10, 10, 10);
        fails(IRunErrors.NotRunOwner.selector);
        next(ownerOf(0));
        run.stop();
        assertEq(run.roll().stoppedAt, 0);
    }

    /// @dev For ever: there is no way back.
    function test_reverts_twice() public {
        stop();
        fails(IRunErrors.RunStopped.selector);
        stop();
    }

    function test_before_the_first_round() public {
        join(10);
        vm.expectEmit(address(run));
        emit IRunEvents.Stopped();
        stop();
        assertEq(run.roll().stoppedAt, time());
        assertPhase(IRunTypes.Phase.Idle);
        skip(p.activateDelay);
        activate(0);
        fails(IRunErrors.RunStopped.selector);
        openRound();
        fails(IRunErrors.RunStopped.selector);
        join(10);
        leave(0);
        skip(run.horizon());
        withdraw(0);
        assertEq(ownerOf(0).balance, stakeOf(10));
    }

    /// @dev The round that is open goes to its end and counts; none follows.
    function test_the_open_round_is_the_last() public {
        start(10, 10, 10);
        commitAll(0, 1);
        stop();
        commit(FIRST, 2);
        revealAll(0, 2);
        for (uint8 id; id < 3; ++id) {
            vote(FIRST, id);
        }
        assertEq(run.clock().height, 1);
        assertEq(run.clock().round, FIRST);
        assertPhase(IRunTypes.Phase.Final);
        fails(IRunErrors.RunStopped.selector);
        openRound();
        fund(1 ether);
        skipToSafe(FIRST);
        settle(0, 1);
        assertGt(run.credit(ownerOf(0)), 0);
    }

    function test_a_void_round_is_the_last() public {
        start(10, 10, 10);
        playVoid(0, 2);
        stop();
        fails(IRunErrors.RunStopped.selector);
        openRound();
    }

    /// @dev A round that waits for a third to commit would never end: the cap starts.
    function test_starts_the_cap() public {
        start(10, 10, 10);
        assertEq(run.clock().commitEnd, NO_END);
        stop();
        assertEq(run.clock().commitEnd, time() + p.commitCap);
        skip(p.commitCap + p.revealWindow);
        assertPhase(IRunTypes.Phase.Void);
    }

    /// @dev A phase whose end is known keeps it.
    function test_leaves_a_known_end() public {
        start(10, 10, 10);
        commitAll(0, 1);
        uint32 end = run.clock().commitEnd;
        skip(2);
        stop();
        assertEq(run.clock().commitEnd, end);
    }

    function test_a_finished_run() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        playRound(0, 2);
        stop();
        assertPhase(IRunTypes.Phase.Finished);
        fails(IRunErrors.RunFinished.selector);
        openRound();
    }
}
