// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Bounds of the constructor's arguments: each at its limit and one beyond.
contract ConstructorTest is RunTest {
    function bad(string memory name) internal {
        vm.expectRevert(abi.encodeWithSelector(IRunErrors.BadParameter.selector, name));
        this.deployIt();
        p = defaults();
    }

    function ok() internal {
        deploy();
        p = defaults();
    }

    /// @dev External, so that `expectRevert` sees the constructor's revert.
    function deployIt() external {
        deploy();
    }

    function test_parameterCount() public {
        p.parameterCount = 0;
        bad("parameterCount");
        p.parameterCount = (1 << 32) + 1;
        bad("parameterCount");
        p.parameterCount = 1 << 32;
        ok();
        p.parameterCount = 1;
        ok();
    }

    function test_windows_are_not_zero() public {
        p.commitMin = 0;
        bad("commitMin");
        p.grace = 0;
        bad("grace");
        p.commitCap = 0;
        bad("commitCap");
        p.revealWindow = 0;
        bad("revealWindow");
        p.voteWindow = 0;
        bad("voteWindow");
        p.challengeWindow = 0;
        bad("challengeWindow");
        p.answerWindow = 0;
        bad("answerWindow");
        p.settleWindow = 0;
        bad("settleWindow");
        p.activateDelay = 0;
        bad("activateDelay");
        p.leaveDelay = 0;
        bad("leaveDelay");
    }

    function test_windows_are_at_most_a_year() public {
        uint32 over = 365 days + 1;
        p.commitMin = over;
        bad("commitMin");
        p.grace = over;
        bad("grace");
        p.commitCap = over;
        bad("commitCap");
        p.revealWindow = over;
        bad("revealWindow");
        p.voteWindow = over;
        bad("voteWindow");
        p.challengeWindow = over;
        bad("challengeWindow");
        p.answerWindow = over;
        bad("answerWindow");
        p.settleWindow = over;
        bad("settleWindow");
        p.activateDelay = over;
        bad("activateDelay");
        p.leaveDelay = over;
        bad("leaveDelay");
    }

    function test_all_windows_a_year() public {
        uint32 year = 365 days;
        (p.commitMin, p.grace, p.commitCap, p.revealWindow, p.voteWindow) = (year, year, year, year, year);
        (p.challengeWindow, p.answerWindow, p.settleWindow, p.activateDelay, p.leaveDelay) = (year, year, year, year, year);
        p.ring = 8;
        deploy();
        assertEq(run.horizon(), 3 * 365 days);
        // Every deadline of the longest round fits.
        skip(year);
        start(10, 10, 10, 1);
        for (uint256 i; i < 3; ++i) {
            commitAll(0, 2);
            skipTo(run.deadline());
            skipTo(run.deadline());
            openRound();
        }
        commitAll(0, 2);
        assertEq(run.deadline(), vm.getBlockTimestamp() + uint256(year) * 27 / 8);
        skipTo(run.deadline());
        revealAll(0, 2);
        vote(FIRST + 3, 0);
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST + 3);
        assertEq(b.time, run.deadline());
    }

    function test_the_cap_is_not_below_the_promise() public {
        p.commitCap = p.commitMin - 1;
        bad("commitCap");
        p.commitCap = p.commitMin;
        ok();
    }

    function test_the_ring_covers_the_horizon() public {
        p.ring = 7;
        p.commitMin = 1_000;
        p.commitCap = 1_000;
        bad("ring");
        p.ring = (1 << 16) + 1;
        bad("ring");
        p.ring = 1 << 16;
        ok();
        // 30 + 2 * 30 + 30 = 120 seconds at 10 seconds a round
        p.ring = 11;
        bad("ring");
        p.ring = 12;
        ok();
        p.ring = 12;
        p.settleWindow = 31;
        bad("ring");
        p.ring = 12;
        (p.answerWindow, p.settleWindow) = (31, 31);
        bad("ring");
        p.ring = 12;
        p.challengeWindow = 31;
        bad("ring");
    }

    function test_the_ring_has_room_for_misses() public {
        (p.ring, p.commitMin, p.commitCap) = (8, 15, 15);
        ok();
        (p.ring, p.commitMin, p.commitCap) = (8, 14, 15);
        bad("ring");
    }

    function test_records_outlive_the_last_answer() public {
        p.settleWindow = p.answerWindow - 1;
        bad("settleWindow");
        p.settleWindow = p.answerWindow;
        ok();
    }

    /// @dev Names of a seat by overturns have eight bits.
    function test_overturns_at_once_are_bounded() public {
        (p.challengeWindow, p.ring) = (100 * p.answerWindow + 1, 1_000);
        bad("challengeWindow");
        (p.challengeWindow, p.ring) = (100 * p.answerWindow, 1_000);
        ok();
    }

    function test_amounts() public {
        p.rewardPerRound = uint128(1) << 96;
        bad("rewardPerRound");
        p.checkReward = uint128(1) << 96;
        bad("checkReward");
        p.challengeBond = uint128(1) << 96;
        bad("challengeBond");
        p.challengeBond = 0;
        bad("challengeBond");
        (p.rewardPerRound, p.checkReward, p.challengeBond) = (type(uint96).max, type(uint96).max, type(uint96).max);
        ok();
        (p.rewardPerRound, p.checkReward, p.challengeBond) = (0, 0, 1);
        ok();
    }

    function test_money() public {
        p.weightUnit = 0;
        bad("weightUnit");
        p.minWeight = 0;
        bad("minWeight");
        p.weightUnit = type(uint128).max;
        p.minWeight = type(uint16).max;
        ok();
    }

    function test_schedule() public {
        p.peakStep = 0;
        bad("peakStep");
        p.peakStep = 1 << 17;
        bad("peakStep");
        p.peakStep = (1 << 17) - 1;
        ok();
        p.totalHeights = 0;
        bad("totalHeights");
        p.totalHeights = FOREVER;
        bad("totalHeights");
        p.totalHeights = FOREVER - 1;
        ok();
        p.warmup = 0;
        bad("warmup");
        p.decay = 0;
        bad("decay");
        (p.warmup, p.decay) = (51, 50);
        bad("decay");
        (p.warmup, p.decay) = (50, 50);
        ok();
        (p.warmup, p.decay) = (type(uint32).max, type(uint32).max);
        bad("decay");
    }

    function test_takes_no_money() public {
        vm.expectRevert();
        this.deployWithValue();
    }

    function deployWithValue() external {
        deployCode("TrainingRun.sol", abi.encode(p), 1 wei);
    }

    function test_domain_binds_chain_and_contract() public {
        assertEq(run.runDomain(), domainOf("comitia.run.v1", block.chainid, address(run)));
        vm.chainId(1);
        deploy();
        assertEq(run.runDomain(), domainOf("comitia.run.v1", 1, address(run)));
    }

    function test_owner_and_horizon() public view {
        assertEq(run.owner(), runOwner());
        assertEq(run.horizon(), 90);
        assertGt(run.settlement().code.length, 0);
        assertEq(run.nextBond(), p.challengeBond);
    }
}
