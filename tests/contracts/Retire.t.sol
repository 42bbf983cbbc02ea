// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract RetireTest is RunTest {
    /// @dev Seats 0..2 are active, 3 has been benched just now.
    function benchOne() internal {
        start(10, 10, 10, 5);
        for (uint256 i; i < 4; ++i) {
            play(7);
        }
        bench(3, FIRST);
    }

    function retirableAt(uint8 seat) internal view returns (uint256) {
        return run.seats(seat).readyAt + p.challengeWindow + p.answerWindow;
    }

    function test_reverts_for_no_seat() public {
        join(10);
        fails(IRunErrors.NoSeat.selector);
        retire(1);
    }

    function test_reverts_for_a_seat_that_left() public {
        join(10);
        leave(0);
        skip(1_000);
        fails(IRunErrors.HasLeft.selector);
        retire(0);
    }

    function test_reverts_for_an_active_seat() public {
        start(10, 10, 10);
        skip(1_000);
        fails(abi.encodeWithSelector(IRunErrors.AlreadyActive.selector, FIRST));
        retire(0);
    }

    function test_reverts_too_early() public {
        benchOne();
        uint256 time_ = time() + p.activateDelay + p.challengeWindow + p.answerWindow;
        assertEq(retirableAt(3), time_);
        skipTo(time_ - 1);
        fails(tooEarly(time_));
        retire(3);
        skipTo(time_);
        retire(3);
        fails(IRunErrors.HasLeft.selector);
        retire(3);
    }

    function test_a_seat_that_never_activated() public {
        join(10);
        uint256 time_ = retirableAt(0);
        skipTo(time_ - 1);
        fails(tooEarly(time_));
        retire(0);
        skipTo(time_);
        vm.expectEmit(address(run));
        emit IRunEvents.Left(0, 0, 10);
        retire(0);
        assertEq(run.roll().seated, 0);
    }

    function test_one_that_is_back_is_safe() public {
        benchOne();
        skipTo(retirableAt(3));
        activate(3);
        fails(abi.encodeWithSelector(IRunErrors.AlreadyActive.selector, FIRST));
        retire(3);
    }

    function test_the_stake_stays_its_owners() public {
        benchOne();
        play(7);
        skipTo(retirableAt(3));
        vm.expectEmit(address(run));
        emit IRunEvents.Left(3, FIRST + 4, 5);
        retire(3);
        IRunTypes.Seat memory s = run.seats(3);
        assertEq(s.until, FIRST + 4);
        assertEq(s.leftAt, time());
        assertEq(run.roll().seated, 30);
        assertEq(run.roll().nextActive, 30);
        assertEq(run.staked(), stakeOf(35));
        assertEq(run.clock().commitEnd, NO_END, "no round waited for it");
        skip(run.horizon());
        withdraw(3);
        assertEq(ownerOf(3).balance, stakeOf(5));
    }

    /// @dev Half of the weight is benched and gone for good: by retiring it the base falls, and one more loss can heal.
    function test_the_base_falls() public {
        p.minWeight = 1;
        deploy();
        uint8[] memory weights = new uint8[](1);
        weights[0] = 10;
        seatAll(weights);
        join(40);
        fails(abi.encodeWithSelector(IRunErrors.TooLittleWeight.selector, 10, 25));
        openRound();
        skipTo(retirableAt(1));
        retire(1);
        openRound();
        assertEq(run.clock().base, 10);
    }
}
