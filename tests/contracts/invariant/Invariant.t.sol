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
        handler.doEnd();
    }

    function parts() internal pure override returns (uint256) {
        return 16;
    }

    function isNeverDone(string memory name) internal pure override returns (bool) {
        return is_(name, "revoke");
    }

    function isNeverRefused(string memory name) internal pure override returns (bool) {
        return is_(name, "NotInvited") || is_(name, "NeverSeated");
    }
}

/// @notice The one long sequence in a run by invitation: what only such a run has must occur.
contract PrivateRunTest is Checks {
    function setUp() public {
        begin(new PrivateHandler());
    }

    function parts() internal pure override returns (uint256) {
        return 6;
    }

    function isNeverDone(string memory name) internal pure override returns (bool) {
        return !is_(name, "revoke") && !is_(name, "join") && !is_(name, "overturn");
    }

    function isNeverRefused(string memory name) internal pure override returns (bool) {
        return !is_(name, "NotInvited") && !is_(name, "NeverSeated");
    }
}
