// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The library of contracts/, with the bodies of `delta` and `move` replaced by branch-free mixtures of their arguments (scripts/proving/symbolic.py):
// with the real ones the 1,024 parameters of a chunk would be 9^1,024 paths. That the real ones equal their formulas is SignVoteProof's business;
// this file proves that each parameter's own number, sum, weight and step reach them, and that the result lands in its place.
import {SignVote} from "wired/SignVote.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice Positions in a chunk: parameter p is bytes 4p to 4p + 3, its bit is bit p % 8 of byte p / 8 (docs/protocol.md).
contract WiringProof is Symbolic {
    function stepChunk(bytes calldata chunk, uint256[64] memory lanes, uint256 total, uint256 step) external pure returns (uint256[128] memory) {
        return SignVote.stepChunk(chunk, lanes, total, step);
    }

    function add(uint256[64] memory lanes, bytes calldata bits, uint256 weight) external pure returns (uint256[64] memory) {
        SignVote.add(lanes, bits, weight);
        return lanes;
    }

    function check_stepChunk(bytes32[128] calldata chunk, uint256[64] calldata lanes, uint16 total, uint32 step) external view {
        uint256[128] memory next = this.stepChunk(abi.encodePacked(chunk), lanes, total, step);
        unchecked {
            for (uint256 i; i < 128; ++i) {
                uint256 wanted;
                for (uint256 p = 8 * i; p < 8 * i + 8; ++p) {
                    int256 moved = SignVote.move(_parameter(chunk, p), SignVote.delta(_sum(lanes, p), total, step));
                    for (uint256 k; k < 4; ++k) {
                        wanted = (wanted << 8) | (uint256(moved >> (8 * k)) & 0xff);
                    }
                }
                assert(next[i] == wanted);
            }
        }
    }

    /// @dev Where `_sum` looks is where `add` puts the parameter's bit: a single seat of weight 1 on empty sums gives back its bits.
    function check_the_sum_is_of_the_parameter(bytes32[4] calldata bits) external view {
        uint256[64] memory none;
        uint256[64] memory sums = this.add(none, abi.encodePacked(bits), 1);
        unchecked {
            for (uint256 i; i < 128; ++i) {
                uint256 wrong;
                for (uint256 p = 8 * i; p < 8 * i + 8; ++p) {
                    uint256 octet = uint8(bits[p / 256][(p / 8) % 32]);
                    wrong |= ((sums[_word(p)] >> _shift(p)) & 0xffff) ^ ((octet >> (p % 8)) & 1);
                }
                assert(wrong == 0);
            }
        }
    }

    function _parameter(bytes32[128] calldata chunk, uint256 p) private pure returns (int256) {
        uint32 number;
        for (uint256 k; k < 4; ++k) {
            number |= uint32(uint8(chunk[p / 8][(4 * p + k) % 32])) << uint32(8 * k);
        }
        return int32(number);
    }

    function _sum(uint256[64] calldata lanes, uint256 p) private pure returns (uint256) {
        return (lanes[_word(p)] >> _shift(p)) & 0xffff;
    }

    /// @dev The word and the lane that hold the sum of parameter p, from where its bit is in the 32 bytes of its group, read as a number.
    function _word(uint256 p) private pure returns (uint256) {
        return 16 * (p / 256) + _bit(p) % 16;
    }

    function _shift(uint256 p) private pure returns (uint256) {
        return 16 * (_bit(p) / 16);
    }

    function _bit(uint256 p) private pure returns (uint256) {
        return 8 * (31 - (p / 8) % 32) + (p % 8);
    }
}
