// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checks} from "./Checks.t.sol";
import {Handler, PrivateHandler} from "./Handler.t.sol";

/// @notice The checks after every call that the runner chooses, and at the end of each sequence everybody leaves and is paid.
contract InvariantTest is Checks {
    function setUp() public {
        begin(new Handler());
    }

    function invariant_holds() public view {
        check();
    }

    function afterInvariant() public {
        playEnd(handler.steps(), handler.steps() % 2 == 0);
    }

    function parts() internal pure override returns (uint256) {
        return 104;
    }

    function length() internal pure override returns (uint256) {
        return 80;
    }

    function leastOf(string memory name) internal pure override returns (uint256) {
        if (is_(name, "revoke") || is_(name, "admit")) return 0;
        // What comes of some operations is rarer than they are.
        bool isRare = is_(name, "(an answer in time)") || is_(name, "(a seat is condemned)") || is_(name, "(a wrong state falls)");
        return isRare || is_(name, "(who voted leaves at once)") || is_(name, "(an answer for what is wrong is refused)") ? 20 : 100;
    }

    function isNeverRefused(string memory name) internal pure override returns (bool) {
        return is_(name, "NotInvited") || is_(name, "NeverSeated");
    }
}

/// @notice The same worlds in a run by invitation: what only such a run has must occur.
contract PrivateRunTest is Checks {
    function setUp() public {
        begin(new PrivateHandler());
    }

    function parts() internal pure override returns (uint256) {
        return 48;
    }

    function length() internal pure override returns (uint256) {
        return 40;
    }

    function leastOf(string memory name) internal pure override returns (uint256) {
        return is_(name, "revoke") || is_(name, "admit") || is_(name, "join") ? 100 : is_(name, "overturn") ? 1 : 0;
    }

    function isNeverRefused(string memory name) internal pure override returns (bool) {
        return !is_(name, "NotInvited") && !is_(name, "NeverSeated");
    }
}
