// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract CommitTest is RunTest {
    function badAnchor(uint64 number) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.BadAnchor.selector, number);
    }

    function commitAt(uint8 seat, uint64 number, bytes32 hash) internal {
        next(operatorOf(seat));
        run.commit(FIRST, seat, number, hash, commitmentOf(FIRST, seat), sealedOf(FIRST, seat));
    }

    function commitBy(address sender, uint8 seat) internal {
        (uint64 number, bytes32 hash) = anchor();
        next(sender);
        run.commit(FIRST, seat, number, hash, commitmentOf(FIRST, seat), sealedOf(FIRST, seat));
    }

    function test_reverts_before_the_first_round() public {
        mine();
        fails(wrongPhase(IRunTypes.Phase.Idle));
        commit(0, 0);
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, 0));
        commit(FIRST, 0);
    }

    function test_reverts_in_another_round() public {
        start(10, 10, 10);
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST));
        commit(FIRST + 1, 0);
        fails(abi.encodeWithSelector(IRunErrors.WrongRound.selector, FIRST));
        commit(FIRST + (1 << 24), 0);
    }

    function test_reverts_in_another_phase() public {
        start(10, 10, 10);
        uint8 late = join(5);
        commitAll(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Reveal));
        commit(FIRST, late);
        revealAll(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Vote));
        commit(FIRST, late);
        skipTo(run.deadline());
        fails(wrongPhase(IRunTypes.Phase.Void));
        commit(FIRST, late);
    }

    function test_reverts_between_rounds() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        playRound(0, 2);
        fails(wrongPhase(IRunTypes.Phase.Finished));
        commit(FIRST + 1, 0);
    }

    /// @dev Half-open: the last second of the phase, and the first after it.
    function test_reverts_at_the_end() public {
        start(10, 10, 10, 10);
        commitAll(0, 2);
        uint256 end = run.clock().commitEnd;
        skipTo(end);
        fails(wrongPhase(IRunTypes.Phase.Reveal));
        commit(FIRST, 3);
        skipTo(end - 1);
        commit(FIRST, 3);
    }

    function test_reverts_for_another_sender() public {
        start(10, 10, 10);
        fails(abi.encodeWithSelector(IRunErrors.NotOperator.selector, operatorOf(0)));
        commitBy(ownerOf(0), 0);
        fails(abi.encodeWithSelector(IRunErrors.NotOperator.selector, address(0)));
        commitBy(operatorOf(9), 9);
    }

    function test_reverts_for_a_benched_seat() public {
        uint8 idle = join(5);
        uint8[] memory weights = new uint8[](1);
        weights[0] = 30;
        start(weights);
        fails(notActive(0, FOREVER));
        commit(FIRST, idle);
        uint8 late = join(5);
        fails(notOperator(address(0))); // nobody held the id in this round
        commit(FIRST, late);
    }

    function test_reverts_with_a_bad_anchor() public {
        start(10, 10, 10);
        uint64 opened = run.clock().openedBlock;
        (uint64 number, bytes32 hash) = anchor();
        assertEq(number, opened, "the block of the opening serves");
        fails(badAnchor(opened - 1));
        commitAt(0, opened - 1, blockhash(opened - 1));
        fails(badAnchor(number));
        commitAt(0, number, keccak256("another fork"));
        fails(badAnchor(number));
        commitAt(0, number, 0);
        // The block of the transaction itself and later ones have no hash.
        fails(badAnchor(number + 1));
        commitAt(0, number + 1, 0);
        fails(badAnchor(type(uint64).max));
        commitAt(0, type(uint64).max, 0);
        commitAt(0, number, hash);
    }

    function test_reverts_with_an_anchor_too_old() public {
        start(10, 10, 10);
        (uint64 number, bytes32 hash) = anchor();
        vm.roll(number + 257);
        fails(badAnchor(number));
        commitAt(0, number, hash);
        vm.roll(number + 256);
        vm.setBlockhash(number, hash);
        commitAt(0, number, hash);
    }

    function test_reverts_twice() public {
        start(10, 10, 10);
        commit(FIRST, 0);
        fails(IRunErrors.AlreadyCommitted.selector);
        commit(FIRST, 0);
    }

    function test_is_recorded() public {
        start(10, 20, 30);
        vm.expectEmit(address(run));
        emit IRunEvents.Committed(FIRST, 1, sealedOf(FIRST, 1));
        commit(FIRST, 1);
        IRunTypes.Entry memory e = run.entry(FIRST, 1);
        assertEq(bytes32(e.digest), bytes32(bytes27(commitmentOf(FIRST, 1))));
        assertEq(e.weight, 20);
        assertEq(e.round, FIRST);
        assertEq(e.stage, 0);
        assertEq(run.clock().committed, 20);
        assertEq(run.entry(FIRST, 0).round, 0, "others have not");
    }

    /// @dev A third of the base exactly starts nothing, one unit more starts the cap.
    function test_a_third_starts_the_cap() public {
        start(20, 1, 39);
        skip(1_000);
        commit(FIRST, 0);
        assertEq(run.clock().commitEnd, NO_END);
        assertEq(run.deadline(), type(uint64).max);
        skip(1_000);
        commit(FIRST, 1);
        assertEq(run.clock().commitEnd, vm.getBlockTimestamp() + p.commitCap);
    }

    /// @dev Two thirds of the base exactly leave the cap, one unit more leaves the grace.
    function test_two_thirds_leave_the_grace() public {
        start(40, 1, 19);
        skip(1_000);
        commit(FIRST, 0);
        uint256 cap = vm.getBlockTimestamp() + p.commitCap;
        assertEq(run.clock().commitEnd, cap);
        skip(1);
        commit(FIRST, 1);
        assertEq(run.clock().commitEnd, vm.getBlockTimestamp() + p.grace);
    }

    function test_two_thirds_at_once() public {
        start(41, 19, 1);
        skip(1_000);
        commit(FIRST, 0);
        assertEq(run.clock().commitEnd, vm.getBlockTimestamp() + p.grace);
    }

    /// @dev The promise: whoever trains within commitMin is not shut out by the speed of others.
    function test_never_ends_before_commitMin_while_somebody_is_missing() public {
        start(41, 18, 1);
        uint256 promised = run.clock().openedAt + p.commitMin;
        commit(FIRST, 0);
        assertEq(run.clock().commitEnd, promised);
        commit(FIRST, 1);
        assertEq(run.clock().commitEnd, promised);
        skipTo(promised - 1);
        commit(FIRST, 2);
    }

    function test_the_cap_ends_before_a_late_grace() public {
        p.grace = 20;
        deploy();
        start(21, 20, 19);
        skip(100);
        commit(FIRST, 0);
        uint256 cap = run.clock().commitEnd;
        skip(p.commitCap - 1);
        commit(FIRST, 1);
        assertEq(run.clock().commitEnd, cap);
    }

    function test_later_commits_do_not_extend_the_phase() public {
        start(41, 10, 9);
        skip(1_000);
        commit(FIRST, 0);
        uint256 end = run.clock().commitEnd;
        skip(p.grace - 1);
        commit(FIRST, 1);
        assertEq(run.clock().commitEnd, end);
    }

    function test_ends_when_all_have_committed() public {
        start(10, 10, 10);
        commitAll(0, 1);
        assertPhase(IRunTypes.Phase.Commit);
        commit(FIRST, 2);
        assertEq(run.clock().commitEnd, vm.getBlockTimestamp());
        assertPhase(IRunTypes.Phase.Reveal);
    }

    /// @dev The fractions are of the base, not of the active weight: 20 of 60 seated.
    function test_fractions_are_of_the_base() public {
        join(11);
        join(10);
        join(39);
        skip(p.activateDelay);
        activate(0);
        activate(1);
        openRound();
        assertEq(run.clock().base, 30);
        skip(1_000);
        commit(FIRST, 1);
        assertEq(run.clock().commitEnd, NO_END, "a third of the base");
        commit(FIRST, 0);
        assertPhase(IRunTypes.Phase.Reveal);
    }
}
