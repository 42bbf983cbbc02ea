// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accusations} from "./parts/Accusations.sol";
import {Challenges} from "./parts/Challenges.sol";
import {Pay} from "./parts/Pay.sol";
import {Places} from "./parts/Places.sol";
import {RunStorage} from "./parts/RunStorage.sol";

/// @title What happens between rounds: places in a full run, pay, challenges, accusations
/// @notice Code that a TrainingRun executes on its own storage (delegatecall), because one contract may have no more than 24,576 bytes of it. Each run creates its
/// own, whose address can never change. Called directly it finds an empty run: nothing can be done with it there, and nothing can be paid in.
contract Settlement is Places, Pay, Challenges, Accusations {
    /// @dev By the run's constructor.
    constructor(Parameters memory p, address owner) RunStorage(p, owner, msg.sender) {}
}
