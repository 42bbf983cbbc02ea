// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice A run with the default parameters, its actors, the chain's time, the hashed messages, and the errors with arguments.
/// The layers above: Actors.sol (one helper for each external function), RunTest.sol (rounds and sequences).
abstract contract RunBase is Test {
    uint24 internal constant FOREVER = type(uint24).max;
    uint32 internal constant NO_END = type(uint32).max;
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant FIRST_BLOCK = 1_000;
    uint32 internal constant FIRST = 2; // the first round
    uint16 internal constant FORMER = 256; // `settle` takes seat + 256 for the former holder

    struct Outcome {
        uint256 accepted;
        uint256 checked;
        bytes32 root;
    }

    ITrainingRun internal run;
    IRunTypes.Parameters internal p;
    bytes private expected;
    mapping(uint256 seat => address) private owners;
    mapping(uint256 seat => address) private operators;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(FIRST_BLOCK);
        p = defaults();
        deploy();
    }

    /// @dev The demo's windows (design, operations.md, Default windows).
    function defaults() internal pure returns (IRunTypes.Parameters memory d) {
        d.genesisRoot = keccak256("genesis");
        d.specDigest = keccak256("specification");
        d.parameterCount = 100_000;
        (d.commitMin, d.grace, d.commitCap) = (10, 3, 24);
        (d.revealWindow, d.voteWindow) = (20, 60);
        (d.challengeWindow, d.answerWindow, d.settleWindow) = (30, 30, 30);
        (d.activateDelay, d.leaveDelay) = (20, 120);
        d.ring = 16;
        d.weightUnit = 0.001 ether;
        d.minWeight = 10;
        (d.peakStep, d.warmup, d.decay, d.totalHeights) = (1_000, 5, 5, 100);
        // Odd, so that shares are rounded.
        (d.rewardPerRound, d.checkReward, d.challengeBond) = (0.1 ether + 1, 0.01 ether + 1, 0.05 ether + 1);
    }

    /// @notice Deploys a run with the parameters `p`. Its owner is `runOwner()`.
    function deploy() internal {
        vm.prank(runOwner());
        run = ITrainingRun(deployCode("TrainingRun.sol", abi.encode(p)));
    }

    // ------------------------------------------------------------------ chain

    /// @notice Goes to the next block at the same time. Its parent's hash is known, as on a chain.
    function mine() internal {
        uint256 number = vm.getBlockNumber();
        vm.roll(number + 1);
        vm.setBlockhash(number, keccak256(abi.encode("block", number)));
    }

    function skipTo(uint256 time) internal {
        vm.warp(time);
        mine();
    }

    function time() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    /// @notice The newest block that a transaction of this block can name.
    function anchor() internal view returns (uint64 number, bytes32 hash) {
        number = uint64(vm.getBlockNumber() - 1);
        hash = blockhash(number);
    }

    /// @notice The next call by a helper reverts with these bytes.
    function fails(bytes memory revertData) internal {
        expected = revertData;
    }

    function fails(bytes4 selector) internal {
        expected = abi.encodeWithSelector(selector);
    }

    /// @dev Directly in front of a call: who sends it and what it must revert with. Returns whether it must succeed.
    function next(address sender) internal returns (bool succeeds) {
        vm.prank(sender);
        if (expected.length == 0) return true;
        vm.expectRevert(expected);
        delete expected;
    }

    // ------------------------------------------------------------------ actors

    function keyFor(string memory role, uint256 id) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(role, id)));
    }

    function actor(string memory role, uint256 id) internal pure returns (address) {
        return vm.addr(keyFor(role, id));
    }

    function runOwner() internal pure returns (address) {
        return actor("run owner", 0);
    }

    function anybody() internal pure returns (address) {
        return actor("anybody", 0);
    }

    function bidderOf(uint256 seat) internal pure returns (address) {
        return actor("bidder", seat);
    }

    /// @notice Seat i is owned by "owner i" and operated by "operator i", until another holder takes its place.
    function ownerOf(uint256 seat) internal view returns (address) {
        return owners[seat] == address(0) ? actor("owner", seat) : owners[seat];
    }

    function operatorOf(uint256 seat) internal view returns (address) {
        return operators[seat] == address(0) ? actor("operator", seat) : operators[seat];
    }

    /// @notice From here on the helpers act for the seat by these accounts (zero = as at the start).
    function actsBy(uint256 seat, address owner, address operator) internal {
        owners[seat] = owner;
        operators[seat] = operator;
    }

    function stakeOf(uint256 weight) internal view returns (uint256) {
        return weight * p.weightUnit;
    }

    // ------------------------------------------------------------------ messages (Messages.t.sol compares them with the vectors)

    function domainOf(string memory tag, uint256 chainId, address contract_) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(bytes(tag)), chainId, contract_));
    }

    function hashCommitment(bytes32 domain, uint32 round, uint8 seat, address sender, bytes32 root) internal pure returns (bytes32) {
        return keccak256(abi.encode(domain, round, seat, sender, root));
    }

    function hashOutcome(bytes32 domain, uint32 round, Outcome memory o) internal pure returns (bytes32) {
        return keccak256(abi.encode(domain, round, o.accepted, o.checked, o.root));
    }

    // ------------------------------------------------------------------ errors with arguments

    function wrongPhase(IRunTypes.Phase current) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.WrongPhase.selector, current);
    }

    function tooEarly(uint256 when) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.TooEarly.selector, uint64(when));
    }

    function tooLate(uint256 when) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.TooLate.selector, uint64(when));
    }

    function notActive(uint256 from, uint256 until) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotActive.selector, from, until);
    }

    function notOwner(address owner) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotOwner.selector, owner);
    }

    function notOperator(address operator) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotOperator.selector, operator);
    }

    function notMissed(uint256 round) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotMissed.selector, round);
    }

    function wrongStake(uint256 stake) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.WrongStake.selector, stake);
    }

    function named(uint256 count) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NamedByOverturn.selector, uint8(count));
    }
}
