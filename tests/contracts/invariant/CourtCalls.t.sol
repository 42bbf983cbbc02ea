// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {vm} from "../util/Vm.sol";
import {SeatCalls} from "./SeatCalls.t.sol";

/// @notice Challengers, answerers and accusers.
abstract contract CourtCalls is SeatCalls {
    uint32[] public challenged; // rounds whose one chunk was challenged
    mapping(uint32 round => bool) internal isAnswered;
    mapping(uint32 round => uint256) private challengedAt;
    mapping(uint32 round => uint256) private overturnedAt;
    mapping(uint32 round => uint256) public drawn; // pay

    function challengeCount() external view returns (uint256) {
        return challenged.length;
    }

    // ------------------------------------------------------------------ challenges

    function doChallenge(uint256 seed) external {
        ++steps;
        if (finalRounds.length == 0) return;
        uint256 back = seed % 3 < finalRounds.length ? seed % 3 : 0;
        challengeRound(finalRounds[finalRounds.length - 1 - back], seed);
    }

    function challengeRound(uint32 round, uint256 seed) internal {
        bytes memory data =
            abi.encodeCall(ITrainingRun.challenge, (round, heightOf[round], uint32(seed % 16 == 0 ? 1 : 0), outcomes[round][kindOf[round]].root));
        uint256 value = run.nextBond() + (seed % 4 == 1 ? 7 : 0);
        if (seed % 8 == 2) --value;
        if (attempt("challenge", seed % 16 == 1 ? outsider() : person(seed >> 8), value, data)) {
            challenged.push(round);
            challengedAt[round] = vm.getBlockTimestamp();
        }
    }

    function wordBefore(uint32 round) internal view returns (bytes32) {
        return wordOf(run.challenges(round, 0).oldRoot);
    }

    function gradientsOf(uint32 round, uint256 set) internal pure returns (bytes memory all) {
        for (uint256 id; id < 256; ++id) {
            if ((set >> id) & 1 == 1) all = abi.encodePacked(all, bitsOf(round, id));
        }
    }

    function noSum() internal pure returns (IRunTypes.Sum memory) {
        return IRunTypes.Sum(0, 0, new uint256[](0));
    }

    function answerCall(uint32 round, bytes memory gradients) internal view returns (bytes memory) {
        return abi.encodeCall(ITrainingRun.answer, (round, 0, noSum(), gradients, repeated(wordBefore(round), 7), "", ""));
    }

    /// @dev What stands on right sums can always be answered for, and nothing else ever.
    function answerFor(uint32 round, uint256 seed) internal {
        IRunTypes.Challenge memory c = run.challenges(round, 0);
        bytes memory gradients = gradientsOf(round, outcomes[round][kindOf[round]].accepted);
        bool inTime = c.status == IRunTypes.Status.Open && vm.getBlockTimestamp() < c.time + 2 * p.answerWindow
            || c.status == IRunTypes.Status.Executed && vm.getBlockTimestamp() < c.time + p.answerWindow;
        if (!isRight(round) || !inTime) {
            if (!isRight(round)) ++done["(an answer for what is wrong is refused)"];
            return refuses("answer for what is wrong, or too late", person(seed), 0, answerCall(round, gradients));
        }
        if (seed % 4 == 0) must("answerPart", person(seed), 0, abi.encodeCall(ITrainingRun.answerPart, (round, 0, noSum(), gradients)));
        if (seed % 8 == 1) return refuses("answer with a seat too many", person(seed), 0, answerCall(round, abi.encodePacked(gradients, bitsOf(round, 0))));
        if (seed % 8 == 2) return refuses("answer with bits that nobody revealed", person(seed), 0, answerCall(round, repeated(0, 2)));
        if (seed % 8 == 3) return refuses("answer with no seat", person(seed), 0, answerCall(round, ""));
        must("answer", person(seed), 0, answerCall(round, gradients));
        isAnswered[round] = true;
        ++done[c.status == IRunTypes.Status.Executed ? "(a late answer)" : "(an answer in time)"];
    }

    function doAnswer(uint256 seed) external {
        ++steps;
        // Often something is challenged that can be answered for.
        if (seed % 2 == 0) challengeRight(seed);
        if (challenged.length == 0) return;
        if (seed % 8 == 7) return answerFor(challenged[(seed >> 16) % challenged.length], seed >> 4);
        answerFor(openOne(), seed >> 4);
    }

    /// @dev The newest challenge that can still be answered, right ones first; else the newest.
    function openOne() internal view returns (uint32 found) {
        found = challenged[challenged.length - 1];
        for (uint256 pass; pass < 2; ++pass) {
            for (uint256 i = challenged.length; i > 0; --i) {
                IRunTypes.Status status = run.challenges(challenged[i - 1], 0).status;
                if (status != IRunTypes.Status.Open && status != IRunTypes.Status.Executed) continue;
                if (pass == 1 || isRight(challenged[i - 1])) return challenged[i - 1];
            }
        }
    }

    /// @dev A wrong state is often challenged, and what is unanswered is often overturned.
    function doJudge(uint256 seed) external {
        ++steps;
        if (seed % 4 == 0 && isRight(lastStanding())) {
            tryOpen();
            finish(seed, WRONG_SUM);
        }
        if (finalRounds.length != 0 && seed % 2 == 0) {
            uint32 last = finalRounds[finalRounds.length - 1];
            if (!isRight(last)) {
                challengeRound(last, 3);
                if (run.challenges(last, 0).status == IRunTypes.Status.Open) answerFor(last, 4);
            }
        }
        for (uint256 i; i < challenged.length; ++i) {
            uint32 round = challenged[i];
            IRunTypes.Challenge memory c = run.challenges(round, 0);
            if (c.status == IRunTypes.Status.Open) {
                // Right rounds fall only where nobody answers in time.
                if (isRight(round) && (seed >> 8) % 3 != 0) continue;
                if (seed % 4 < 2 && vm.getBlockTimestamp() < c.time + p.answerWindow) vm.warp(c.time + p.answerWindow);
                execute(round, seed);
                // An outage is over: the answer comes late.
                if (isRight(round) && run.challenges(round, 0).status == IRunTypes.Status.Executed && seed % 16 < 8) answerFor(round, 4);
            } else if (c.voters != 0) {
                if (seed % 4 < 2 && vm.getBlockTimestamp() < c.time + p.answerWindow) vm.warp(c.time + p.answerWindow);
                slashAll(round, (seed >> 16) | (seed >> 50));
            }
        }
    }

    /// @dev An outage: nobody answers for a right round, and it falls. Who is back in time saves the stakes behind it.
    function doOutage(uint256 seed) external {
        ++steps;
        uint32 round = challengeRight(seed);
        IRunTypes.Challenge memory c = run.challenges(round, 0);
        if (c.status != IRunTypes.Status.Open) return;
        if (time() < c.time + p.answerWindow) skipTo(c.time + p.answerWindow + (seed >> 8) % p.answerWindow);
        execute(round, seed);
        if (run.challenges(round, 0).status == IRunTypes.Status.Executed && seed % 8 != 0) answerFor(round, 4 + 8 * (seed >> 16));
    }

    /// @dev Challenges a right round, and plays one where there is none that still can be.
    function challengeRight(uint256 seed) internal returns (uint32 round) {
        round = lastStanding();
        if (!isRight(round) || run.challenges(round, 0).challenger != address(0) || time() >= finalAt[round] + p.challengeWindow) {
            tryOpen();
            finish(seed, RIGHT);
            round = lastStanding();
        }
        if (round != 0 && isRight(round)) challengeRound(round, 3);
    }

    function doLapse(uint256 seed) external {
        ++steps;
        if (seed % 8 == 1) challengeRight(seed);
        if (challenged.length == 0) return;
        uint32 round = challenged[seed % challenged.length];
        for (uint256 i = challenged.length; i > 0 && seed % 4 != 0; --i) {
            if (run.challenges(challenged[i - 1], 0).status == IRunTypes.Status.Open) round = challenged[i - 1];
        }
        IRunTypes.Challenge memory c = run.challenges(round, 0);
        bytes memory data = abi.encodeCall(ITrainingRun.lapse, (round, 0));
        if (seed % 2 == 1 && time() < c.time + 2 * p.answerWindow) skipTo(c.time + 2 * p.answerWindow);
        bool isOver = time() >= c.time + 2 * p.answerWindow || isOverturned[round];
        if (c.status == IRunTypes.Status.Open && isOver) must("lapse", person(seed), 0, data);
        else refuses("lapse", person(seed), 0, data);
    }

    function execute(uint32 round, uint256 seed) internal {
        fallsTo = heightOf[round];
        uint24 from = lastHeight;
        if (attempt("overturn", person(seed), 0, abi.encodeCall(ITrainingRun.overturn, (round, 0)))) {
            assertFalse(isAnswered[round], "an answered round falls");
            assertGe(vm.getBlockTimestamp(), challengedAt[round] + p.answerWindow, "no time to answer");
            overturnedAt[round] = vm.getBlockTimestamp();
            for (uint256 i = finalRounds.length; i > 0; --i) {
                uint32 fallen = finalRounds[i - 1];
                if (isOverturned[fallen] || heightOf[fallen] < heightOf[round] || heightOf[fallen] > from) continue;
                isOverturned[fallen] = true;
                assertEq(drawn[fallen], 0, "pay was drawn from a round that falls");
            }
            ++done[isRight(round) ? "(a right round falls)" : "(a wrong state falls)"];
        }
        fallsTo = 0;
    }

    /// @dev A stake falls only where its own vote stood behind the outcome that nobody answered for; and nobody is named for longer than the time to answer.
    function slashAll(uint32 round, uint256 mask) internal {
        for (uint256 id = LOWEST; id < 256; ++id) {
            if ((mask >> (id - LOWEST)) & 1 == 1) slashOne(round, uint8(id));
        }
    }

    function slashOne(uint32 round, uint8 id) private {
        uint256 weight = holderAt(id, round).nextWeight;
        uint256 lost = isAnswered[round] ? 0 : weight - weight / 2;
        bool isNamed = (run.challenges(round, 0).voters >> id) & 1 == 1;
        bytes memory data = abi.encodeCall(ITrainingRun.slash, (round, 0, id));
        if (!isNamed || !isAnswered[round] && time() < overturnedAt[round] + p.answerWindow) return refuses("slash", person(id), 0, data);
        must("slash", person(id), 0, data);
        assertTrue((votersOf[round][kindOf[round]] >> id) & 1 == 1, "slashed without its vote");
        if (round < run.seats(id).first) stakeFormer[id] -= lost;
        else stakeNow[id] -= lost;
        ++done[lost == 0 ? "(settled without a loss)" : "(a stake falls)"];
    }

    // ------------------------------------------------------------------ accusations

    function doAccuse(uint256 seed) external {
        ++steps;
        if (seed % 4 < 2) {
            tryOpen();
            finish(seed >> 8, RIGHT);
        }
        if (finalRounds.length == 0) return;
        uint32 round = seed % 8 == 7 || lastStanding() == 0 ? finalRounds[finalRounds.length - 1] : lastStanding();
        uint8 accused = anyId(round + seed % 2);
        uint8 witness = seed % 4 == 0 ? accused : anyId(round + 5);
        uint24 condemnedIn = holderAt(accused, round).condemnedIn;
        // Some accuse twice.
        for (uint256 i = 2 * uint256(LOWEST); i < 512; ++i) {
            uint256 id = i / 2;
            if ((seed >> (i - 2 * uint256(LOWEST) + 30)) & 3 == 0) continue;
            bytes memory data = abi.encodeCall(
                ITrainingRun.accuse, (round, heightOf[round], uint8(id), accused, seed % 32 == 5 ? bytes32(0) : gradientOf(round, accused), witness)
            );
            attempt("accuse", handAt(uint8(id), round), 0, data);
        }
        if (holderAt(accused, round).condemnedIn != condemnedIn) ++done["(a seat is condemned)"];
    }
}
