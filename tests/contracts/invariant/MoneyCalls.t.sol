// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {vm} from "../util/Vm.sol";
import {CourtCalls} from "./CourtCalls.t.sol";

/// @notice The pool, pay, credits, and the owner of the run.
abstract contract MoneyCalls is CourtCalls {
    mapping(uint256 holder => mapping(uint32 round => bool)) internal wasPaid;
    address internal refusing;

    function doFund(uint256 seed) external {
        ++steps;
        attempt("fund", person(seed), (seed >> 8) % 0.3 ether, abi.encodeCall(ITrainingRun.fund, ()));
    }

    function doForce(uint256 seed) external {
        ++steps;
        vm.deal(address(run), address(run).balance + seed % 1_000);
        forced += seed % 1_000;
        ++done["(ether is forced)"];
    }

    /// @dev One height of those that are furthest behind: what leaves the pool is pay of one round.
    function doSettle(uint256 seed) external {
        ++steps;
        uint256 count = 1 + seed % 6;
        uint16[] memory holders = new uint16[](256 - LOWEST);
        for (uint16 i; i < holders.length; ++i) {
            holders[i] = LOWEST + i;
        }
        if (seed % 16 == 7) {
            holders = new uint16[](1);
            holders[0] = FORMER + uint16(anyId(seed >> 8));
        }
        for (uint256 i; i < count; ++i) {
            settleOne(holders, seed);
        }
        if (seed % 4 == 0) payFormers();
    }

    function payFormers() private {
        uint16[] memory holders = new uint16[](1);
        for (uint16 id = LOWEST; id < 256; ++id) {
            if (run.formerSeats(uint8(id)).owner == address(0)) continue;
            holders[0] = FORMER + id;
            settleOne(holders, 0);
        }
    }

    function settledTo(uint256 holder) private view returns (uint24) {
        return holder < FORMER ? run.seats(uint8(holder)).settledTo : run.formerSeats(uint8(holder)).settledTo;
    }

    function settleOne(uint16[] memory holders, uint256 seed) private {
        uint256 lowest = type(uint24).max;
        uint256[] memory before = new uint256[](holders.length);
        for (uint256 i; i < holders.length; ++i) {
            before[i] = settledTo(holders[i]);
            if (before[i] < lowest) lowest = before[i];
        }
        uint256 pool = run.pool();
        (bytes26 root, uint24 round,,) = run.result(uint32(lowest + 1));
        must("settle", person(seed), 0, abi.encodeCall(ITrainingRun.settle, (holders, 1)));
        uint256 paid = pool - run.pool();
        if (paid == 0) return;
        ++done["(pay is drawn)"];
        drawn[round] += paid;
        assertTrue(root != 0 && finals[round] == 1 && !isOverturned[round], "pay of a round that does not stand");
        assertGe(vm.getBlockTimestamp(), finalAt[round] + run.horizon(), "pay that is not safe");
        assertLe(drawn[round], uint256(p.rewardPerRound) + p.checkReward, "more than a round pays");
        if (holders.length != 1) return;
        bytes32 holder = keccak256(abi.encode(holders[0], run.formerSeats(uint8(holders[0] - FORMER)).first));
        assertFalse(wasPaid[uint256(holder)][round], "twice");
        wasPaid[uint256(holder)][round] = true;
    }

    function doClaim(uint256 seed) external {
        ++steps;
        address who = person(seed >> 8);
        if (seed % 2 == 0) {
            for (uint256 i; i < PEOPLE && run.credit(who) == 0; ++i) {
                who = people[i];
            }
        }
        address to = seed % 8 == 0 ? address(run) : who;
        bytes memory data = abi.encodeCall(ITrainingRun.claim, (payable(to)));
        if (run.credit(who) != 0 && to == who) must("claim", who, 0, data);
        else refuses("claim", who, 0, data);
    }

    // ------------------------------------------------------------------ the run's owner

    function doOwner(uint256 seed) external {
        ++steps;
        address who = seed % 8 == 7 ? person(seed) : runOwner();
        if (seed % 64 == 0) attempt("stop", who, 0, abi.encodeCall(ITrainingRun.stop, ()));
        else if (seed % 3 != 0) attempt("announceGroupKey", who, 0, abi.encodeCall(ITrainingRun.announceGroupKey, (bytes32(seed))));
        else {
            uint256 pool = run.pool();
            if (!attempt("sweep", who, 0, abi.encodeCall(ITrainingRun.sweep, (payable(who))))) return;
            assertTrue(run.roll().stoppedAt != 0 || run.clock().height == p.totalHeights, "swept before the end");
            uint32 last = lastStanding();
            assertGe(vm.getBlockTimestamp(), (last == 0 ? 0 : finalAt[last]) + run.horizon() + p.settleWindow, "swept while pay is owed");
            assertEq(who.balance, pool);
        }
    }

    /// @notice The owner ends the run while it is under way. What is open goes on, and nothing begins any more.
    function doStop(uint256 seed) external {
        ++steps;
        if (run.roll().stoppedAt != 0) return;
        if (isPrivate()) {
            for (uint256 id = LOWEST; id < 256; ++id) {
                IRunTypes.Seat memory s = run.seats(uint8(id));
                if ((seed >> (id - LOWEST)) & 3 == 0 || s.owner == address(0) || s.leftAt != 0) continue;
                must("revoke", runOwner(), 0, abi.encodeCall(ITrainingRun.revoke, (uint8(id))));
            }
        }
        uint32 round = run.clock().round;
        must("stop", runOwner(), 0, abi.encodeCall(ITrainingRun.stop, ()));
        if (seed % 2 == 0) finish(seed, seed % 4 == 0 ? RIGHT : WRONG_SUM);
        tryOpen();
        assertEq(run.clock().round, round, "a round after the stop");
    }

    /// @notice However the run was left, its open round ends by itself, and once all pay could be drawn the rest of the pool is its owner's.
    function doSweep() external {
        ++steps;
        bytes memory data = abi.encodeCall(ITrainingRun.sweep, (payable(runOwner())));
        for (uint256 i; i < 3 && run.deadline() != type(uint64).max; ++i) {
            skipTo(run.deadline());
        }
        if (run.roll().stoppedAt == 0 && run.phase() != IRunTypes.Phase.Finished) return refuses("sweep", runOwner(), 0, data);
        skip(run.horizon() + p.settleWindow);
        must("sweep", runOwner(), 0, data);
        assertEq(run.pool(), 0, "all of the pool");
    }
}
