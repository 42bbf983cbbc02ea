// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {vm} from "../util/Vm.sol";
import {Work} from "./Work.t.sol";

/// @notice Owners, operators, bidders and bystanders: seats are taken, changed, benched, left, bid for and paid out.
abstract contract SeatCalls is Work {
    uint256 private nonce;

    function admitted(address who) internal {
        if (!isPrivate() || run.invitations(who) != 0) return;
        IRunTypes.Invitation memory i = IRunTypes.Invitation(who, address(0), uint64(time()), ++nonce);
        bytes memory signature = signedByOwner(invitationDigest(i));
        must("admit", who, 0, abi.encodeCall(ITrainingRun.admit, (who, i, signature, "")));
    }

    function doJoin(uint256 seed) external {
        ++steps;
        joinOne(seed);
        joinOne(seed >> 80);
    }

    function joinOne(uint256 seed) private {
        address who = person(seed >> 16);
        if (seed % 4 != 0) admitted(who);
        uint8 weight = uint8(1 + (seed >> 8) % (seed % 16 == 0 ? 80 : 24));
        uint256 id = run.roll().seats;
        bytes memory data = abi.encodeCall(ITrainingRun.join, (weight, handOf(who, 0), keccak256(data_(seed)), PEER));
        if (attempt("join", who, stakeOf(weight), data)) stakeNow[uint8(id)] = weight;
    }

    function data_(uint256 seed) private pure returns (bytes memory) {
        return abi.encode("tip", seed);
    }

    function doActivate(uint256 seed) external {
        ++steps;
        if (seed % 2 == 0) skip(p.activateDelay);
        for (uint256 i = LOWEST; i < 256; ++i) {
            if ((seed >> i) & 1 == 0 && seed % 3 != 0) continue;
            IRunTypes.Seat memory s = run.seats(uint8(i));
            if (s.owner == address(0) || s.leftAt != 0 || (s.from != 0 && s.until == FOREVER && seed % 16 != 0)) continue;
            address who = (seed >> 8) % 2 == 0 ? s.owner : handAt(s, run.clock().round);
            bool isActive = s.from != 0 && s.until == FOREVER;
            bytes memory data = abi.encodeCall(ITrainingRun.activate, (uint8(i)));
            if (!isActive && s.named == 0 && vm.getBlockTimestamp() >= s.readyAt) must("activate", who, 0, data);
            else refuses("activate", who, 0, data);
        }
    }

    function doLeave(uint256 seed) external {
        ++steps;
        uint8 id = anyId(seed >> 8);
        IRunTypes.Seat memory s = run.seats(id);
        bool isThere = s.owner != address(0) && s.leftAt == 0;
        if (seed % 3 == 0) {
            bytes memory data = abi.encodeCall(ITrainingRun.leave, (id));
            if (isThere) must("leave", s.owner, 0, data);
            else refuses("leave", s.owner, 0, data);
        } else if (seed % 3 == 1) {
            bytes memory data = abi.encodeCall(ITrainingRun.revoke, (id));
            if (isThere && isPrivate()) must("revoke", runOwner(), 0, data);
            else refuses("revoke", runOwner(), 0, data);
        } else {
            // Long enough for a place that nobody activates to be given up.
            if (seed % 2 == 0) skip(uint256(p.activateDelay) + p.challengeWindow + p.answerWindow);
            for (uint256 i = LOWEST; i < 256; ++i) {
                attempt("retire", person(seed), 0, abi.encodeCall(ITrainingRun.retire, (uint8(i))));
            }
        }
    }

    function doTopUp(uint256 seed) external {
        ++steps;
        for (uint256 i; i < 3; ++i) {
            uint8 id = anyId((seed >> 8) + i);
            uint8 by = uint8((seed >> (16 + 8 * i)) % 6);
            bool ok = attempt("topUp", run.seats(id).owner, stakeOf(by), abi.encodeCall(ITrainingRun.topUp, (id, by)));
            if (ok) stakeNow[id] += by;
        }
    }

    function doHotKeys(uint256 seed) external {
        ++steps;
        for (uint256 i; i < 4; ++i) {
            hotKeys((seed >> (20 * i)) + i);
        }
    }

    function hotKeys(uint256 seed) private {
        uint8 id = anyId(seed >> 8);
        address who = run.seats(id).owner;
        if (seed % 4 == 0) attempt("setPeer", who, 0, abi.encodeCall(ITrainingRun.setPeer, (id, PEER)));
        else if (seed % 4 == 1) attempt("announceTip", who, 0, abi.encodeCall(ITrainingRun.announceTip, (id, bytes32(seed))));
        else attempt("setOperator", who, 0, abi.encodeCall(ITrainingRun.setOperator, (id, handOf(who, seed >> 16))));
    }

    function doBench(uint256 seed) external {
        ++steps;
        uint32 back = 3 + uint32(seed % 2);
        // The same are silent for some rounds.
        uint256 silent = (seed >> 100) & (seed >> 130);
        if (seed % 4 != 0) this.doActivate(6 * (seed >> 8));
        for (uint256 i; i < 4 && seed % 4 != 0; ++i) {
            tryOpen();
            finishBy(~silent, RIGHT);
        }
        uint32 round = run.clock().round;
        if (round < 2 + back) return;
        for (uint256 i = LOWEST; i < 256; ++i) {
            IRunTypes.Seat memory s = run.seats(uint8(i));
            if (s.from == 0 || s.until != FOREVER) continue;
            attempt("bench", person(seed), 0, abi.encodeCall(ITrainingRun.bench, (uint8(i), round - back)));
        }
    }

    // ------------------------------------------------------------------ places

    function doBid(uint256 seed) external {
        ++steps;
        for (uint256 i; i < 5; ++i) {
            bidFor((seed >> (40 * i)) + i);
        }
    }

    function bidFor(uint256 seed) private {
        // Now and then for a place whose holder left long ago.
        uint8 id = seed % 8 == 0 ? LOWEST - 1 : anyId(seed >> 8);
        address who = person(seed >> 16);
        if (seed % 4 != 0) admitted(who);
        uint256 weight = 2 * uint256(run.seats(id).nextWeight) + (seed >> 24) % 12;
        if (weight > 255) return;
        bytes memory data = abi.encodeCall(ITrainingRun.bid, (id, uint8(weight)));
        if (attempt("bid", who, stakeOf(weight), data)) stakeBid[id] = weight;
    }

    function doTakeSeat(uint256 seed) external {
        ++steps;
        if (seed % 2 == 0) skip(p.activateDelay);
        for (uint256 i = LOWEST - 1; i < 256; ++i) {
            uint8 id = uint8(i);
            IRunTypes.Bid memory b = run.bids(id);
            if (b.owner == address(0)) continue;
            if ((seed >> (8 + i % 32)) % 3 == 0) {
                must("withdrawBid", b.owner, 0, abi.encodeCall(ITrainingRun.withdrawBid, (id)));
                stakeBid[id] = 0;
                continue;
            }
            bytes memory data = abi.encodeCall(ITrainingRun.takeSeat, (id, handOf(b.owner, 0), bytes32(seed), PEER));
            if (!attempt("takeSeat", b.owner, 0, data)) continue;
            (stakeFormer[id], stakeNow[id], stakeBid[id]) = (stakeNow[id], b.weight, 0);
        }
    }

    // ------------------------------------------------------------------ leaving

    /// @notice Latest time at which the stake of a holder that left is free, said from outside: by what became of the round of its last vote. 0 = no such time,
    /// because it has not left, is paid out, or is named by an overturn that anybody can settle.
    function promiseOf(uint8 id, IRunTypes.Seat memory s) public view returns (uint256 free) {
        if (s.owner == address(0) || s.leftAt == 0 || s.flags & 2 != 0 || s.named != 0) return 0;
        uint256 delay = p.leaveDelay > run.horizon() ? p.leaveDelay : run.horizon();
        free = s.leftAt + delay;
        (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(s.until);
        if (((voters | dissenters) >> id) & 1 == 0) return free;
        uint256 answersUntil = b.time + (b.flags & 1 == 0 ? 0 : run.horizon());
        if (answersUntil > free) free = answersUntil;
    }

    function withdrawIfPromised(uint8 id, bool isFormer) public {
        IRunTypes.Seat memory s = isFormer ? run.formerSeats(id) : run.seats(id);
        if (s.owner == address(0)) return;
        if (!isFormer) {
            // The call pays a former holder of the same owner first.
            IRunTypes.Seat memory f = run.formerSeats(id);
            if (f.owner == s.owner && f.flags & 2 == 0) return;
        }
        uint256 promised = promiseOf(id, s);
        uint256 stake = isFormer ? stakeFormer[id] : stakeNow[id];
        uint256 before = address(run).balance;
        bytes memory data = abi.encodeCall(ITrainingRun.withdraw, (id, payable(s.owner)));
        if (promised != 0 && promised <= vm.getBlockTimestamp()) must("withdraw", s.owner, 0, data);
        else if (!attempt("withdraw", s.owner, 0, data)) return;
        assertEq(before - address(run).balance, stakeOf(stake), "all of its stake");
        assertGe(vm.getBlockTimestamp(), s.leftAt + run.horizon(), "not before the horizon");
        if (isFormer) (stakeFormer[id], done["(a former holder withdrew)"]) = (0, done["(a former holder withdrew)"] + 1);
        else stakeNow[id] = 0;
    }

    function doWithdraw(uint256 seed) external {
        ++steps;
        for (uint256 id = LOWEST - 1; id < 256; ++id) {
            if ((seed >> id) & 1 == 1) withdrawIfPromised(uint8(id), seed % 2 == 0);
        }
    }
}
