// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {vm} from "../util/Vm.sol";
import {World} from "./World.t.sol";

/// @notice Rounds over a tiny model: one chunk, whose state is one word of eight parameters, 128 times, and whose gradients are one byte, 128 times. All hashes are
/// real, so right sums can be answered for and wrong ones cannot.
abstract contract Work is World {
    // What can be voted for.
    uint256 internal constant RIGHT = 0;
    uint256 internal constant WRONG_SUM = 1;
    uint256 internal constant UNREVEALED = 2; // the set has a seat that did not reveal
    uint256 internal constant SUBSET = 3; // right for a smaller set
    uint256 internal constant WRONG_END = 4; // the right root but for its last bytes
    uint256 internal constant KINDS = 5;

    mapping(bytes26 root => bytes32) internal words; // the states
    mapping(uint32 round => mapping(uint256 kind => Outcome)) internal outcomes;
    mapping(uint32 round => uint256) public kindOf; // of the final outcome
    mapping(uint32 round => uint24) public heightOf;
    mapping(uint32 round => mapping(uint256 kind => uint256)) public votersOf;
    uint256 private voting;
    uint32[] public finalRounds; // newest last, overturned ones too

    // ------------------------------------------------------------------ the model

    function genesis() internal view override returns (bytes32) {
        return stateRoot(bytes32(uint256(1)));
    }

    function wordOf(bytes26 root) internal view returns (bytes32) {
        return root == bytes26(genesis()) ? bytes32(uint256(1)) : words[root];
    }

    function repeated(bytes32 word, uint256 doublings) internal pure returns (bytes memory all) {
        all = abi.encodePacked(word);
        for (uint256 i; i < doublings; ++i) {
            all = abi.encodePacked(all, all);
        }
    }

    function stateRoot(bytes32 word) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(1), uint32(0), repeated(word, 7)));
    }

    function byteOf(uint32 round, uint256 id) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("bits", round, id))) & 0xff;
    }

    function bitsOf(uint32 round, uint256 id) internal pure returns (bytes memory) {
        return repeated(bytes32(byteOf(round, id) * (type(uint256).max / 255)), 2);
    }

    function gradientOf(uint32 round, uint256 id) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(0), uint32(0), bitsOf(round, id)));
    }

    /// @notice The step as docs/protocol.md writes it, for eight parameters, little-endian.
    function stepped(bytes32 word, uint32 round, uint256 set, uint256 step) internal view returns (bytes32 to) {
        uint256[8] memory votes;
        uint256 total;
        for (uint256 id = LOWEST; id < 256; ++id) {
            if ((set >> id) & 1 == 0) continue;
            uint256 weight = run.entry(round, uint8(id)).weight;
            total += weight;
            for (uint256 i; i < 8; ++i) {
                votes[i] += ((byteOf(round, id) >> i) & 1) * weight;
            }
        }
        for (uint256 i; i < 8; ++i) {
            uint32 raw;
            for (uint256 b = 4; b > 0; --b) {
                raw = (raw << 8) | uint8(word[4 * i + b - 1]);
            }
            int256 gain = 3 * (int256((votes[i] << 15) / total) - 16_384);
            if (gain > 16_384) gain = 16_384;
            if (gain < -16_384) gain = -16_384;
            int256 moved = int256(int32(raw)) - ((gain * int256(step) + 8_192) >> 14);
            for (uint256 b; b < 4; ++b) {
                to |= bytes32((uint256(moved >> (8 * b)) & 0xff) << (248 - 8 * (4 * i + b)));
            }
        }
    }

    /// @dev Of a round in its vote phase: from then on the set is known.
    function outcomeOf(uint32 round, uint256 kind) internal returns (Outcome memory o) {
        if (kind == SUBSET) outcomeOf(round, RIGHT); // to be compared with it
        o = outcomes[round][kind];
        if (o.accepted != 0) return o;
        uint24 height = run.clock().height;
        uint256 lone;
        for (uint256 id = LOWEST; id < 256; ++id) {
            IRunTypes.Entry memory e = run.entry(round, uint8(id));
            if (e.weight == 0 || e.stage == 0) continue;
            o.accepted |= 1 << id;
            if (lone == 0) lone = 1 << id;
        }
        if (o.accepted == 0) return Outcome(1, kind, bytes32(kind));
        if (kind == SUBSET) o.accepted = lone;
        o.checked = o.accepted & uint256(keccak256(abi.encode("checked", round)));
        (bytes26 old,,,) = run.result(height);
        bytes32 word = stepped(wordOf(old), round, o.accepted, run.stepAt(height));
        if (kind == WRONG_SUM) word ^= bytes32(uint256(1) << (round % 256));
        if (kind == UNREVEALED) o.accepted |= 1;
        o.root = stateRoot(word);
        words[bytes26(o.root)] = word;
        if (kind == WRONG_END) o.root ^= bytes32(uint256(1));
        outcomes[round][kind] = o;
    }

    function afterFinal(uint32 round) internal override {
        // Only a vote makes a round final, and a vote is for a kind.
        kindOf[round] = voting;
        heightOf[round] = lastHeight + 1;
        finalRounds.push(round);
        if (voting != RIGHT && voting != SUBSET) ++done["(a wrong state is final)"];
    }

    /// @notice What became final in the round, as those who voted know it.
    function finalOutcome(uint32 round) external view returns (Outcome memory) {
        return outcomes[round][kindOf[round]];
    }

    /// @notice The newest final round that no overturn took; 0 = none.
    function lastStanding() public view returns (uint32) {
        for (uint256 i = finalRounds.length; i > 0; --i) {
            if (!isOverturned[finalRounds[i - 1]]) return finalRounds[i - 1];
        }
        return 0;
    }

    function isRight(uint32 round) internal view returns (bool) {
        return kindOf[round] == RIGHT || kindOf[round] == SUBSET;
    }

    // ------------------------------------------------------------------ what a seat does

    function commitCall(uint32 round, uint8 id) internal view returns (bytes memory) {
        (uint64 number, bytes32 hash) = anchor();
        bytes32 domain = domainOf("comitia.commitment.v1", block.chainid, address(run));
        bytes32 commitment = hashCommitment(domain, round, id, handAt(id, round), gradientOf(round, id));
        return abi.encodeCall(ITrainingRun.commit, (round, id, number, hash, commitment, sealedOf(round, id)));
    }

    function revealCall(uint32 round, uint8 id) internal pure returns (bytes memory) {
        return abi.encodeCall(ITrainingRun.reveal, (round, id, gradientOf(round, id), keyOf(round, id), 7));
    }

    function voteCall(uint32 round, uint8 id, uint256 kind) internal returns (bytes memory) {
        (uint64 number, bytes32 hash) = anchor();
        bool isKnownNow = run.phase() == IRunTypes.Phase.Vote && round == run.clock().round;
        Outcome memory o = isKnownNow ? outcomeOf(round, kind) : outcomes[round][kind];
        if (o.accepted == 0) o = Outcome(1, kind, bytes32(kind));
        // With one seat accepted, its subset is the whole.
        voting = kind == SUBSET && o.accepted == outcomes[round][RIGHT].accepted ? RIGHT : kind;
        return abi.encodeCall(ITrainingRun.vote, (round, id, number, hash, o.accepted, o.checked, o.root));
    }

    function act(uint8 id, uint256 what, uint32 round, uint256 kind, bool isPromised) internal {
        mine();
        address hand = handAt(id, round);
        bool isLate = finals[round] == 1;
        bytes memory data = what == 0 ? commitCall(round, id) : what == 1 ? revealCall(round, id) : voteCall(round, id, kind);
        string memory name = what == 0 ? "commit" : what == 1 ? "reveal" : "vote";
        if (isPromised) must(name, hand, 0, data);
        else if (!attempt(name, hand, 0, data)) return;
        if (what == 2) {
            votersOf[round][voting] |= uint256(1) << id;
            if (isLate) ++done["(a late vote)"];
            else if (voting != RIGHT && voting != SUBSET) ++done["(a vote for a wrong state)"];
        }
    }

    function each(uint256 mask, uint256 what, uint32 round, uint256 kind, bool isPromised) internal {
        for (uint256 id = LOWEST; id < 256; ++id) {
            if ((mask >> (id - LOWEST)) & 1 == 1) act(uint8(id), what, round, kind, isPromised);
        }
    }

    // ------------------------------------------------------------------ operations (fuzzed)

    /// @dev Opens by anybody, exactly when the rules say so.
    function tryOpen() internal {
        bytes memory data = abi.encodeCall(ITrainingRun.openRound, ());
        if (!canOpen()) return refuses("openRound", person(1), 0, data);
        must("openRound", person(1), 0, data);
        mine();
    }

    /// @dev The round before is over, the run is not, more than two thirds of the next base are active, and what the ring slot holds can be settled no more.
    function canOpen() internal view returns (bool) {
        IRunTypes.Phase phase = run.phase();
        IRunTypes.Roll memory r = run.roll();
        if (phase != IRunTypes.Phase.Idle && phase != IRunTypes.Phase.Void && phase != IRunTypes.Phase.Final) return false;
        uint256 base = (uint256(r.seated) + 1) / 2;
        if (r.nextActive > base) base = r.nextActive;
        if (p.minWeight > base) base = p.minWeight;
        if (r.stoppedAt != 0 || 3 * uint256(r.nextActive) <= 2 * base) return false;
        uint32 before = lastRound == 0 || lastRound + 1 < 2 + p.ring ? 0 : lastRound + 1 - p.ring;
        return finals[before] == 0 || vm.getBlockTimestamp() >= finalAt[before] + run.horizon() + p.settleWindow;
    }

    /// @dev More than two thirds of the base act as they should, whatever the others do: the round becomes final.
    function doHonestRound(uint256 seed) external {
        ++steps;
        tryOpen();
        IRunTypes.Clock memory c = run.clock();
        if (run.phase() != IRunTypes.Phase.Commit || c.committed != 0 || c.commitEnd != NO_END) return finish(seed, RIGHT);
        (uint256 honest, uint256 others, uint256 weight) = (0, 0, 0);
        for (uint256 i; i < 256 - LOWEST; ++i) {
            uint256 w = weightAt(uint8(LOWEST + i), c.round);
            if (w == 0) continue;
            honest |= 1 << i;
            weight += w;
        }
        for (uint256 i; i < 256 - LOWEST; ++i) {
            uint256 w = weightAt(uint8(LOWEST + i), c.round);
            if ((honest >> i) & 1 == 0 || (seed >> i) & 1 == 0 || 3 * (weight - w) <= 2 * uint256(c.base)) continue;
            (honest, others, weight) = (honest & ~(uint256(1) << i), others | (1 << i), weight - w);
        }
        each(others & (seed >> 20), 0, c.round, 0, false);
        each(honest, 0, c.round, 0, true);
        toDeadline(IRunTypes.Phase.Commit);
        each(honest, 1, c.round, 0, true);
        each(others & (seed >> 40), 1, c.round, 0, false);
        toDeadline(IRunTypes.Phase.Reveal);
        assertPhase(IRunTypes.Phase.Vote);
        each(others & (seed >> 64), 2, c.round, 1 + (seed >> 60) % 4, false);
        each(honest, 2, c.round, RIGHT, true);
        assertEq(run.clock().height, c.height + 1, "two thirds that act make a round final");
        ++done["(two thirds acted)"];
    }

    /// @dev All agree on something that may be wrong.
    function doCartelRound(uint256 seed) external {
        ++steps;
        tryOpen();
        finish(seed, seed % 8 == 0 ? SUBSET : seed % 3 == 0 ? WRONG_SUM : seed % 3 == 1 ? UNREVEALED : WRONG_END);
    }

    function finish(uint256 seed, uint256 kind) internal {
        finishBy(~((seed >> 100) & (seed >> 130) & (seed >> 160)), kind);
    }

    function finishBy(uint256 mask, uint256 kind) internal {
        uint32 round = run.clock().round;
        each(mask, 0, round, 0, false);
        toDeadline(IRunTypes.Phase.Commit);
        each(mask, 1, round, 0, false);
        toDeadline(IRunTypes.Phase.Reveal);
        each(mask, 2, round, kind, false);
    }

    /// @dev Anything at any time, by anybody; often in the wrong phase, sometimes in another round.
    function doAct(uint256 seed) external {
        ++steps;
        uint32 round = run.clock().round;
        if (seed % 8 == 0 && round > 4) round -= uint32((seed >> 4) % 3);
        uint256 what = (seed >> 8) % 3;
        if (seed % 4 != 0 && run.phase() == IRunTypes.Phase.Reveal) what = 1;
        if (seed % 4 != 0 && run.phase() == IRunTypes.Phase.Vote) what = 2;
        each((seed >> 16) & (seed >> 48), what, round, (seed >> 80) % KINDS, false);
    }

    /// @dev For the outcome that became final.
    function doLateVote(uint256 seed) external {
        ++steps;
        if (finalRounds.length == 0) return;
        uint32 round = finalRounds[finalRounds.length - 1];
        each(seed, 2, round, seed % 4 == 0 ? (seed >> 64) % KINDS : kindOf[round], false);
    }

    function doOpen() external {
        ++steps;
        tryOpen();
    }

    function doWait(uint256 seed) external {
        ++steps;
        ++done["(the time jumps)"];
        if (seed % 4 == 0) skip(1 + (seed >> 8) % 120);
        else if (seed % 4 == 1 || run.deadline() == type(uint64).max) skip(1 + (seed >> 8) % 12);
        // To the last second of a phase, or to the first after it.
        else skipTo(run.deadline() - (run.deadline() > time() ? (seed >> 8) % 2 : 0));
    }
}
