// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {PlainStep} from "../harness/PlainStep.sol";
import {CourtTest} from "./CourtTest.sol";
import {Trees} from "./Trees.sol";

/// @notice Rounds with real gradients and states, so that challenges of them can be answered. States are those of PlainStep.
abstract contract WorkTest is CourtTest {
    PlainStep internal plain;
    mapping(uint256 height => bytes[]) internal states;

    /// @dev Arguments of `answer`.
    struct Reply {
        IRunTypes.Sum sum;
        bytes gradients;
        bytes oldChunk;
        bytes oldPath;
        bytes newPath;
    }

    function arrange() internal virtual override {
        super.arrange();
        plain = PlainStep(deployCode("PlainStep.sol"));
        shape(1);
    }

    // ------------------------------------------------------------------ the work

    /// @notice The run has this many chunks, the last one nearly empty.
    function shape(uint256 chunks) internal {
        p.parameterCount = uint64(1024 * chunks - 1023);
        delete states[0];
        for (uint256 i; i < chunks; ++i) {
            states[0].push(plain.chunkOf(i));
        }
        p.genesisRoot = rootAt(0);
    }

    function chunkCount() internal view returns (uint256) {
        return states[0].length;
    }

    /// @notice What the seat found: 128 bytes of bits for each chunk.
    function bitsOf(uint32 round, uint256 seat, uint256 chunk) internal view virtual returns (bytes memory) {
        bytes32 seed = keccak256(abi.encode("bits", round, seat, chunk));
        return abi.encodePacked(seed, keccak256(abi.encode(seed)), ~seed, keccak256(abi.encode(~seed)));
    }

    function gradientOf(uint32 round, uint256 seat, uint256 index) internal view returns (bytes32 root, bytes memory path) {
        bytes32[] memory leaves = new bytes32[](chunkCount());
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i] = Trees.gradientLeaf(i, bitsOf(round, seat, i));
        }
        return Trees.build(leaves, index);
    }

    function stateTree(uint256 height, uint256 index) internal view returns (bytes32 root, bytes memory path) {
        bytes32[] memory leaves = new bytes32[](states[height].length);
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i] = Trees.stateLeaf(i, states[height][i]);
        }
        return Trees.build(leaves, index);
    }

    function rootAt(uint256 height) internal view returns (bytes32 root) {
        (root,) = stateTree(height, 0);
    }

    /// @notice Bits of one chunk and weights of the seats of a set.
    function inputsOf(uint32 round, uint256 chunk, uint256 set) internal view returns (bytes[] memory bits, uint256[] memory weights) {
        uint256 count;
        for (uint256 id; id < 256; ++id) {
            count += (set >> id) & 1;
        }
        (bits, weights, count) = (new bytes[](count), new uint256[](count), 0);
        for (uint256 id; id < 256; ++id) {
            if ((set >> id) & 1 == 0) continue;
            bits[count] = bitsOf(round, id, chunk);
            weights[count++] = run.entry(round, uint8(id)).weight;
        }
    }

    /// @notice The state that `height` becomes with what the set found in `round`.
    function step(uint32 round, uint256 height, uint256 set) internal {
        delete states[height + 1];
        for (uint256 i; i < chunkCount(); ++i) {
            (bytes[] memory bits, uint256[] memory weights) = inputsOf(round, i, set);
            states[height + 1].push(plain.stepChunk(states[height][i], bits, weights, run.stepAt(uint32(height))));
        }
    }

    function train(uint32 round, uint8 seat) internal {
        (bytes32 root,) = gradientOf(round, seat, 0);
        (uint64 number, bytes32 hash) = anchor();
        bytes32 domain = domainOf("comitia.commitment.v1", block.chainid, address(run));
        next(operatorOf(seat));
        run.commit(round, seat, number, hash, hashCommitment(domain, round, seat, operatorOf(seat), root), sealedOf(round, seat));
        mine();
    }

    function show(uint32 round, uint8 seat) internal {
        (bytes32 root,) = gradientOf(round, seat, 0);
        next(operatorOf(seat));
        run.reveal(round, seat, root, keyOf(round, seat), 7);
        mine();
    }

    function approve(uint32 round, uint8 seat, uint256 set, bytes32 root) internal {
        setStateRoot(round, root);
        vote(round, seat, Outcome(set, 0, root));
    }

    /// @notice A round of all `count` seats, which accepts `set` and votes for the right state of it.
    function work(uint8 count, uint256 set) internal returns (uint32 round) {
        round = run.clock().round;
        uint256 height = run.clock().height;
        prepare(count);
        step(round, height, set);
        for (uint8 id; id < count; ++id) {
            approve(round, id, set, rootAt(height + 1));
        }
    }

    /// @notice The same, but for the vote.
    function prepare(uint8 count) internal returns (uint32 round) {
        round = run.clock().round;
        for (uint8 id; id < count; ++id) {
            train(round, id);
        }
        for (uint8 id; id < count; ++id) {
            show(round, id);
        }
    }

    // ------------------------------------------------------------------ answers

    /// @notice Bits and path of each seat of the set.
    function partOf(uint32 round, uint256 chunk, uint256 set) internal view returns (bytes memory part) {
        for (uint256 id; id < 256; ++id) {
            if ((set >> id) & 1 == 0) continue;
            (, bytes memory path) = gradientOf(round, id, chunk);
            part = abi.encodePacked(part, bitsOf(round, id, chunk), path);
        }
    }

    /// @notice Sums over the seats of the set, the last of which is `next - 1`.
    function sumOf(uint32 round, uint256 chunk, uint256 set, uint256 nextSeat) internal view returns (IRunTypes.Sum memory sum) {
        (bytes[] memory bits, uint256[] memory weights) = inputsOf(round, chunk, set);
        sum.next = nextSeat;
        for (uint256 i; i < weights.length; ++i) {
            sum.weight += weights[i];
        }
        sum.lanes = plain.lanesOf(bits, weights);
    }

    function replyOf(uint32 round, uint256 height, uint256 chunk, uint256 set) internal view returns (Reply memory r) {
        r.gradients = partOf(round, chunk, set);
        r.oldChunk = states[height - 1][chunk];
        (, r.oldPath) = stateTree(height - 1, chunk);
        (, r.newPath) = stateTree(height, chunk);
    }

    function reply(address sender, uint32 round, uint32 chunk, Reply memory r) internal {
        next(sender);
        run.answer(round, chunk, r.sum, r.gradients, r.oldChunk, r.oldPath, r.newPath);
        mine();
    }

    function replyPart(address sender, uint32 round, uint32 chunk, IRunTypes.Sum memory sum, bytes memory gradients) internal {
        next(sender);
        run.answerPart(round, chunk, sum, gradients);
        mine();
    }
}
