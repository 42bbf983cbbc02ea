// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RunTest} from "./RunTest.sol";

/// @notice What seats earn, said a second time.
abstract contract PayTest is RunTest {
    function payOf(uint256 weight, uint256 base) internal view returns (uint256) {
        return (uint256(p.rewardPerRound) * weight) / base;
    }

    function checkPayOf(uint256 weight, uint256 base) internal view returns (uint256) {
        return (uint256(p.checkReward) * weight) / base;
    }

    function creditOf(uint256 seat) internal view returns (uint256) {
        return run.credit(ownerOf(seat));
    }

    function pair(uint16 a, uint16 b) internal pure returns (uint16[] memory holders) {
        holders = new uint16[](2);
        (holders[0], holders[1]) = (a, b);
    }
}
