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

    // ------------------------------------------------------------------ named seats; former holders: TakeSeat.t.sol

    function test_waits_until_the_overturn_is_settled() public {
        start(10, 10, 10);
        play(7);
        leave(0);
        playOverturn(FIRST, 1);
        skip(1_000);
        fails(named(1));
        withdraw(0);
        slash(FIRST, 0, 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Withdrawn(0, ownerOf(0), stakeOf(5));
        withdraw(0);
        assertEq(ownerOf(0).balance, stakeOf(5));
        assertEq(run.staked(), stakeOf(20));
    }

    function test_to_another() public {
        join(10);
        leave(0);
        skip(run.horizon());
        vm.expectEmit(address(run));
        emit IRunEvents.Withdrawn(0, address(0xcafe), stakeOf(10));
        vm.prank(ownerOf(0));
        run.withdraw(0, payable(address(0xcafe)));
        assertEq(address(0xcafe).balance, stakeOf(10));
    }

    function test_not_forced_ether() public {
        join(10);
        leave(0);
        vm.deal(address(run), address(run).balance + 5 ether);
        skip(run.horizon());
        withdraw(0);
        assertEq(ownerOf(0).balance, stakeOf(10));
        assertEq(address(run).balance, 5 ether);
    }
}
