// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignVote} from "../../contracts/libraries/SignVote.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice The packed sums: one seat's bits of a chunk of 1,024 parameters, added to 64 words of sixteen lanes.
/// By induction over the seats each lane holds the weight of the seats whose bit is set: it starts at 0, and no sum exceeds the weight of all seats.
contract LanesProof is Symbolic {
    function add(uint256[64] memory lanes, bytes calldata bits, uint256 weight) external pure returns (uint256[64] memory) {
        SignVote.add(lanes, bits, weight);
        return lanes;
    }

    /// @dev One group of 256 parameters at a time, with the other lanes and bits symbolic as well.
    function check_add_group_0(uint256[64] calldata lanes, bytes32[4] calldata bits, uint8 weight) external view {
        _check(lanes, bits, weight, 0);
    }

    function check_add_group_1(uint256[64] calldata lanes, bytes32[4] calldata bits, uint8 weight) external view {
        _check(lanes, bits, weight, 1);
    }

    function check_add_group_2(uint256[64] calldata lanes, bytes32[4] calldata bits, uint8 weight) external view {
        _check(lanes, bits, weight, 2);
    }

    function check_add_group_3(uint256[64] calldata lanes, bytes32[4] calldata bits, uint8 weight) external view {
        _check(lanes, bits, weight, 3);
    }

    function _check(uint256[64] calldata lanes, bytes32[4] calldata bits, uint8 weight, uint256 group) private view {
        uint256[64] memory sums = this.add(lanes, abi.encodePacked(bits), weight);
        unchecked {
            for (uint256 word = 16 * group; word < 16 * (group + 1); ++word) {
                uint256 fits = 1;
                uint256 wrong;
                for (uint256 lane; lane < 16; ++lane) {
                    uint256 before = (lanes[word] >> (16 * lane)) & 0xffff;
                    uint256 bit = (uint256(bits[group]) >> (16 * lane + word - 16 * group)) & 1;
                    uint256 sum = before + bit * weight;
                    // Branch-free: a fork at each lane would be 2^16 paths.
                    fits &= 1 - (sum >> 16);
                    wrong |= sum ^ ((sums[word] >> (16 * lane)) & 0xffff);
                }
                assert(fits * wrong == 0);
            }
        }
    }
}
