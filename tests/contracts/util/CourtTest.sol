// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./RunTest.sol";
import {vm} from "./Vm.sol";

/// @notice Base of the tests of challenges and accusations: a run with pay and bonds, and a helper for each thing that is done about a round afterwards.
/// Roots are hashes of nothing: see WorkTest for rounds whose chunks can be answered with.
abstract contract CourtTest is RunTest {
    uint128 internal constant BOND = 0.004 ether;
    address internal constant ANSWERER = address(uint160(uint256(keccak256("answerer"))));
    address internal constant OTHER = address(uint160(uint256(keccak256("other"))));

    struct Place {
        uint32 round;
        uint32 chunk;
    }

    Place[] private posted;
    mapping(uint256 round => bytes32) private roots;

    function setUp() public virtual override {
        vm.warp(START);
        vm.roll(FIRST_BLOCK);
        p = defaults();
        arrange();
        deploy();
    }

    /// @dev The parameters that this file's tests want otherwise.
    function arrange() internal virtual {
        p.challengeBond = BOND;
        (p.rewardPerRound, p.checkReward) = (0.003 ether, 0.0006 ether);
    }

    // ------------------------------------------------------------------ helpers

    /// @notice What the round's voters voted for.
    function stateRootOf(uint32 round) internal view returns (bytes32) {
        return roots[round] == 0 ? good(round).root : roots[round];
    }

    function setStateRoot(uint32 round, bytes32 root) internal {
        roots[round] = root;
    }

    /// @notice Posts a challenge with these wei.
    function post(address sender, uint32 round, uint32 height, uint32 chunk, uint256 value) internal {
        vm.deal(sender, value);
        if (next(sender)) posted.push(Place(round, chunk));
        run.challenge{value: value}(round, height, chunk, stateRootOf(round));
    }

    /// @notice By `challenger()`, with exactly the bond.
    function post(uint32 round, uint32 height, uint32 chunk) internal {
        post(challenger(), round, height, chunk, run.nextBond());
    }

    /// @notice A challenge that nobody answers, and its overturn as early as can be.
    function takeBack(uint32 round, uint32 height, uint32 chunk) internal {
        post(round, height, chunk);
        skip(p.answerWindow);
        overturn(round, chunk);
    }

    /// @notice All voters of an overturned round are slashed, and act again from the next round on.
    function settleOverturn(uint32 round, uint32 chunk, uint8 first, uint8 last) internal {
        skip(p.answerWindow);
        for (uint8 seat = first; seat <= last; ++seat) {
            slash(round, chunk, seat);
            if (run.seats(seat).nextWeight != 0) activate(seat);
        }
    }

    /// @notice Good rounds of seats first..last.
    function playRounds(uint256 count, uint8 first, uint8 last) internal {
        for (uint256 i; i < count; ++i) {
            playRound(first, last);
        }
    }

    // ------------------------------------------------------------------ checks

    function assertStatus(uint32 round, uint32 chunk, IRunTypes.Status wanted) internal view {
        assertEq(uint256(run.challenges(round, chunk).status), uint256(wanted), "status");
    }

    function wrongStatus(IRunTypes.Status status) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.WrongStatus.selector, status);
    }

    /// @notice Received = staked + pool + burnt + credits + bonds held.
    function assertBooks() internal view {
        uint256 sum = run.staked() + run.pool() + run.burnt();
        sum += run.credit(challenger()) + run.credit(anybody()) + run.credit(ANSWERER) + run.credit(OTHER);
        for (uint256 id; id < run.roll().seats; ++id) {
            sum += run.credit(ownerOf(id));
        }
        for (uint256 i; i < posted.length; ++i) {
            sum += run.challenges(posted[i].round, posted[i].chunk).bond;
        }
        assertEq(address(run).balance, sum, "books");
    }

    /// @notice Weights as the roll should have them: of the seats that have not left, and of those that act in the next round.
    function assertRoll() internal view {
        uint256 seated;
        uint256 active;
        uint256 staked;
        for (uint256 id; id < run.roll().seats; ++id) {
            IRunTypes.Seat memory s = run.seats(uint8(id));
            if (s.flags & 2 == 0) staked += s.nextWeight * uint256(p.weightUnit);
            if (s.leftAt == 0) seated += s.nextWeight;
            if (s.from != 0 && s.until == FOREVER) active += s.nextWeight;
        }
        assertEq(run.roll().seated, seated, "seated");
        assertEq(run.roll().nextActive, active, "active");
        assertEq(run.staked(), staked, "staked");
    }
}
