// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../contracts/interfaces/ITrainingRun.sol";

/// @title Everything that a run's views say, in one call and as plain words
/// @notice For the differential tests: tests/differential/replay.py lists the same words from the Python model.
contract Lens {
    struct Tape {
        uint256[] words;
        uint256 length;
    }

    function read(ITrainingRun run, uint32[] calldata rounds, uint8[] calldata seats, bytes32[] calldata outcomes)
        external
        view
        returns (uint256[] memory)
    {
        Tape memory t = Tape(new uint256[](22 + seats.length * 7 + rounds.length * (12 + 4 * seats.length) + outcomes.length * 2), 0);
        _readRun(t, run);
        for (uint256 i; i < seats.length; ++i) _readSeat(t, run, seats[i]);
        for (uint256 i; i < rounds.length; ++i) {
            _readBallot(t, run, rounds[i]);
            _readResult(t, run, rounds[i]);
            for (uint256 j; j < seats.length; ++j) _readEntry(t, run, rounds[i], seats[j]);
        }
        for (uint256 i; i < outcomes.length; ++i) {
            IRunTypes.Dissent memory d = run.dissent(outcomes[i]);
            _put(t, d.voters);
            _put(t, d.tally);
        }
        require(t.length == t.words.length);
        return t.words;
    }

    function readPhase(ITrainingRun run) external view returns (IRunTypes.Phase, uint64) {
        return (run.phase(), run.deadline());
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
        _put(t, uint256(run.phase()));
        _put(t, run.deadline());
        _put(t, run.staked());
        _put(t, address(run).balance);
        _put(t, run.horizon());
    }

    function _readSeat(Tape memory t, ITrainingRun run, uint8 seat) private view {
        IRunTypes.Seat memory s = run.seats(seat);
        _put(t, uint160(s.operator));
        _put(t, s.weight);
        _put(t, s.from);
        _put(t, s.until);
        _put(t, uint160(s.owner));
        _put(t, s.readyAt);
        _put(t, s.leftAt);
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

    function _readResult(Tape memory t, ITrainingRun run, uint32 round) private view {
        (bytes29 root, uint24 height, uint256 accepted, uint256 checked) = run.result(round);
        _put(t, uint232(root));
        _put(t, height);
        _put(t, accepted);
        _put(t, checked);
    }

    function _readEntry(Tape memory t, ITrainingRun run, uint32 round, uint8 seat) private view {
        IRunTypes.Entry memory e = run.entry(round, seat);
        _put(t, uint216(e.digest));
        _put(t, e.weight);
        _put(t, e.round);
        _put(t, e.stage);
    }

    function _put(Tape memory t, uint256 word) private pure {
        t.words[t.length++] = word;
    }
}
