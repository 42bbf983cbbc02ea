// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {vm} from "../util/Vm.sol";
import {MoneyCalls} from "./MoneyCalls.t.sol";

/// @notice All operations, and calls that are wrong whatever the state is.
contract Handler is MoneyCalls {
    /// @dev Each must revert: with which error depends on the state, and the counts tell that all occur.
    function doMisuse(uint256 seed) external {
        ++steps;
        for (uint256 i; i < 4; ++i) {
            misuse(uint256(keccak256(abi.encode(seed, i))));
        }
    }

    /// @dev Votes, leaves, and wants its stake while its vote may still become final.
    function doQuit(uint256 seed) external {
        ++steps;
        uint32 round = run.clock().round;
        if (run.phase() == IRunTypes.Phase.Commit) each(type(uint256).max, 0, round, 0, false);
        toDeadline(IRunTypes.Phase.Commit);
        each(type(uint256).max, 1, round, 0, false);
        if (run.phase() != IRunTypes.Phase.Vote) return;
        uint8 id = anyId(seed >> 8);
        act(id, 2, round, (seed >> 16) % KINDS, false);
        IRunTypes.Seat memory s = run.seats(id);
        if (!attempt("leave", s.owner, 0, abi.encodeCall(ITrainingRun.leave, (id)))) return;
        ++done["(who voted leaves at once)"];
        withdrawIfPromised(id, false);
    }

    function misuse(uint256 seed) private {
        address who = person(seed >> 8);
        uint8 id = anyId(seed >> 16);
        uint32 round = run.clock().round;
        IRunTypes.Seat memory s = run.seats(id);
        bytes memory long = new bytes(257);
        (uint64 number, bytes32 hash) = anchor();
        address hand = handAt(id, round);
        uint256 kind = seed % 26;
        if (kind == 0) return wrong(who, 0, abi.encodeCall(ITrainingRun.join, (0, who, 0, "")));
        if (kind == 1) return wrong(who, 1, abi.encodeCall(ITrainingRun.join, (1, who, 0, "")));
        if (isPrivate() && (kind == 2 || kind == 3)) admitted(who);
        if (kind == 2) return wrong(who, stakeOf(1), abi.encodeCall(ITrainingRun.join, (1, address(0), 0, "")));
        if (kind == 3) return wrong(who, stakeOf(1), abi.encodeCall(ITrainingRun.join, (1, who, 0, string(long))));
        if (kind == 4) return wrong(hand, 0, abi.encodeCall(ITrainingRun.commit, (round, id, number, bytes32(seed), 0, 0)));
        if (kind == 5) return wrong(hand, 0, abi.encodeCall(ITrainingRun.commit, (round + 1, id, number, hash, 0, 0)));
        if (kind == 6) return misuseReveal(seed, round);
        if (kind == 7) return wrong(hand, 0, abi.encodeCall(ITrainingRun.vote, (round, id, number, hash, 0, 0, 0)));
        if (kind == 8) return wrong(anybody(), 0, abi.encodeCall(ITrainingRun.leave, (id)));
        if (kind == 9) return wrong(anybody(), 0, abi.encodeCall(ITrainingRun.activate, (id)));
        if (kind == 10) return wrong(s.owner, stakeOf(255), abi.encodeCall(ITrainingRun.topUp, (id, 255)));
        if (kind == 11) return wrong(anybody(), 0, abi.encodeCall(ITrainingRun.claim, (payable(who))));
        if (kind == 12) return wrong(anybody(), 0, abi.encodeCall(ITrainingRun.stop, ()));
        if (kind == 13) return wrong(anybody(), 0, abi.encodeCall(ITrainingRun.withdraw, (id, payable(who))));
        if (kind == 14) return wrong(who, 0, abi.encodeCall(ITrainingRun.settle, (new uint16[](2), 1)));
        if (kind == 15) return wrong(anybody(), 0, abi.encodeCall(ITrainingRun.withdrawBid, (id)));
        if (kind == 16) return wrong(who, run.nextBond(), abi.encodeCall(ITrainingRun.challenge, (round, lastHeight + 1, 0, 0)));
        if (kind == 17) return wrong(s.owner, 0, abi.encodeCall(ITrainingRun.setPeer, (id, string(long))));
        if (kind == 18) return wrong(who, 0, abi.encodeCall(ITrainingRun.lapse, (round + 1, 0)));
        if (kind == 19) return wrong(who, 0, abi.encodeCall(ITrainingRun.retire, (run.roll().seats == 256 ? LOWEST - 2 : 255)));
        if (kind == 20) return wrong(who, 0, abi.encodeCall(ITrainingRun.withdrawBid, (3)));
        if (kind == 21) return misuseInvitation(seed, who);
        if (finalRounds.length == 0) return;
        round = finalRounds[finalRounds.length - 1];
        if (kind == 22) return wrong(who, run.nextBond(), abi.encodeCall(ITrainingRun.challenge, (round, heightOf[round], 0, bytes32(seed))));
        if (challenged.length == 0) return;
        misuseAnswer(seed >> 24, who, openOne());
    }

    function wrong(address who, uint256 value, bytes memory data) private {
        refuses("misuse", who, value, data);
        ++done["(misuse is refused)"];
    }

    function misuseReveal(uint256 seed, uint32 round) private {
        if (run.phase() == IRunTypes.Phase.Commit) each(type(uint256).max, 0, round, 0, false);
        toDeadline(IRunTypes.Phase.Commit);
        for (uint256 i = LOWEST; i < 256; ++i) {
            wrong(handAt(uint8(i), round), 0, abi.encodeCall(ITrainingRun.reveal, (round, uint8(i), bytes32(seed), 0, 0)));
        }
        each(seed, 1, round, 0, false);
        each(seed, 1, round, 0, false);
    }

    function misuseAnswer(uint256 seed, address who, uint32 round) private {
        bytes memory gradients = gradientsOf(round, outcomes[round][kindOf[round]].accepted);
        bytes memory old = repeated(wordBefore(round), 7);
        IRunTypes.Sum memory sum = noSum();
        if (seed % 4 == 1) sum.lanes = new uint256[](64);
        if (seed % 4 == 2) old = repeated(bytes32(seed), 7);
        if (seed % 4 == 3) gradients = abi.encodePacked(gradients, uint8(1));
        if (seed % 4 == 0) old = "";
        wrong(who, 0, abi.encodeCall(ITrainingRun.answer, (round, 0, sum, gradients, old, "", "")));
    }

    function misuseInvitation(uint256 seed, address who) private {
        IRunTypes.Invitation memory i = IRunTypes.Invitation(who, address(0), uint64(time()), seed);
        bytes memory signature = signedByOwner(invitationDigest(i));
        if (seed % 5 == 0) --i.deadline;
        if (seed % 5 == 1) signature[3] ^= 0x01;
        if (seed % 5 == 2) who = anybody();
        if (seed % 5 == 3) must("admit", who, 0, abi.encodeCall(ITrainingRun.admit, (who, i, signature, "")));
        if (seed % 5 == 4) ++i.nonce;
        wrong(who, 0, abi.encodeCall(ITrainingRun.admit, (who, i, signature, "")));
    }

    // ------------------------------------------------------------------ the end

    /// @dev Whatever is open is settled by anybody, all leave, and the promised time passes: everybody is paid.
    function doEnd() external {
        // Even what is challenged now holds nobody's stake for longer.
        uint32 last = lastStanding();
        if (last != 0) challengeRound(last, 3);
        vm.warp(vm.getBlockTimestamp() + 2 * p.answerWindow);
        for (uint256 i; i < challenged.length; ++i) {
            uint32 round = challenged[i];
            if (run.challenges(round, 0).status == IRunTypes.Status.Open) {
                must("lapse", person(1), 0, abi.encodeCall(ITrainingRun.lapse, (round, 0)));
            }
            slashAll(round, type(uint256).max);
        }
        uint256 latest = vm.getBlockTimestamp();
        for (uint256 id = LOWEST - 1; id < 256; ++id) {
            IRunTypes.Bid memory b = run.bids(uint8(id));
            if (b.owner != address(0)) must("withdrawBid", b.owner, 0, abi.encodeCall(ITrainingRun.withdrawBid, (uint8(id))));
            stakeBid[uint8(id)] = 0;
            IRunTypes.Seat memory s = run.seats(uint8(id));
            if (s.owner != address(0) && s.leftAt == 0) must("leave", s.owner, 0, abi.encodeCall(ITrainingRun.leave, (uint8(id))));
            uint256 free = promiseOf(uint8(id), run.seats(uint8(id)));
            if (free > latest) latest = free;
            free = promiseOf(uint8(id), run.formerSeats(uint8(id)));
            if (free > latest) latest = free;
        }
        vm.warp(latest);
        for (uint256 id = LOWEST - 1; id < 256; ++id) {
            if (run.formerSeats(uint8(id)).flags & 2 == 0) this.withdrawIfPromised(uint8(id), true);
            if (run.seats(uint8(id)).flags & 2 == 0) this.withdrawIfPromised(uint8(id), false);
        }
        for (uint256 i; i <= PEOPLE; ++i) {
            address who = people[i];
            if (run.credit(who) != 0) must("claim", who, 0, abi.encodeCall(ITrainingRun.claim, (payable(who))));
        }
        assertEq(run.staked(), 0, "all stakes are paid");
        assertEq(address(run).balance, run.pool() + run.burnt() + forced, "nothing is owed");
    }
}

/// @notice The same in a run by invitation.
contract PrivateHandler is Handler {
    function isPrivate() internal pure override returns (bool) {
        return true;
    }
}
