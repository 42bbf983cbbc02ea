// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What Test.t.sol tries the test tools on. Compiled with the deploy settings, as it is not named `*.t.sol`.
contract Toolbox {
    error Odd(uint256 value);

    event Stored(address indexed by, uint256 value);

    uint256 public value;

    constructor(uint256 first) payable {
        if (first % 2 == 1) revert Odd(first);
        value = first;
    }

    function put(uint256 next) external {
        if (next % 2 == 1) revert Odd(next);
        value = next;
        emit Stored(msg.sender, next);
    }

    /// @dev CLZ came with Osaka: reverts where compiler and EVM do not agree on `evmVersion`.
    function leadingZeros(uint256 x) external pure returns (uint256 count) {
        assembly ("memory-safe") {
            count := clz(x)
        }
    }
}
