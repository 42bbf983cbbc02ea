// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {RunTest} from "./RunTest.sol";

/// @notice All ids are given: 0..2 weigh 100 and are active, the others weigh 1 and are benched.
abstract contract FullRun is RunTest {
    function setUp() public virtual override {
        super.setUp();
        fillRun();
    }

    function fillRun() internal {
        uint8[] memory weights = new uint8[](3);
        (weights[0], weights[1], weights[2]) = (100, 100, 100);
        fill(weights, 1);
        openRound();
    }

    function tooLow(uint256 other) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.BidTooLow.selector, uint8(other));
    }

    function notBidder(address bidder) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotBidder.selector, bidder);
    }
}
