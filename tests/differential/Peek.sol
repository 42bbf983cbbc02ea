// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RunStorage} from "../../contracts/parts/RunStorage.sol";

/// @title What a run's storage holds and no view says
/// @notice Never deployed as a run: the differential tests call a run with this code in its place (eth_call with another code), so it reads the run's own storage.
contract Peek is RunStorage {
    struct Part {
        uint32 round;
        uint32 chunk;
        address sender;
    }

    constructor(Parameters memory p) RunStorage(p, address(0), address(0)) {}

    /// @dev Sums of answers in parts; condemnations of holders, by seat and first round: how many, who and when the last, and what all
    /// still owe; who has sat; which invitations are used.
    function peek(Part[] calldata parts, uint256[2][] calldata holders, address[] calldata accounts, bytes32[] calldata invitations_)
        external
        view
        returns (uint256[] memory words)
    {
        words = new uint256[](parts.length + 4 * holders.length + accounts.length + invitations_.length);
        uint256 at;
        for (uint256 i; i < parts.length; ++i) {
            words[at++] = uint256(_progress[keccak256(abi.encode(parts[i].round, parts[i].chunk, parts[i].sender))]);
        }
        for (uint256 i; i < holders.length; ++i) {
            Condemnation[] storage all = _condemnations[_holderKey(holders[i][0], holders[i][1])];
            words[at++] = all.length;
            for (uint256 j; j < all.length; ++j) {
                (words[at], words[at + 1]) = (uint160(all[j].witness), all[j].time);
                words[at + 2] += all[j].left;
            }
            at += 3;
        }
        for (uint256 i; i < accounts.length; ++i) {
            words[at++] = _hasSat[accounts[i]] ? 1 : 0;
        }
        for (uint256 i; i < invitations_.length; ++i) {
            words[at++] = _isUsed[invitations_[i]] ? 1 : 0;
        }
    }
}
