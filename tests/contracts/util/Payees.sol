// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";

/// @notice A contract that takes part, and calls back with everything that pays when it is paid. Its code also serves at another address (vm.etch).
contract GreedyPayee {
    ITrainingRun internal immutable RUN;
    uint256 public blocked;
    uint256 public got;
    bool private isCalled;

    constructor(ITrainingRun run) {
        RUN = run;
    }

    function join(uint8 weight, uint256 stake) external payable {
        RUN.join{value: stake}(weight, address(this), 0, "");
    }

    function leave(uint8 seat) external {
        RUN.leave(seat);
    }

    function withdraw(uint8 seat) external {
        RUN.withdraw(seat, payable(address(this)));
    }

    function claim() external {
        RUN.claim(payable(address(this)));
    }

    function sweep() external {
        RUN.sweep(payable(address(this)));
    }

    receive() external payable {
        got += msg.value;
        if (isCalled) return; // takes what a second payment would bring
        isCalled = true;
        try RUN.claim(payable(address(this))) {}
        catch {
            ++blocked;
        }
        try RUN.withdraw(0, payable(address(this))) {}
        catch {
            ++blocked;
        }
        try RUN.sweep(payable(address(this))) {}
        catch {
            ++blocked;
        }
        isCalled = false;
    }
}

/// @notice Takes nothing.
contract RefusingPayee {}
