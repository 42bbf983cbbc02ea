// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {GreedyPayee, RefusingPayee} from "./util/Payees.sol";
import {PayTest} from "./util/PayTest.sol";
import {vm} from "./util/Vm.sol";

contract ClaimTest is PayTest {
    uint256 internal due;

    /// @dev Seats 0..2 have been paid one round into their credits.
    function earn() internal {
        fund(10 ether);
        start(10, 10, 10);
        play(7);
        skipToSafe(FIRST);
        settle(range(0, 2), 1);
        due = payOf(10, 30);
    }

    function test_reverts_without_a_credit() public {
        earn();
        fails(IRunErrors.NothingToClaim.selector);
        claim(operatorOf(0));
        fails(IRunErrors.NothingToClaim.selector);
        claim(anybody());
    }

    function test_reverts_twice() public {
        earn();
        claim(ownerOf(0));
        fails(IRunErrors.NothingToClaim.selector);
        claim(ownerOf(0));
    }

    function test_reverts_where_nobody_takes_it() public {
        earn();
        address payable refusing = payable(address(new RefusingPayee()));
        fails(IRunErrors.TransferFailed.selector);
        next(ownerOf(0));
        run.claim(refusing);
        assertEq(creditOf(0), due, "nothing is lost");
        claim(ownerOf(0));
        assertEq(ownerOf(0).balance, due);
    }

    function test_pays() public {
        earn();
        uint256 held = address(run).balance;
        vm.expectEmit(address(run));
        emit IRunEvents.Claimed(ownerOf(1), ownerOf(1), due);
        claim(ownerOf(1));
        assertEq(ownerOf(1).balance, due);
        assertEq(creditOf(1), 0);
        assertEq(creditOf(0), due);
        assertEq(address(run).balance, held - due);
        assertMoney(2 * due, 0);
    }

    function testFuzz_to_another(address to) public {
        assumePayee(to);
        earn();
        uint256 before = to.balance;
        vm.expectEmit(address(run));
        emit IRunEvents.Claimed(ownerOf(0), to, due);
        vm.prank(ownerOf(0));
        run.claim(payable(to));
        assertEq(to.balance, before + due);
    }

    /// @dev One credit an account, from all its seats, bids and bonds.
    function test_sums_up() public {
        earn();
        play(7);
        skipToSafe(FIRST + 1);
        settle(0, 1);
        assertEq(creditOf(0), 2 * due);
        claim(ownerOf(0));
        assertEq(ownerOf(0).balance, 2 * due);
    }

    /// @dev Called back, the run pays nothing a second time: not the credit, not a stake, not the pool.
    function test_a_call_back_finds_nothing() public {
        GreedyPayee payee = new GreedyPayee(run);
        vm.deal(address(this), 1 ether);
        payee.join{value: stakeOf(30)}(30, stakeOf(30)); // seat 0
        skip(p.activateDelay);
        vm.prank(address(payee));
        run.activate(0);
        actsBy(0, address(payee), address(payee));
        fund(10 ether);
        openRound();
        play(1);
        skipToSafe(FIRST);
        settle(0, 1);
        uint256 held = address(run).balance;
        payee.claim();
        assertEq(payee.got(), payOf(30, 30));
        assertEq(payee.blocked(), 3);
        assertEq(address(run).balance, held - payee.got());
        assertMoney(0, 0);
    }

    /// @dev A withdrawal that calls back may claim what is its own, once.
    function test_a_call_back_of_a_withdrawal_may_claim() public {
        GreedyPayee payee = new GreedyPayee(run);
        vm.deal(address(this), 1 ether);
        payee.join{value: stakeOf(30)}(30, stakeOf(30));
        skip(p.activateDelay);
        vm.prank(address(payee));
        run.activate(0);
        actsBy(0, address(payee), address(payee));
        fund(10 ether);
        openRound();
        play(1);
        payee.leave(0);
        skip(p.leaveDelay);
        settle(0, 1);
        payee.withdraw(0);
        assertEq(payee.got(), stakeOf(30) + payOf(30, 30));
        assertEq(run.staked(), 0);
        assertMoney(0, 0);
    }

    function test_forced_ether_is_not_paid() public {
        earn();
        vm.deal(address(run), address(run).balance + 5 ether);
        for (uint8 seat; seat < 3; ++seat) {
            claim(ownerOf(seat));
            assertEq(ownerOf(seat).balance, due);
        }
        assertEq(address(run).balance, run.staked() + run.pool() + 5 ether);
    }
}
