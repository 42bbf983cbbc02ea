// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RunStorage} from "./RunStorage.sol";

/// @title Pay: the pool, what seats earn, and what accounts can claim
/// @notice A seat earns `rewardPerRound * weight / base` for a round that accepted it and for whose outcome it voted, and `checkReward * weight / base` for a
/// cross-check that holds. What is not earned stays in the pool: nobody gains by keeping others out. All by pull, from a ledger of its own.
abstract contract Pay is RunStorage {
    /// @dev What `settle` keeps of a seat while it walks over heights.
    struct Payee {
        uint256 settledTo;
        uint256 bit;
        uint256 first;
        uint256 until;
        uint256 changesAt;
        uint256 weight;
        uint256 nextWeight;
        bytes32 key; // of its condemnations; 0 = none
        uint256 paid;
        uint256 forfeited;
    }

    /// @dev What all of them have in common, and what a height's round says of all.
    struct Terms {
        uint256 pool;
        uint256 reward;
        uint256 checkReward;
        uint256 round;
        uint256 time;
        uint256 base;
        uint256 earners;
        uint256 checked;
    }

    /// @notice See ITrainingRun.
    function settle(uint16[] calldata holders, uint32 count) external {
        Payee[] memory payees = new Payee[](holders.length);
        uint256 height = _clock.height;
        uint256 end = height;
        for (uint256 i; i < holders.length; ++i) {
            // Twice in one batch, a seat would be paid once and cost the pool twice.
            if (i != 0 && holders[i] <= holders[i - 1]) revert NotAscending();
            _load(payees[i], holders[i]);
            if (payees[i].settledTo < height) height = payees[i].settledTo;
        }
        if (height + count < end) end = height + count;

        // Each round is read once for all seats: that is what a batch saves.
        Terms memory t;
        (t.pool, t.reward, t.checkReward) = (_pool, _parameters.rewardPerRound, _parameters.checkReward);
        for (; height < end; ++height) {
            if (!_read(t, height + 1)) break;
            for (uint256 i; i < payees.length; ++i) {
                Payee memory p = payees[i];
                // A seat whose pay the pool does not hold waits at that height; the others go on.
                if (p.settledTo == height && (t.earners & p.bit == 0 || _pay(p, t))) p.settledTo = height + 1;
            }
        }

        _pool = uint128(t.pool);
        for (uint256 i; i < payees.length; ++i) {
            Payee memory p = payees[i];
            Seat storage s = _holder(holders[i]);
            if (p.settledTo == s.settledTo) continue;
            s.settledTo = uint24(p.settledTo);
            _credit[s.owner] += p.paid;
            emit Settled(holders[i], uint32(p.settledTo), p.paid, p.forfeited);
        }
    }

    /// @notice See ITrainingRun.
    function claim(address payable to) external {
        uint256 amount = _credit[msg.sender];
        if (amount == 0) revert NothingToClaim();
        _credit[msg.sender] = 0;
        emit Claimed(msg.sender, to, amount);
        _send(to, amount);
    }

    /// @notice See ITrainingRun.
    function sweep(address payable to) external {
        if (msg.sender != OWNER) revert NotRunOwner();
        (Phase current,) = _phase();
        uint256 time = _roll.stoppedAt;
        if (current != Phase.Finished && (time == 0 || _isOpen())) revert WrongPhase(current);
        // Nothing final after this can still be earned, nor fall: see `_nextOpening` for the time to settle.
        Ballot storage b = _ballots[_result(_clock.height).round % RING];
        if (b.time > time) time = b.time;
        time += SLOT_BUSY;
        if (block.timestamp < time) revert TooEarly(uint64(time));

        uint256 amount = _pool;
        _pool = 0;
        emit Swept(to, amount);
        _send(to, amount);
    }

    // ------------------------------------------------------------------ internal

    function _holder(uint16 holder) private view returns (Seat storage) {
        return holder < MAX_SEATS ? _seats[holder] : _former[holder - MAX_SEATS];
    }

    /// @dev Reads the terms of a height; no earners where the record is gone. False: its pay may not be drawn yet.
    function _read(Terms memory t, uint256 height) private view returns (bool isSafe) {
        Result storage r = _result(height);
        uint256 round = r.round;
        uint256 slot = round % RING;
        Ballot storage b = _ballots[slot];
        t.earners = 0;
        if (r.height != height || b.round != round) return true;
        (t.round, t.time, t.base) = (round, b.time, b.base);
        // INVARIANT: no pay leaves while its round can still be overturned.
        if (block.timestamp < t.time + HORIZON) return false;
        t.earners = _accepted[slot] & _voters[slot];
        t.checked = t.checkReward == 0 ? 0 : _checked[slot];
        return true;
    }

    function _load(Payee memory p, uint16 holder) private view {
        Seat storage s = _holder(holder);
        p.bit = 1 << uint8(holder);
        (p.first, p.until, p.settledTo) = (s.first, s.until, s.settledTo);
        (p.changesAt, p.weight, p.nextWeight) = (s.changesAt, s.weight, s.nextWeight);
        if (s.flags & CONDEMNED != 0) p.key = _holderKey(holder, s.first);
    }

    /// @dev Pays one seat for one round, so far in memory, or returns false where the pool is too small.
    function _pay(Payee memory p, Terms memory t) private returns (bool) {
        uint256 round = t.round;
        if (round < p.first || round > p.until) return true; // the vote of another holder of the id
        uint256 weight = round < p.changesAt ? p.weight : p.nextWeight;
        // Amounts are below 2^96 and weights below 2^8.
        unchecked {
            uint256 due = (t.reward * weight) / t.base;
            if (t.checked & p.bit != 0) due += (t.checkReward * weight) / t.base;
            if (due > t.pool) return false;
            t.pool -= due;
            if (p.key != 0 && _forfeit(p.key, t.time, due)) p.forfeited += due;
            else p.paid += due;
        }
        return true;
    }

    /// @dev Whether condemnations take the pay of a round final at `time`; if so the witnesses are paid first, and the rest is burnt.
    function _forfeit(bytes32 key, uint256 time, uint256 due) private returns (bool isForfeited) {
        Condemnation[] storage all = _condemnations[key];
        for (uint256 i; i < all.length; ++i) {
            Condemnation storage c = all[i];
            if (time > c.time || time + HORIZON <= c.time) continue;
            isForfeited = true;
            uint256 reward = due < c.left ? due : c.left;
            due -= reward;
            c.left -= uint128(reward);
            _credit[c.witness] += reward;
        }
        if (isForfeited) _burnt += uint128(due);
    }
}
