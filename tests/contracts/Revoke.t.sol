// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract RevokeTest is RunTest {
    function begin() internal {
        p.invitationOnly = true;
        deploy();
        for (uint256 i; i < 4; ++i) {
            admit(ownerOf(i));
        }
        start(10, 10, 10, 10);
    }

    function test_reverts_for_all_but_the_owner_of_the_run() public {
        begin();
        fails(IRunErrors.NotRunOwner.selector);
        next(ownerOf(0));
        run.revoke(0);
        fails(IRunErrors.NotRunOwner.selector);
        next(anybody());
        run.revoke(200);
    }

    function test_reverts_in_an_open_run() public {
        start(10, 10, 10);
        fails(IRunErrors.OpenToAll.selector);
        revoke(0);
    }

    function test_reverts_without_a_seat() public {
        begin();
        fails(IRunErrors.NoSeat.selector);
        revoke(4);
        leave(1);
        fails(IRunErrors.HasLeft.selector);
        revoke(1);
        revoke(0);
        fails(IRunErrors.HasLeft.selector);
        revoke(0);
    }

    /// @dev From the next round on; the stake stays its owner's.
    function test_leaves_with_its_stake() public {
        begin();
        commit(FIRST, 3);
        vm.expectEmit(address(run));
        emit IRunEvents.Left(3, FIRST, 10);
        revoke(3);
        assertEq(run.roll().seated, 30);
        assertEq(run.roll().nextActive, 30);
        commitAll(0, 2);
        revealAll(0, 3);
        for (uint8 id; id < 4; ++id) {
            vote(FIRST, id);
        }
        assertEq(run.clock().active, 30);
        fails(notActive(FIRST, FIRST));
        commit(FIRST + 1, 3);
        skip(run.horizon());
        withdraw(3);
        assertEq(ownerOf(3).balance, stakeOf(10));
        fails(IRunErrors.HasLeft.selector);
        activate(3);
    }

    function test_of_a_benched_seat() public {
        begin();
        admit(ownerOf(4));
        join(10);
        revoke(4);
        assertEq(run.roll().nextActive, 40);
        assertEq(run.roll().seated, 40);
        skip(p.leaveDelay);
        withdraw(4);
    }

    /// @dev Revoked once, a seat needs an invitation like anybody.
    function test_comes_back_by_invitation_alone() public {
        begin();
        revoke(3);
        actsBy(4, ownerOf(3), operatorOf(3));
        fails(IRunErrors.NotInvited.selector);
        join(10);
        admit(ownerOf(3));
        join(10);
        assertEq(run.seats(4).owner, ownerOf(3));
    }
}
