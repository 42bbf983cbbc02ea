// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../interfaces/IRunTypes.sol";

/// @title Phases of a round, derived from the clock and the counts
/// @notice Nothing here writes: no transaction is needed for a deadline to pass.
library Phases {
    /// @dev `commitEnd` while less than a third of the base has committed: nobody's first commit alone starts the clock, so an outage burns nothing.
    uint32 internal constant NO_END = type(uint32).max;
    /// @dev Windows grow by half for each void round in a row, at most this often.
    uint8 internal constant MAX_STRETCH = 4;

    /// @notice A window of a round that follows `stretch` void rounds: seconds * 1.5^stretch, rounded down.
    function stretched(uint256 window, uint256 stretch) internal pure returns (uint256) {
        // Windows are below 2^25 seconds and 3^MAX_STRETCH is 81.
        unchecked {
            return (window * 3 ** stretch) >> stretch;
        }
    }

    /// @notice The phase at `time` and its end (NO_END where none is known).
    function current(IRunTypes.Clock storage c, uint256 time, uint256 revealWindow, uint256 voteWindow, uint256 totalHeights)
        internal
        view
        returns (IRunTypes.Phase, uint256 end)
    {
        if (c.round == 0) return (IRunTypes.Phase.Idle, NO_END);
        if (c.closed) return (c.height == totalHeights ? IRunTypes.Phase.Finished : IRunTypes.Phase.Final, NO_END);
        end = c.commitEnd;
        if (time < end) return (IRunTypes.Phase.Commit, end);
        uint256 stretch = c.stretch;
        end = c.revealEnd == 0 ? end + stretched(revealWindow, stretch) : c.revealEnd;
        if (time < end) return (IRunTypes.Phase.Reveal, end);
        if (!isTwoThirds(c.revealed, c.base)) return (IRunTypes.Phase.Void, NO_END);
        end += stretched(voteWindow, stretch);
        if (time < end) return (IRunTypes.Phase.Vote, end);
        return (IRunTypes.Phase.Void, NO_END);
    }

    /// @notice Whether `current` is Commit, for the call that asks only this. (Before the first round `commitEnd` is 0.)
    function isCommit(IRunTypes.Clock storage c, uint256 time) internal view returns (bool) {
        return time < c.commitEnd && !c.closed;
    }

    /// @notice Whether `current` is Reveal, likewise, once a round has opened. `revealEnd` is set when all have revealed: never ahead of the time.
    function isReveal(IRunTypes.Clock storage c, uint256 time, uint256 revealWindow) internal view returns (bool) {
        uint256 start = c.commitEnd;
        return time >= start && c.revealEnd == 0 && time < start + stretched(revealWindow, c.stretch) && !c.closed;
    }

    /// @notice Strictly more than two thirds of the base; never floored.
    function isTwoThirds(uint256 weight, uint256 base) internal pure returns (bool) {
        unchecked {
            return 3 * weight > 2 * base; // both are 16-bit weights
        }
    }

    /// @notice Strictly more than a third of the base.
    function isThird(uint256 weight, uint256 base) internal pure returns (bool) {
        unchecked {
            return 3 * weight > base; // both are 16-bit weights
        }
    }

    /// @notice The one base of all fractions: active weight, but never below half of the seated weight (rounded up) nor the minimum.
    function baseOf(uint256 active, uint256 seated, uint256 minWeight) internal pure returns (uint256 base) {
        base = (seated + 1) / 2;
        if (active > base) base = active;
        if (minWeight > base) base = minWeight;
    }
}
