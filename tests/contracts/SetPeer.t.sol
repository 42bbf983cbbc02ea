// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract SetPeerTest is RunTest {
    function test_reverts_for_a_stranger() public {
        join(10);
        fails(notOperator(operatorOf(0)));
        next(address(0xbad));
        run.setPeer(0, PEER);
    }

    function test_reverts_for_no_seat() public {
        fails(notOperator(address(0)));
        setPeer(9, PEER);
    }

    function test_reverts_after_leaving() public {
        join(10);
        leave(0);
        fails(IRunErrors.HasLeft.selector);
        setPeer(0, PEER);
        fails(IRunErrors.HasLeft.selector);
        next(ownerOf(0));
        run.setPeer(0, PEER);
    }

    function test_reverts_with_a_long_peer() public {
        join(10);
        fails(abi.encodeWithSelector(IRunErrors.PeerTooLong.selector, 257));
        setPeer(0, string(new bytes(257)));
        setPeer(0, string(new bytes(256)));
        setPeer(0, "");
    }

    function test_is_told() public {
        join(10);
        join(10);
        vm.expectEmit(address(run));
        emit IRunEvents.PeerChanged(1, "/dns4/a");
        setPeer(1, "/dns4/a");
        vm.expectEmit(address(run));
        emit IRunEvents.PeerChanged(1, "/dns4/b");
        vm.prank(ownerOf(1));
        run.setPeer(1, "/dns4/b");
    }

    function test_changes_nothing() public {
        start(10, 10, 10);
        bytes32 before = keccak256(abi.encode(run.seats(0), run.roll(), run.clock()));
        setPeer(0, "/dns4/a");
        assertEq(keccak256(abi.encode(run.seats(0), run.roll(), run.clock())), before);
    }
}
