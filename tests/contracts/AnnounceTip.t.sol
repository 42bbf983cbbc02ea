// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Who hears the event knows: the new chain serves from two rounds after `round`, the old one up to then.
contract AnnounceTipTest is RunTest {
    function test_reverts_for_a_stranger() public {
        join(10);
        fails(notOperator(operatorOf(0)));
        next(address(0xbad));
        run.announceTip(0, "tip");
    }

    function test_reverts_for_no_seat() public {
        fails(notOperator(address(0)));
        announceTip(9, "tip");
    }

    function test_reverts_after_leaving() public {
        join(10);
        leave(0);
        fails(IRunErrors.HasLeft.selector);
        announceTip(0, "tip");
        fails(IRunErrors.HasLeft.selector);
        next(ownerOf(0));
        run.announceTip(0, "tip");
    }

    function testFuzz_is_told(bytes32 tip) public {
        join(10);
        vm.expectEmit(address(run));
        emit IRunEvents.TipAnnounced(0, 0, tip); // serves from round 2, the first
        announceTip(0, tip);
        vm.expectEmit(address(run));
        emit IRunEvents.TipAnnounced(0, 0, tip);
        vm.prank(ownerOf(0));
        run.announceTip(0, tip);
    }

    function test_names_the_current_round() public {
        start(10, 10, 10);
        vm.expectEmit(address(run));
        emit IRunEvents.TipAnnounced(1, FIRST, "tip");
        announceTip(1, "tip");
        play(7);
        vm.expectEmit(address(run));
        emit IRunEvents.TipAnnounced(1, FIRST + 1, "tip");
        announceTip(1, "tip");
        playVoid(0, 2); // no next round yet
        vm.expectEmit(address(run));
        emit IRunEvents.TipAnnounced(1, FIRST + 1, "tip");
        announceTip(1, "tip");
    }
}
