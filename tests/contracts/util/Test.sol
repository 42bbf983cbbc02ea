// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm, VM_ADDRESS} from "./Vm.sol";
import {Assertions} from "./Assertions.sol";

/// @notice Base of every Solidity test. `*.t.sol` files are compiled without optimizer and IR (hardhat.config.js), so a test
/// imports a contract's *interface* and deploys the contract itself by name: what runs is the bytecode that is deployed.
/// Code with only internal functions is tested through a small harness contract in a file that is not named `*.t.sol`.
abstract contract Test is Assertions {
    /// @dev Read by Hardhat's invariant runner from `targetSelectors()`.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    address[] private targetedContracts;
    address[] private targetedSenders;
    FuzzSelector[] private targetedSelectors;

    /// @notice Deploys what `artifact` names: "TrainingRun.sol", or "File.sol:Name" where the two differ.
    /// A revert of the constructor is passed on, so `vm.expectRevert` works in front of this.
    function deployCode(string memory artifact, bytes memory constructorArgs, uint256 value)
        internal
        returns (address deployed)
    {
        bytes memory creation = abi.encodePacked(vm.getCode(artifact), constructorArgs);
        assembly ("memory-safe") {
            deployed := create(value, add(creation, 0x20), mload(creation))
            if iszero(deployed) {
                let free := mload(0x40)
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
        }
    }

    function deployCode(string memory artifact, bytes memory constructorArgs) internal returns (address) {
        return deployCode(artifact, constructorArgs, 0);
    }

    function deployCode(string memory artifact) internal returns (address) {
        return deployCode(artifact, "", 0);
    }

    /// @notice An account of its own for a name, labelled in traces, and its key.
    function makeAddrAndKey(string memory name) internal returns (address account, uint256 key) {
        key = uint256(keccak256(bytes(name)));
        account = vm.addr(key);
        vm.label(account, name);
    }

    function makeAddr(string memory name) internal returns (address account) {
        (account,) = makeAddrAndKey(name);
    }

    /// @notice Moves the clock on by `secondsOn` and the height by one block.
    function skip(uint256 secondsOn) internal {
        vm.warp(vm.getBlockTimestamp() + secondsOn);
        vm.roll(vm.getBlockNumber() + 1);
    }

    /// @notice Maps any x into [min, max]; values already inside stay as they are, so counterexamples read well.
    function bound(uint256 x, uint256 min, uint256 max) internal pure returns (uint256) {
        require(min <= max, "bound: min > max");
        if (x >= min && x <= max) return x;
        uint256 size = max - min + 1; // never 0: with the full range every x is inside
        // The fuzzer likes the ends of uint256: send them to the ends of the range.
        if (x <= 3 && size > x) return min + x;
        if (x >= type(uint256).max - 3 && size > type(uint256).max - x) return max - (type(uint256).max - x);
        return min + (x % size);
    }

    function bound(int256 x, int256 min, int256 max) internal pure returns (int256) {
        require(min <= max, "bound: min > max");
        // Shifted by 2^255, so that the order of the signed values is that of the unsigned ones.
        uint256 shift = uint256(1) << 255;
        unchecked {
            return int256(bound(uint256(x) + shift, uint256(min) + shift, uint256(max) + shift) - shift);
        }
    }

    /// @notice Fuzzed addresses must not be a precompile, the cheatcodes, this contract or an existing one.
    function assumePayee(address account) internal view {
        vm.assume(uint160(account) > 0xffff && account != VM_ADDRESS && account.code.length == 0);
    }

    // What an invariant run calls. Without any of these it calls everything deployed in setUp.

    function targetContract(address target) internal {
        targetedContracts.push(target);
    }

    function targetSelector(address target, bytes4[] memory selectors) internal {
        targetedSelectors.push(FuzzSelector(target, selectors));
    }

    function targetSender(address sender) internal {
        targetedSenders.push(sender);
    }

    function targetContracts() public view returns (address[] memory) {
        return targetedContracts;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory) {
        return targetedSelectors;
    }

    function targetSenders() public view returns (address[] memory) {
        return targetedSenders;
    }
}
