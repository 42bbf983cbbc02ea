// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../contracts/interfaces/ITrainingRun.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice The second piece of the code: called directly it is an empty run that nothing can be done with; through the run it is the run.
contract SettlementTest is CourtTest {
    ITrainingRun private code;

    /// @dev A run in which everything has happened that Settlement could mistake for its own.
    function begin() internal {
        start(20, 20, 20);
        fund(1 ether);
        playRounds(2, 0, 2);
        post(FIRST, 1, 0);
        code = ITrainingRun(run.settlement());
    }

    function test_has_code_and_no_money() public {
        begin();
        assertGt(address(code).code.length, 0);
        assertEq(address(code).balance, 0);
        assertTrue(address(code) != address(run));
        address before = run.settlement();
        playRounds(3, 0, 2);
        assertEq(run.settlement(), before);
    }

    function test_nothing_can_be_done_there() public {
        begin();
        skip(p.answerWindow);
        IRunTypes.Sum memory sum;
        vm.expectRevert(wrongStatus(IRunTypes.Status.None));
        code.answerPart(FIRST, 0, sum, "");
        vm.expectRevert(wrongStatus(IRunTypes.Status.None));
        code.answer(FIRST, 0, sum, "", "", "", "");
        vm.expectRevert(wrongStatus(IRunTypes.Status.None));
        code.overturn(FIRST, 0);
        vm.expectRevert(wrongStatus(IRunTypes.Status.None));
        code.lapse(FIRST, 0);
        vm.expectRevert(wrongStatus(IRunTypes.Status.None));
        code.slash(FIRST, 0, 0);
        fails(notOperator(address(0)));
        next(operatorOf(0));
        code.accuse(FIRST, 1, 0, 1, rootOf(FIRST, 1), 1);
        fails(abi.encodeWithSelector(IRunErrors.NotBidder.selector, address(0)));
        next(ownerOf(0));
        code.withdrawBid(0);
        fails(abi.encodeWithSelector(IRunErrors.NotBidder.selector, address(0)));
        next(ownerOf(0));
        code.takeSeat(0, ownerOf(0), "tip", "");
        fails(IRunErrors.NothingToClaim.selector);
        next(ownerOf(0));
        code.claim(payable(ownerOf(0)));
        fails(IRunErrors.NotRunOwner.selector);
        next(ownerOf(0));
        code.sweep(payable(ownerOf(0)));
        fails(wrongPhase(IRunTypes.Phase.Idle));
        next(runOwner());
        code.sweep(payable(runOwner()));
        assertEq(run.pool(), 1 ether);
        assertBooks();
    }

    function test_nothing_can_be_paid_in_there() public {
        begin();
        vm.deal(address(this), 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IRunErrors.NotStanding.selector, FIRST));
        code.challenge{value: 1 ether}(FIRST, 1, 0, stateRootOf(FIRST));
        vm.expectRevert(abi.encodeWithSelector(IRunErrors.TooLate.selector, 0));
        code.challenge{value: 1 ether}(0, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRunErrors.TooLate.selector, 0));
        code.challenge{value: 0}(0, 0, 0, p.genesisRoot);
        vm.expectRevert(IRunErrors.RunNotFull.selector);
        code.bid{value: stakeOf(10)}(0, 10);
        vm.expectRevert();
        code.fund{value: 1 ether}();
        (bool sent,) = address(code).call{value: 1 ether}("");
        assertFalse(sent, "plain transfer");
        (sent,) = address(code).call{value: 1 ether}(abi.encodeCall(ITrainingRun.claim, (payable(address(this)))));
        assertFalse(sent, "with a call that takes nothing");
        assertEq(address(code).balance, 0);
    }

    function test_settling_there_does_nothing() public {
        begin();
        skip(run.horizon());
        vm.recordLogs();
        code.settle(range(0, 2), 100);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(run.seats(0).settledTo, 0);
        settle(range(0, 2), 100);
        assertEq(run.seats(0).settledTo, 2);
    }

    /// @dev What a round needs is not there at all.
    function test_rounds_are_not_there() public {
        begin();
        vm.expectRevert();
        code.openRound();
        vm.expectRevert();
        code.stop();
        vm.expectRevert();
        code.owner();
    }

    // ------------------------------------------------------------------ the way there

    /// @dev Errors come back byte by byte: none, one and several words, and a Panic of bad calldata.
    function test_errors_are_passed_on() public {
        begin();
        (bool ok, bytes memory data) = address(run).call(abi.encodeCall(ITrainingRun.overturn, (FIRST, 0)));
        assertFalse(ok);
        assertEq(data, abi.encodeWithSelector(IRunErrors.TooEarly.selector, time() + p.answerWindow));
        (ok, data) = address(run).call(abi.encodeCall(ITrainingRun.claim, (payable(address(this)))));
        assertFalse(ok);
        assertEq(data, abi.encodeWithSelector(IRunErrors.NothingToClaim.selector));
        (ok, data) = address(run).call(abi.encodePacked(ITrainingRun.overturn.selector, bytes32(0)));
        assertFalse(ok);
        assertEq(data, "", "calldata too short");
        (ok, data) = address(run).call(abi.encodePacked(ITrainingRun.overturn.selector, bytes32(type(uint256).max), bytes32(0)));
        assertFalse(ok);
        assertEq(data, "", "calldata out of range");
        vm.deal(address(this), 1);
        (ok, data) = address(run).call{value: 1}(abi.encodeCall(ITrainingRun.overturn, (FIRST, 0)));
        assertFalse(ok);
        assertEq(data, "", "takes no money");
    }

    function test_success_returns_nothing_and_events_are_the_runs() public {
        begin();
        skip(p.answerWindow);
        vm.recordLogs();
        (bool ok, bytes memory data) = address(run).call(abi.encodeCall(ITrainingRun.overturn, (FIRST, 0)));
        assertTrue(ok);
        assertEq(data, "");
        assertEq(vm.getRecordedLogs()[0].emitter, address(run));
    }

    /// @dev The sender is the caller of the run, and the money is the run's.
    function test_sender_and_money() public {
        begin();
        assertEq(run.challenges(FIRST, 0).challenger, challenger());
        skip(2 * p.answerWindow);
        lapse(FIRST, 0);
        claim(challenger());
        assertEq(challenger().balance, BOND);
        assertEq(address(code).balance, 0);
        assertBooks();
    }
}
