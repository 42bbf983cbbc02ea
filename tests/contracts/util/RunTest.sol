// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../../contracts/interfaces/IRunErrors.sol";
import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Base of the run's tests: a run with the default parameters, actors for its seats, and one helper for each thing an actor does.
/// Seat i is owned by "owner i" and operated by "operator i". Every helper acts in a block of its own unless it says otherwise; the time stands still
/// but for `skip` and `skipTo`. `fails(...)` in front of a helper expects its call to revert with exactly these bytes.
abstract contract RunTest is Test {
    uint24 internal constant FOREVER = type(uint24).max;
    uint32 internal constant NO_END = type(uint32).max;
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant FIRST_BLOCK = 1_000;
    uint32 internal constant FIRST = 2; // the first round

    struct Outcome {
        uint256 accepted;
        uint256 checked;
        bytes32 root;
    }

    ITrainingRun internal run;
    IRunTypes.Parameters internal p;
    bytes private expected;

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
    }

    /// @notice Deploys a run with the parameters `p`.
    function deploy() internal {
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

    /// @dev Directly in front of a call: who sends it and what it must revert with.
    function next(address sender) internal {
        vm.prank(sender);
        if (expected.length == 0) return;
        vm.expectRevert(expected);
        delete expected;
    }

    // ------------------------------------------------------------------ actors

    function ownerOf(uint256 seat) internal pure returns (address) {
        return vm.addr(uint256(keccak256(abi.encode("owner", seat))));
    }

    function operatorOf(uint256 seat) internal pure returns (address) {
        return vm.addr(uint256(keccak256(abi.encode("operator", seat))));
    }

    function stakeOf(uint256 weight) internal view returns (uint256) {
        return weight * p.weightUnit;
    }

    /// @notice The next seat is taken by its actors.
    function join(uint8 weight) internal returns (uint8 seat) {
        uint256 id = run.roll().seats;
        vm.deal(ownerOf(id), stakeOf(weight));
        next(ownerOf(id));
        return run.join{value: stakeOf(weight)}(weight, operatorOf(id), keccak256(abi.encode("tip", id)), "/ip4/10.0.0.1/tcp/4001");
    }

    function activate(uint8 seat) internal {
        next(operatorOf(seat));
        run.activate(seat);
    }

    function leave(uint8 seat) internal {
        next(ownerOf(seat));
        run.leave(seat);
    }

    function withdraw(uint8 seat) internal {
        next(ownerOf(seat));
        run.withdraw(seat, payable(ownerOf(seat)));
    }

    /// @notice Seats join and activate.
    function seatAll(uint8[] memory weights) internal {
        uint8 first = uint8(run.roll().seats);
        for (uint256 i; i < weights.length; ++i) {
            join(weights[i]);
        }
        skip(p.activateDelay);
        for (uint256 i; i < weights.length; ++i) {
            activate(uint8(first + i));
        }
    }

    function openRound() internal {
        next(address(this));
        run.openRound();
        mine();
    }

    /// @notice A run with seats of these weights in its first round.
    function start(uint8[] memory weights) internal {
        seatAll(weights);
        openRound();
    }

    function start(uint8 a, uint8 b, uint8 c) internal {
        uint8[] memory weights = new uint8[](3);
        (weights[0], weights[1], weights[2]) = (a, b, c);
        start(weights);
    }

    function start(uint8 a, uint8 b, uint8 c, uint8 d) internal {
        uint8[] memory weights = new uint8[](4);
        (weights[0], weights[1], weights[2], weights[3]) = (a, b, c, d);
        start(weights);
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

    // ------------------------------------------------------------------ rounds

    function rootOf(uint32 round, uint8 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("gradient", round, seat));
    }

    function commitmentOf(uint32 round, uint8 seat) internal view returns (bytes32) {
        bytes32 domain = domainOf("comitia.commitment.v1", block.chainid, address(run));
        return hashCommitment(domain, round, seat, operatorOf(seat), rootOf(round, seat));
    }

    /// @notice What honest seats vote for.
    function good(uint32 round) internal pure returns (Outcome memory) {
        return Outcome(7, 0, keccak256(abi.encode("state", round)));
    }

    /// @notice One of many other outcomes.
    function bad(uint32 round, uint256 kind) internal pure returns (Outcome memory) {
        return Outcome(7, kind, keccak256(abi.encode("another state", round)));
    }

    function hashOf(uint32 round, Outcome memory o) internal view returns (bytes32) {
        return hashOutcome(domainOf("comitia.outcome.v1", block.chainid, address(run)), round, o);
    }

    function commit(uint32 round, uint8 seat) internal {
        (uint64 number, bytes32 hash) = anchor();
        next(operatorOf(seat));
        run.commit(round, seat, number, hash, commitmentOf(round, seat), sealedOf(round, seat));
        mine();
    }

    function sealedOf(uint32 round, uint8 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("sealed", round, seat));
    }

    function keyOf(uint32 round, uint8 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("key", round, seat));
    }

    function reveal(uint32 round, uint8 seat) internal {
        next(operatorOf(seat));
        run.reveal(round, seat, rootOf(round, seat), keyOf(round, seat), 7);
        mine();
    }

    function vote(uint32 round, uint8 seat, Outcome memory o) internal {
        (uint64 number, bytes32 hash) = anchor();
        next(operatorOf(seat));
        run.vote(round, seat, number, hash, o.accepted, o.checked, o.root);
        mine();
    }

    function vote(uint32 round, uint8 seat) internal {
        vote(round, seat, good(round));
    }

    /// @notice Seats first..last commit, or reveal, or vote for the good outcome, in the current round.
    function commitAll(uint8 first, uint8 last) internal {
        uint32 round = run.clock().round;
        for (uint8 seat = first; seat <= last; ++seat) {
            commit(round, seat);
        }
    }

    function revealAll(uint8 first, uint8 last) internal {
        uint32 round = run.clock().round;
        for (uint8 seat = first; seat <= last; ++seat) {
            reveal(round, seat);
        }
    }

    /// @notice The current round goes to its vote with all seats first..last.
    function toVote(uint8 first, uint8 last) internal {
        commitAll(first, last);
        revealAll(first, last);
        assertPhase(IRunTypes.Phase.Vote);
    }

    /// @notice A good round with all seats first..last.
    function playRound(uint8 first, uint8 last) internal {
        uint32 round = run.clock().round;
        toVote(first, last);
        for (uint8 seat = first; seat <= last; ++seat) {
            vote(round, seat);
        }
    }

    /// @notice The current round goes void: all of first..last commit, nobody reveals.
    function playVoid(uint8 first, uint8 last) internal {
        commitAll(first, last);
        skipTo(run.deadline());
        assertPhase(IRunTypes.Phase.Void);
    }

    // ------------------------------------------------------------------ checks

    function assertPhase(IRunTypes.Phase wanted) internal view {
        assertEq(uint256(run.phase()), uint256(wanted), "phase");
    }

    function wrongPhase(IRunTypes.Phase current) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.WrongPhase.selector, current);
    }
}
