// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../contracts/interfaces/ITrainingRun.sol";

/// @title Everything that a run's views say, in one call and as plain words
/// @notice For the differential tests: tests/differential/words.py lists the same words from the Python model. What no view says, Peek.sol reads.
contract Lens {
    struct Query {
        uint32[] rounds;
        uint32[] heights;
        uint8[] seats;
        bytes32[] outcomes;
        address[] accounts;
        uint32[2][] challenges; // round, chunk
        uint32[3][] accusations; // round, accused, witness
    }

    struct Tape {
        uint256[] words;
        uint256 length;
    }

    function read(ITrainingRun run, Query calldata q) external view returns (uint256[] memory words) {
        Tape memory t = Tape(new uint256[](64 + q.seats.length * 37 + q.rounds.length * (8 + 4 * q.seats.length) + _count(q)), 0);
        _readRun(t, run);
        for (uint256 i; i < q.seats.length; ++i) {
            _readSeat(t, run.seats(q.seats[i]));
            _readSeat(t, run.formerSeats(q.seats[i]));
            _readBid(t, run.bids(q.seats[i]));
        }
        for (uint256 i; i < q.rounds.length; ++i) {
            _readBallot(t, run, q.rounds[i]);
            for (uint256 j; j < q.seats.length; ++j) _readEntry(t, run.entry(q.rounds[i], q.seats[j]));
        }
        for (uint256 i; i < q.heights.length; ++i) _readResult(t, run, q.heights[i]);
        for (uint256 i; i < q.outcomes.length; ++i) _readVotes(t, run.dissent(q.outcomes[i]));
        for (uint256 i; i < q.accounts.length; ++i) {
            _put(t, run.credit(q.accounts[i]));
            _put(t, run.invitations(q.accounts[i]));
        }
        for (uint256 i; i < q.challenges.length; ++i) _readChallenge(t, run.challenges(q.challenges[i][0], q.challenges[i][1]));
        for (uint256 i; i < q.accusations.length; ++i) {
            uint32[3] calldata a = q.accusations[i];
            _readVotes(t, run.accusation(a[0], uint8(a[1]), uint8(a[2])));
        }
        words = t.words;
        uint256 length = t.length;
        require(length <= words.length);
        assembly ("memory-safe") {
            mstore(words, length)
        }
    }

    function readPhase(ITrainingRun run) external view returns (IRunTypes.Phase, uint64) {
        return (run.phase(), run.deadline());
    }

    function _count(Query calldata q) private pure returns (uint256) {
        return q.heights.length * 4 + (q.outcomes.length + q.accounts.length + q.accusations.length) * 2 + q.challenges.length * 9;
    }

    function _readRun(Tape memory t, ITrainingRun run) private view {
        IRunTypes.Clock memory c = run.clock();
        _put(t, block.timestamp);
        _put(t, block.number);
        _put(t, c.round);
        _put(t, c.height);
        _put(t, c.openedAt);
        _put(t, c.commitEnd);
        _put(t, c.revealEnd);
        _put(t, c.stretch);
        _put(t, c.active);
        _put(t, c.base);
        _put(t, c.committed);
        _put(t, c.revealed);
        _put(t, c.openedBlock);
        _put(t, c.closed ? 1 : 0);
        IRunTypes.Roll memory r = run.roll();
        _put(t, r.nextActive);
        _put(t, r.seated);
        _put(t, r.seats);
        _put(t, r.missesFrom);
        _put(t, r.openChallenges);
        _put(t, r.epoch);
        _put(t, r.departedIn == c.round ? r.departed : 0); // of an older round it says nothing
        _put(t, r.stoppedAt);
        _put(t, uint256(run.phase()));
        _put(t, run.deadline());
        _put(t, address(run).balance);
        _put(t, run.staked());
        _put(t, run.pool());
        _put(t, run.burnt());
        _put(t, run.nextBond());
        _put(t, run.horizon());
    }

    function _readSeat(Tape memory t, IRunTypes.Seat memory s) private pure {
        bool isChanging = s.flags & 1 != 0;
        _put(t, uint160(s.operator));
        _put(t, s.weight);
        _put(t, s.nextWeight);
        _put(t, s.changesAt);
        _put(t, s.from);
        _put(t, s.until);
        _put(t, s.flags);
        _put(t, uint160(s.owner));
        _put(t, s.readyAt);
        _put(t, s.leftAt);
        _put(t, s.first);
        _put(t, s.named);
        _put(t, isChanging ? uint160(s.nextOperator) : 0); // left behind where it has taken over
        _put(t, s.operatorFrom);
        _put(t, s.missesFrom);
        _put(t, s.settledTo);
        _put(t, s.condemnedIn);
    }

    function _readBid(Tape memory t, IRunTypes.Bid memory b) private pure {
        _put(t, uint160(b.owner));
        _put(t, b.weight);
        _put(t, b.readyAt);
    }

    function _readBallot(Tape memory t, ITrainingRun run, uint32 round) private view {
        (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(round);
        _put(t, uint160(b.outcome));
        _put(t, b.round);
        _put(t, b.time);
        _put(t, b.tally);
        _put(t, b.base);
        _put(t, b.flags);
        _put(t, voters);
        _put(t, dissenters);
    }

    function _readResult(Tape memory t, ITrainingRun run, uint32 height) private view {
        (bytes26 root, uint24 round, uint256 accepted, uint256 checked) = run.result(height);
        _put(t, uint208(root));
        _put(t, round);
        _put(t, accepted);
        _put(t, checked);
    }

    function _readEntry(Tape memory t, IRunTypes.Entry memory e) private pure {
        _put(t, uint216(e.digest));
        _put(t, e.weight);
        _put(t, e.round);
        _put(t, e.stage);
    }

    function _readVotes(Tape memory t, IRunTypes.Dissent memory d) private pure {
        _put(t, d.voters);
        _put(t, d.tally);
    }

    function _readChallenge(Tape memory t, IRunTypes.Challenge memory c) private pure {
        _put(t, uint160(c.challenger));
        _put(t, c.time);
        _put(t, c.height);
        _put(t, uint256(c.status));
        _put(t, uint208(c.oldRoot));
        _put(t, uint256(c.newRoot));
        _put(t, c.bond);
        _put(t, c.prize);
        _put(t, c.voters);
    }

    function _put(Tape memory t, uint256 word) private pure {
        t.words[t.length++] = word;
    }
}
