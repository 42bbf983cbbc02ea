// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../contracts/interfaces/ITrainingRun.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice An owner that calls back when it is paid, or refuses.
contract Payee {
    ITrainingRun internal immutable RUN;
    bool internal immutable REFUSES;
    uint256 public blocked;
    bool internal isCalled;

    constructor(ITrainingRun run, bool refuses) payable {
        RUN = run;
        REFUSES = refuses;
    }

    function join(uint8 weight, uint256 stake) external {
        RUN.join{value: stake}(weight, address(this), 0, "");
    }

    function leave(uint8 seat) external {
        RUN.leave(seat);
    }

    function withdraw(uint8 seat) public {
        RUN.withdraw(seat, payable(address(this)));
    }

    receive() external payable {
        require(!REFUSES);
        if (isCalled) return; // takes what a second payment would bring
        isCalled = true;
        try RUN.withdraw(0, payable(address(this))) {}
        catch {
            blocked += 1;
        }
    }
}

contract WithdrawTest is RunTest {
    /// @dev Fails until `free`, and works then.
    function assertFreeAt(uint8 seat, uint256 free) internal {
        fails(tooEarly(free));
        withdraw(seat);
        skipTo(free - 1);
        fails(tooEarly(free));
        withdraw(seat);
        skipTo(free);
        withdraw(seat);
        assertEq(ownerOf(seat).balance, stakeOf(10));
    }

    function test_reverts_for_the_operator() public {
        join(10);
        leave(0);
        skip(run.horizon());
        fails(abi.encodeWithSelector(IRunErrors.NotOwner.selector, ownerOf(0)));
        next(operatorOf(0));
        run.withdraw(0, payable(operatorOf(0)));
    }

    function test_reverts_for_no_seat() public {
        fails(abi.encodeWithSelector(IRunErrors.NotOwner.selector, address(0)));
        withdraw(9);
    }

    function test_reverts_before_leaving() public {
        join(10);
        fails(IRunErrors.NotLeft.selector);
        withdraw(0);
    }

    function test_reverts_where_nobody_takes_it() public {
        Payee payee = new Payee{value: 1 ether}(run, true);
        payee.join(10, stakeOf(10));
        payee.leave(0);
        skip(run.horizon());
        fails(IRunErrors.TransferFailed.selector);
        next(address(payee));
        run.withdraw(0, payable(address(payee)));
        // The stake is not lost: to somebody else.
        vm.prank(address(payee));
        run.withdraw(0, payable(address(0xcafe)));
        assertEq(address(0xcafe).balance, stakeOf(10));
    }

    function test_pays_once() public {
        join(10);
        join(20);
        leave(0);
        skip(run.horizon());
        vm.expectEmit(address(run));
        emit IRunEvents.Withdrawn(0, ownerOf(0), stakeOf(10));
        withdraw(0);
        assertEq(ownerOf(0).balance, stakeOf(10));
        assertEq(run.staked(), stakeOf(20));
        assertEq(address(run).balance, stakeOf(20));
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.owner, ownerOf(0), "the seat is remembered: its pay comes later");
        assertEq(s.flags, 2);
        assertEq(s.from, 0);
        fails(IRunErrors.AlreadyWithdrawn.selector);
        withdraw(0);
    }

    function test_a_call_back_finds_nothing() public {
        Payee payee = new Payee{value: 1 ether}(run, false);
        payee.join(10, stakeOf(10));
        join(200);
        payee.leave(0);
        skip(run.horizon());
        payee.withdraw(0);
        assertEq(payee.blocked(), 1);
        assertEq(address(payee).balance, 1 ether);
        assertEq(address(run).balance, stakeOf(200));
    }

    function test_benched_after_the_horizon() public {
        join(10);
        leave(0);
        assertFreeAt(0, vm.getBlockTimestamp() + run.horizon());
    }

    function test_waits_for_an_open_round_at_most_the_delay() public {
        p.voteWindow = 1_000;
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        leave(0);
        assertFreeAt(0, vm.getBlockTimestamp() + p.leaveDelay);
        assertPhase(IRunTypes.Phase.Vote);
        // A seat without a stake votes no more.
        fails(notActive(0, FIRST));
        vote(FIRST, 0);
    }

    function test_waits_for_the_horizon_once_the_round_is_over() public {
        start(10, 10, 10);
        toVote(0, 2);
        leave(0);
        uint256 left = vm.getBlockTimestamp();
        skipTo(run.deadline());
        assertFreeAt(0, left + run.horizon());
    }

    function test_waits_while_its_vote_is_undecided() public {
        p.voteWindow = 1_000;
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 0);
        leave(0);
        uint256 end = run.deadline();
        skipTo(end - 1);
        fails(abi.encodeWithSelector(IRunErrors.VoteUndecided.selector, uint64(end)));
        withdraw(0);
        skipTo(end); // void: nothing to answer for
        withdraw(0);
    }

    function test_waits_while_its_other_vote_is_undecided() public {
        p.voteWindow = 1_000;
        deploy();
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 1);
        vote(FIRST, 0, bad(FIRST, 0));
        leave(0);
        uint256 end = run.deadline();
        skipTo(end - 1);
        fails(abi.encodeWithSelector(IRunErrors.VoteUndecided.selector, uint64(end)));
        withdraw(0);
    }

    function test_waits_for_the_horizon_of_its_final_vote() public {
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 0);
        leave(0);
        skip(50);
        vote(FIRST, 1);
        vote(FIRST, 2);
        assertFreeAt(0, vm.getBlockTimestamp() + run.horizon());
    }

    function test_a_late_vote_counts_from_finality() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        leave(3);
        skip(50);
        vote(FIRST, 0);
        vote(FIRST, 1);
        vote(FIRST, 2);
        uint256 finality = vm.getBlockTimestamp();
        skip(60);
        vote(FIRST, 3);
        assertFreeAt(3, finality + run.horizon());
    }

    function test_another_outcome_than_the_final_one_binds_nobody() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 3, bad(FIRST, 0));
        leave(3);
        uint256 left = vm.getBlockTimestamp();
        skip(50);
        vote(FIRST, 0);
        vote(FIRST, 1);
        vote(FIRST, 2);
        assertEq(run.clock().height, 1);
        assertFreeAt(3, left + run.horizon());
    }

    function test_a_lost_first_outcome_binds_nobody() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 3, bad(FIRST, 0));
        vote(FIRST, 0);
        leave(3);
        leave(0);
        uint256 left = vm.getBlockTimestamp();
        skip(50);
        vote(FIRST, 1);
        vote(FIRST, 2);
        uint256 finality = vm.getBlockTimestamp();
        uint256 state = vm.snapshotState();
        assertFreeAt(3, left + run.horizon());
        vm.revertToState(state);
        assertFreeAt(0, finality + run.horizon());
    }

    /// @dev The ring slot of its last round is in use again: all that is past.
    function test_after_the_ring_went_round() public {
        p.ring = 8;
        (p.commitMin, p.commitCap) = (15, 24);
        deploy();
        start(10, 10, 10, 10);
        toVote(0, 3);
        vote(FIRST, 3);
        leave(3);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        for (uint256 i; i < 7; ++i) {
            playRound(0, 2);
        }
        skip(run.horizon() + p.settleWindow);
        openRound();
        playRound(0, 2);
        assertEq(run.clock().height, 9);
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST);
        assertEq(b.round, 0);
        withdraw(3);
        assertEq(ownerOf(3).balance, stakeOf(10));
    }

    function test_works_without_anybody_else() public {
        start(10, 10, 10);
        for (uint8 seat; seat < 3; ++seat) {
            leave(seat);
        }
        skip(p.leaveDelay);
        for (uint8 seat; seat < 3; ++seat) {
            withdraw(seat);
        }
        assertEq(run.staked(), 0);
        assertEq(address(run).balance, 0);
    }
}
