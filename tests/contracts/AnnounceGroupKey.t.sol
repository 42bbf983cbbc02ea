// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract AnnounceGroupKeyTest is RunTest {
    function announced(uint32 epoch, uint32 fromRound) internal {
        vm.expectEmit(address(run));
        emit IRunEvents.GroupKeyAnnounced(epoch, keccak256(abi.encode(epoch)), fromRound);
        announceGroupKey(keccak256(abi.encode(epoch)));
        assertEq(run.roll().epoch, epoch);
    }

    function test_reverts_for_all_but_the_owner_of_the_run() public {
        start(10, 10, 10);
        fails(IRunErrors.NotRunOwner.selector);
        next(ownerOf(0));
        run.announceGroupKey("file");
        assertEq(run.roll().epoch, 0);
    }

    /// @dev A key serves from the next opening on: a round has the one that was there when it opened.
    function test_serves_from_the_next_round_on() public {
        announced(1, FIRST);
        announced(2, FIRST);
        start(10, 10, 10);
        announced(3, FIRST + 1);
        playRound(0, 2);
        announced(4, FIRST + 2);
        playVoid(0, 2);
        announced(5, FIRST + 2);
        openRound();
        announced(6, FIRST + 3);
    }
}
