// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract ViewsTest is RunTest {
    function test_before_the_first_round() public view {
        assertPhase(IRunTypes.Phase.Idle);
        assertEq(run.deadline(), type(uint64).max);
        assertEq(keccak256(abi.encode(run.parameters())), keccak256(abi.encode(p)));
        assertEq(run.staked(), 0);
        IRunTypes.Clock memory none;
        assertEq(keccak256(abi.encode(run.clock())), keccak256(abi.encode(none)));
    }

    function test_through_a_round() public {
        start(10, 10, 10, 10);
        assertPhase(IRunTypes.Phase.Commit);
        assertEq(run.deadline(), type(uint64).max);
        skip(1_000);
        commitAll(0, 2);
        assertEq(run.deadline(), vm.getBlockTimestamp() + p.grace);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Reveal);
        assertEq(run.deadline(), vm.getBlockTimestamp() + p.revealWindow);
        revealAll(0, 2);
        assertPhase(IRunTypes.Phase.Vote);
        assertEq(run.deadline(), vm.getBlockTimestamp() + p.voteWindow);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Void);
        assertEq(run.deadline(), type(uint64).max);
    }

    function test_of_rounds_without_a_record() public {
        start(10, 10, 10);
        uint32[4] memory rounds = [uint32(0), 1, FIRST, FIRST + 1];
        for (uint256 i; i < 4; ++i) {
            assertEq(run.entry(rounds[i], 0).round, 0);
            (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(rounds[i]);
            assertEq(uint256(bytes32(b.outcome)) + b.round + b.time + b.tally + b.base + b.flags + voters + dissenters, 0);
        }
        (bytes26 root, uint24 round, uint256 accepted, uint256 checked) = run.result(0);
        assertEq(bytes32(root), bytes32(bytes26(p.genesisRoot)));
        assertEq(round + accepted + checked, 0);
        uint32[3] memory heights = [uint32(1), p.ring + 1, type(uint32).max];
        for (uint256 i; i < 3; ++i) {
            (root, round, accepted, checked) = run.result(heights[i]);
            assertEq(uint256(bytes32(root)) + round + accepted + checked, 0);
        }
    }

    /// @dev An open vote has a ballot and no result.
    function test_of_an_undecided_round() public {
        start(10, 10, 10);
        toVote(0, 2);
        vote(FIRST, 0);
        (, uint256 voters,) = run.ballot(FIRST);
        assertEq(voters, 1);
        (bytes26 root, uint24 round, uint256 accepted,) = run.result(1);
        assertEq(uint256(bytes32(root)) + round + accepted, 0);
    }

    /// @dev A record lives until the slot's next round writes over it.
    function test_records_give_way_to_a_later_round() public {
        deployShortRing();
        start(10, 10, 10);
        for (uint256 i; i < 8; ++i) {
            playRound(0, 2);
        }
        skip(run.horizon() + p.settleWindow);
        openRound();
        (, uint24 round, uint256 accepted,) = run.result(1);
        assertEq(round, FIRST);
        assertEq(accepted, 7);
        assertEq(run.entry(FIRST, 0).stage, 1);
        toVote(0, 2);
        assertEq(run.entry(FIRST, 0).round, 0);
        vote(FIRST + 8, 0);
        (IRunTypes.Ballot memory b,,) = run.ballot(FIRST);
        assertEq(b.round, 0);
        (, round, accepted,) = run.result(1);
        assertEq(round, FIRST, "the root outlives the record by one");
        assertEq(accepted, 0);
        (, round, accepted,) = run.result(2);
        assertEq(round, FIRST + 1, "the other slot stands");
        assertEq(accepted, 7);
        vote(FIRST + 8, 1);
        vote(FIRST + 8, 2);
        skip(run.horizon());
        (, round,,) = run.result(0);
        assertEq(round, 0);
        (bytes26 root,,,) = run.result(0);
        assertEq(bytes32(root), 0, "nine heights are kept");
    }

    function test_stepAt() public {
        uint32[5] memory heights = [uint32(0), 4, 50, 95, 99];
        uint32[5] memory steps = [uint32(200), 1_000, 1_000, 1_000, 200];
        for (uint256 i; i < 5; ++i) {
            assertEq(run.stepAt(heights[i]), steps[i]);
        }
        fails(IRunErrors.RunFinished.selector);
        next(address(this));
        run.stepAt(100);
    }

    function test_takes_no_money() public {
        vm.deal(address(this), 1 ether);
        (bool sent,) = address(run).call{value: 1 wei}("");
        assertFalse(sent);
        (sent,) = address(run).call{value: 1 wei}(abi.encodeCall(run.openRound, ()));
        assertFalse(sent);
    }
}
