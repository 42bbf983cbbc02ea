// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./Test.sol";
import {Vm, vm} from "./Vm.sol";

interface IToolbox {
    error Odd(uint256 value);

    event Stored(address indexed by, uint256 value);

    function put(uint256 next) external;
    function value() external view returns (uint256);
    function leadingZeros(uint256 x) external pure returns (uint256);
}

/// @notice The tools themselves: a cheatcode that does nothing would make other tests pass for no reason.
contract TestToolsTest is Test {
    IToolbox internal box;

    function setUp() public {
        box = IToolbox(deployCode("Toolbox.sol", abi.encode(uint256(4)), 3 wei));
    }

    // An assertion that does not fail where it must is the worst fault a test tool can have.
    function callAssertEq(uint256 left, uint256 right) external pure {
        assertEq(left, right);
    }


    function test_deployCode() public view {
        assertEq(box.value(), 4);
        assertEq(address(box).balance, 3);
        assertEq(box.leadingZeros(1), 255);
        assertEq(vm.getDeployedCode("Toolbox.sol"), address(box).code);
    }

    function test_deployCode_passes_a_revert_on() public {
        vm.expectRevert(abi.encodeWithSelector(IToolbox.Odd.selector, 5));
        this.deployOdd();
    }

    function deployOdd() external {
        deployCode("Toolbox.sol", abi.encode(uint256(5)));
    }

    function test_failed_assertion_reverts() public {
        (bool passed,) = address(this).call(abi.encodeCall(this.callAssertEq, (1, 2)));
        assertFalse(passed, "assertEq(1, 2) passed");
        this.callAssertEq(2, 2);
    }

    function test_expectRevert() public {
        vm.expectRevert(abi.encodeWithSelector(IToolbox.Odd.selector, 7));
        box.put(7);
        vm.expectPartialRevert(IToolbox.Odd.selector);
        box.put(9);
        assertEq(box.value(), 4);
    }

    function test_expectEmit_and_logs() public {
        address caller = makeAddr("caller");
        vm.expectEmit(address(box));
        emit IToolbox.Stored(caller, 8);
        vm.prank(caller);
        box.put(8);

        vm.recordLogs();
        box.put(10);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1);
        assertEq(logs[0].emitter, address(box));
        assertEq(logs[0].topics[0], IToolbox.Stored.selector);
        assertEq(abi.decode(logs[0].data, (uint256)), 10);
    }

    function test_clock() public {
        vm.warp(1_000);
        vm.roll(50);
        skip(7);
        assertEq(vm.getBlockTimestamp(), 1_007);
        assertEq(block.timestamp, 1_007);
        assertEq(vm.getBlockNumber(), 51);
        vm.setBlockhash(50, bytes32(uint256(123)));
        assertEq(blockhash(50), bytes32(uint256(123)));
        vm.prevrandao(bytes32(uint256(77)));
        assertEq(block.prevrandao, 77);
    }

    function test_sign() public {
        (address account, uint256 key) = makeAddrAndKey("signer");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256("message"));
        assertEq(ecrecover(keccak256("message"), v, r, s), account);
    }

    function test_state() public {
        uint256 before = vm.snapshotState();
        vm.deal(address(box), 9 ether);
        vm.store(address(box), 0, bytes32(uint256(12)));
        assertEq(box.value(), 12);
        assertEq(vm.load(address(box), 0), bytes32(uint256(12)));
        assertTrue(vm.revertToState(before));
        assertEq(box.value(), 4);
        assertEq(address(box).balance, 3);
    }

    function test_json_and_files() public view {
        string memory json =
            '{"n": 18446744073709551617, "i": -3, "b": "0x0102", "h": ["0x0000000000000000000000000000000000000000000000000000000000000007"], "u": [1, 2]}';
        assertEq(vm.parseJsonUint(json, ".n"), 18_446_744_073_709_551_617);
        assertEq(vm.parseJsonInt(json, ".i"), -3);
        assertEq(vm.parseJsonBytes(json, ".b"), hex"0102");
        assertEq(vm.parseJsonBytes32Array(json, ".h")[0], bytes32(uint256(7)));
        assertEq(vm.parseJsonUintArray(json, ".u")[1], 2);
        assertFalse(vm.keyExistsJson(json, ".x"));
        assertTrue(bytes(vm.readFile("tests/contracts/util/Vm.sol")).length > 1_000);
    }

    function test_gas() public {
        box.put(20);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        assertGt(used, 1_000);
        assertLt(used, 60_000);
    }

    function test_environment() public view {
        assertEq(vm.envOr("COMITIA_NO_SUCH_VARIABLE", uint256(5)), 5);
    }

    function testFuzz_bound(uint256 x, uint256 a, uint256 b) public pure {
        (uint256 min, uint256 max) = a <= b ? (a, b) : (b, a);
        uint256 y = bound(x, min, max);
        assertGe(y, min);
        assertLe(y, max);
        assertEq(bound(y, min, max), y);
    }

    function testFuzz_bound_signed(int256 x, int256 a, int256 b) public pure {
        (int256 min, int256 max) = a <= b ? (a, b) : (b, a);
        int256 y = bound(x, min, max);
        assertTrue(y >= min && y <= max);
    }
}

contract Counter {
    uint256 public calls;
    mapping(address sender => uint256) public callsOf;

    function count() external {
        calls += 1;
        callsOf[msg.sender] += 1;
    }

    function breakIt() external {
        calls += 1;
    }
}

/// @notice An invariant run must respect its targets: `breakIt` would break the invariant at once.
contract InvariantToolsTest is Test {
    Counter internal counter;
    address internal only;

    function setUp() public {
        counter = new Counter();
        only = makeAddr("only");
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = Counter.count.selector;
        targetContract(address(counter));
        targetSelector(address(counter), selectors);
        targetSender(only);
    }

    function invariant_all_calls_are_targeted() public view {
        assertEq(counter.calls(), counter.callsOf(only));
    }

    function afterInvariant() public view {
        assertGt(counter.calls(), 0);
    }
}
