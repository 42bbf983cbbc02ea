// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The one cheat code that the proofs use. halmos knows it under this address.
interface Assume {
    function assume(bool condition) external pure;
}

/// @notice Base of the proofs. A proof is a function `check_...`: its arguments are symbolic, each `assert` holds for all of them that `given` lets through.
/// Every panic fails a proof, not failed assertions alone (scripts/proving/symbolic.py), so checked arithmetic in a plain formula also proves that it never leaves 256 bits.
abstract contract Symbolic {
    uint256 internal constant MAX_TOTAL = 65_280; // 256 seats of weight 255
    uint256 internal constant STEP_LIMIT = 1 << 17;

    function given(bool condition) internal pure {
        Assume(address(uint160(uint256(keccak256("hevm cheat code"))))).assume(condition);
    }
}
