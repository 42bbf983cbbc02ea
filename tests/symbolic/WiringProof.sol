// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The library of contracts/, its private functions made visible and the body of `_moveEight` replaced by a branch-free mixture (scripts/proving/symbolic.py):
// with the real one the 1,024 parameters of a chunk would be 2^128 paths. That the real one equals the plain formula is MoveEightProof's business; this
// file proves that each parameter's own number and share reach it, and that its result lands in its place.
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

    /// @dev A quarter of the chunk each, 256 parameters. With total 1 the share of a sum is the sum, shifted: the solver need not divide, and each share fits its lane.
    function check_stepChunk_quarter_0(bytes32[128] calldata chunk, uint256[64] calldata lanes, uint32 step) external view {
        _check(chunk, lanes, step, 0);
    }

    function check_stepChunk_quarter_1(bytes32[128] calldata chunk, uint256[64] calldata lanes, uint32 step) external view {
        _check(chunk, lanes, step, 32);
    }

    function check_stepChunk_quarter_2(bytes32[128] calldata chunk, uint256[64] calldata lanes, uint32 step) external view {
        _check(chunk, lanes, step, 64);
    }

    function check_stepChunk_quarter_3(bytes32[128] calldata chunk, uint256[64] calldata lanes, uint32 step) external view {
        _check(chunk, lanes, step, 96);
    }

    function _check(bytes32[128] calldata chunk, uint256[64] calldata lanes, uint256 step, uint256 first) private view {
        uint256[128] memory next = this.stepChunk(abi.encodePacked(chunk), lanes, 1, step);
        unchecked {
            for (uint256 i = first; i < first + 32; ++i) {
                uint256 wanted;
                for (uint256 p = 8 * i; p < 8 * i + 8; ++p) {
                    uint256 moved = _parameter(chunk, p) ^ (_sum(lanes, p) << 15) ^ step;
                    for (uint256 k; k < 4; ++k) {
                        wanted = (wanted << 8) | ((moved >> (8 * k)) & 0xff);
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

    function _parameter(bytes32[128] calldata chunk, uint256 p) private pure returns (uint256) {
        uint32 number;
        for (uint256 k; k < 4; ++k) {
            number |= uint32(uint8(chunk[p / 8][(4 * p + k) % 32])) << uint32(8 * k);
        }
        return number;
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
