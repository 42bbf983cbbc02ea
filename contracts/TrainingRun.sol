// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrainingRun} from "./interfaces/ITrainingRun.sol";
import {Settlement} from "./Settlement.sol";
import {Bounds} from "./libraries/Bounds.sol";
import {Phases} from "./libraries/Phases.sol";
import {Membership} from "./parts/Membership.sol";
import {Rounds} from "./parts/Rounds.sol";
import {RunStorage} from "./parts/RunStorage.sol";
import {Seats} from "./parts/Seats.sol";

/// @title One training run by vote
/// @notice See ITrainingRun. Seats, Rounds and Membership hold the rules of a round; Settlement holds the rest. Here are the ways there, and what can be read.
contract TrainingRun is Seats, Rounds, Membership {
    address private immutable SETTLEMENT;

    constructor(Parameters memory p) RunStorage(p, msg.sender, address(this)) {
        Bounds.check(p, MAX_RING);
        SETTLEMENT = address(new Settlement(p, msg.sender));
        _parameters = p;
        _results[0].root = bytes26(p.genesisRoot);
    }

    // ------------------------------------------------------------------ what Settlement does

    /// @inheritdoc ITrainingRun
    function fund() external payable {
        _pool += uint128(msg.value);
        emit Funded(msg.sender, msg.value);
    }

    /// @inheritdoc ITrainingRun
    function settle(uint16[] calldata, uint32) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function claim(address payable) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function sweep(address payable) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function bid(uint8, uint8) external payable {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function withdrawBid(uint8) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function takeSeat(uint8, address, bytes32, string calldata) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function challenge(uint32, uint32, uint32, bytes32) external payable {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function answerPart(uint32, uint32, Sum calldata, bytes calldata) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function answer(uint32, uint32, Sum calldata, bytes calldata, bytes calldata, bytes calldata, bytes calldata) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function overturn(uint32, uint32) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function lapse(uint32, uint32) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function slash(uint32, uint32, uint8) external {
        _settlement();
    }

    /// @inheritdoc ITrainingRun
    function accuse(uint32, uint32, uint8, uint8, bytes32, uint8) external {
        _settlement();
    }

    /// @dev Executes the call in Settlement's code on this storage, and ends it with what comes back. The address is fixed at construction.
    function _settlement() private {
        address code = SETTLEMENT;
        // Solidity has no other way to pass an error on as it is.
        assembly ("memory-safe") {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), code, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(ok) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc ITrainingRun
    function owner() external view returns (address) {
        return OWNER;
    }

    /// @inheritdoc ITrainingRun
    function horizon() external view returns (uint64) {
        return uint64(HORIZON);
    }

    /// @inheritdoc ITrainingRun
    function staked() external view returns (uint256) {
        return _staked;
    }

    /// @inheritdoc ITrainingRun
    function pool() external view returns (uint128) {
        return _pool;
    }

    /// @inheritdoc ITrainingRun
    function burnt() external view returns (uint128) {
        return _burnt;
    }

    /// @inheritdoc ITrainingRun
    function credit(address account) external view returns (uint256) {
        return _credit[account];
    }

    /// @inheritdoc ITrainingRun
    function nextBond() external view returns (uint256) {
        return _nextBond();
    }

    /// @inheritdoc ITrainingRun
    function accusation(uint32 round, uint8 accused, uint8 witness) external view returns (Dissent memory) {
        return _accusations[_accusationKey(round, accused, witness)];
    }

    /// @inheritdoc ITrainingRun
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc ITrainingRun
    function clock() external view returns (Clock memory) {
        return _clock;
    }

    /// @inheritdoc ITrainingRun
    function roll() external view returns (Roll memory) {
        return _roll;
    }

    /// @inheritdoc ITrainingRun
    function settlement() external view returns (address) {
        return SETTLEMENT;
    }

    /// @inheritdoc ITrainingRun
    function phase() external view returns (Phase current) {
        (current,) = _phase();
    }

    /// @inheritdoc ITrainingRun
    function deadline() external view returns (uint64) {
        (, uint256 end) = _phase();
        return end == Phases.NO_END ? type(uint64).max : uint64(end);
    }

    /// @inheritdoc ITrainingRun
    function seats(uint8 seat) external view returns (Seat memory) {
        return _seats[seat];
    }

    /// @inheritdoc ITrainingRun
    function entry(uint32 round, uint8 seat) external view returns (Entry memory e) {
        Entry storage stored = _entry(round, seat);
        if (stored.round == round) e = stored;
    }

    /// @inheritdoc ITrainingRun
    function ballot(uint32 round) external view returns (Ballot memory vote_, uint256 voters, uint256 dissenters) {
        uint256 slot = round % RING;
        if (round == 0 || _ballots[slot].round != round) return (vote_, 0, 0);
        vote_ = _ballots[slot];
        voters = _voters[slot];
        if (vote_.flags & DISSENT != 0) dissenters = _dissenters[slot];
    }

    /// @inheritdoc ITrainingRun
    function result(uint32 height) external view returns (bytes26 root, uint24 round, uint256 accepted, uint256 checked) {
        Result storage r = _result(height);
        if (r.height != height || height > _clock.height) return (0, 0, 0, 0);
        (root, round) = (r.root, r.round);
        uint256 slot = round % RING;
        if (_ballots[slot].round == round) (accepted, checked) = (_accepted[slot], _checked[slot]);
    }

    /// @inheritdoc ITrainingRun
    function dissent(bytes32 outcome) external view returns (Dissent memory) {
        return _dissents[outcome];
    }

    /// @inheritdoc ITrainingRun
    function stepAt(uint32 height) external view returns (uint32) {
        if (height >= TOTAL_HEIGHTS) revert RunFinished();
        return uint32(_stepAt(height));
    }

    /// @inheritdoc ITrainingRun
    function formerSeats(uint8 seat) external view returns (Seat memory) {
        return _former[seat];
    }

    /// @inheritdoc ITrainingRun
    function bids(uint8 seat) external view returns (Bid memory) {
        return _bids[seat];
    }

    /// @inheritdoc ITrainingRun
    function challenges(uint32 round, uint32 chunk) external view returns (Challenge memory) {
        return _challenges[round][chunk];
    }

    /// @inheritdoc ITrainingRun
    function invitations(address account) external view returns (uint32) {
        return _invitations[account];
    }
}
