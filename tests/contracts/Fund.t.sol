// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract FundTest is RunTest {
    function testFuzz_adds_to_the_pool(address from, uint96 first, uint96 second) public {
        assumePayee(from);
        vm.deal(from, uint256(first) + second);
        vm.expectEmit(address(run));
        emit IRunEvents.Funded(from, first);
        vm.prank(from);
        run.fund{value: first}();
        assertEq(run.pool(), first);
        vm.prank(from);
        run.fund{value: second}();
        assertEq(run.pool(), uint256(first) + second);
        assertEq(run.credit(from), 0);
        assertMoney(0, 0);
    }

    /// @dev At any time, also when the run is over: until the pool is swept seats can be paid from it.
    function test_when_stopped() public {
        stop();
        fund(1 ether);
        assertEq(run.pool(), 1 ether);
    }

    /// @dev Only what comes by `fund` is in the pool.
    function test_forced_ether_is_nobodys() public {
        join(10);
        fund(1 ether);
        vm.deal(address(run), address(run).balance + 5 ether);
        assertEq(run.pool(), 1 ether);
        assertEq(run.staked(), stakeOf(10));
    }

    function test_the_code_that_it_executes_takes_nothing() public {
        address code = run.settlement();
        vm.deal(address(this), 1 ether);
        (bool sent,) = code.call{value: 1 wei}("");
        assertFalse(sent);
        (sent,) = code.call{value: 1 wei}(abi.encodeCall(run.fund, ()));
        assertFalse(sent);
    }
}
