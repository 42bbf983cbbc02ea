// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../interfaces/IRunErrors.sol";
import {IRunTypes} from "../interfaces/IRunTypes.sol";
import {SignVote} from "./SignVote.sol";

/// @title What the arguments of a run must satisfy
/// @notice Keeps every deadline inside 32 bits and the ring as long as its records are needed. A worker may ask for more.
library Bounds {
    uint256 private constant MIN_RING = 8; // benching looks five rounds back
    uint256 private constant MAX_WINDOW = 365 days;
    uint256 private constant MAX_AMOUNT = type(uint96).max; // wei; times a weight, and doubled a hundred times, it stays far from any end
    uint256 private constant MAX_HEIGHTS = type(uint24).max - 1;
    uint256 private constant MAX_PARAMETERS = 1 << 32;

    /// @notice Reverts with the name of the first argument that is out of bounds.
    function check(IRunTypes.Parameters memory p, uint256 maxRing) internal pure {
        _require(p.parameterCount != 0 && p.parameterCount <= MAX_PARAMETERS, "parameterCount");
        _requireWindow(p.commitMin, "commitMin");
        _requireWindow(p.grace, "grace");
        _requireWindow(p.commitCap, "commitCap");
        // Else the cap could end a phase before the promise of commitMin.
        _require(p.commitCap >= p.commitMin, "commitCap");
        _requireWindow(p.revealWindow, "revealWindow");
        _requireWindow(p.voteWindow, "voteWindow");
        _requireWindow(p.challengeWindow, "challengeWindow");
        _requireWindow(p.answerWindow, "answerWindow");
        _requireWindow(p.settleWindow, "settleWindow");
        // The records of an overturned round are needed until the answer that comes last.
        _require(p.settleWindow >= p.answerWindow, "settleWindow");
        // So many overturns one after the other could name one seat: their count has eight bits.
        _require(p.challengeWindow <= 100 * uint256(p.answerWindow), "challengeWindow");
        _requireWindow(p.activateDelay, "activateDelay");
        _requireWindow(p.leaveDelay, "leaveDelay");
        // The ring covers the horizon at the pace of a round in which nobody is late; a faster run waits for its slots.
        uint256 covered = uint256(p.ring) * p.commitMin;
        uint256 needed = uint256(p.challengeWindow) + 2 * uint256(p.answerWindow) + p.settleWindow;
        _require(p.ring >= MIN_RING && p.ring <= maxRing && covered >= needed, "ring");
        _require(p.weightUnit != 0, "weightUnit");
        _require(p.minWeight != 0, "minWeight");
        _require(p.peakStep != 0 && p.peakStep < SignVote.STEP_LIMIT, "peakStep");
        _require(p.totalHeights != 0 && p.totalHeights <= MAX_HEIGHTS, "totalHeights");
        _require(p.warmup != 0, "warmup");
        _require(p.rewardPerRound <= MAX_AMOUNT, "rewardPerRound");
        _require(p.checkReward <= MAX_AMOUNT, "checkReward");
        _require(p.challengeBond != 0 && p.challengeBond <= MAX_AMOUNT, "challengeBond");
        _require(p.decay != 0 && uint256(p.warmup) + p.decay <= p.totalHeights, "decay");
    }

    function _requireWindow(uint256 window, string memory name) private pure {
        _require(window != 0 && window <= MAX_WINDOW, name);
    }

    function _require(bool isWithin, string memory name) private pure {
        if (!isWithin) revert IRunErrors.BadParameter(name);
    }
}
