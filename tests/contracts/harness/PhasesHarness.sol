// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {Phases} from "../../../contracts/libraries/Phases.sol";

/// @notice The library's functions from outside, with the settings of the deployed contract.
contract PhasesHarness {
    IRunTypes.Clock private _clock;

    function set(IRunTypes.Clock calldata clock) external {
        _clock = clock;
    }

    function current(uint256 time, uint256 revealWindow, uint256 voteWindow, uint256 totalHeights)
        external
        view
        returns (IRunTypes.Phase, uint256)
    {
        return Phases.current(_clock, time, revealWindow, voteWindow, totalHeights);
    }

    function isCommit(uint256 time) external view returns (bool) {
        return Phases.isCommit(_clock, time);
    }

    function isReveal(uint256 time, uint256 revealWindow) external view returns (bool) {
        return Phases.isReveal(_clock, time, revealWindow);
    }

    function stretched(uint256 window, uint256 stretch) external pure returns (uint256) {
        return Phases.stretched(window, stretch);
    }

    function isThird(uint256 weight, uint256 base) external pure returns (bool) {
        return Phases.isThird(weight, base);
    }

    function isTwoThirds(uint256 weight, uint256 base) external pure returns (bool) {
        return Phases.isTwoThirds(weight, base);
    }

    function baseOf(uint256 active, uint256 seated, uint256 minWeight) external pure returns (uint256) {
        return Phases.baseOf(active, seated, minWeight);
    }
}
