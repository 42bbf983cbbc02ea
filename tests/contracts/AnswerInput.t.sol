// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {Trees} from "./util/Trees.sol";
import {WorkTest} from "./util/WorkTest.sol";

/// @notice What an answer must hold, bit by bit: anything else is refused.
contract AnswerInputTest is WorkTest {
    /// @dev Three seats of 10, 20 and 30 in a run of three chunks, one right round with all three, chunk 1 challenged.
    function begin() internal returns (Reply memory r) {
        shape(3);
        deploy();
        start(10, 20, 30);
        work(3, 7);
        post(FIRST, 1, 1);
        return replyOf(FIRST, 1, 1, 7);
    }

    function cut(bytes memory data, uint256 start, uint256 length) internal pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i; i < length; ++i) {
            part[i] = data[start + i];
        }
    }

    function test_reverts_with_another_old_chunk() public {
        Reply memory r = begin();
        Reply memory bad = r;
        r.oldChunk = states[0][2];
        fails(IRunErrors.WrongOldState.selector);
        reply(ANSWERER, FIRST, 1, bad);
        r.oldChunk = states[1][1];
        fails(IRunErrors.WrongOldState.selector);
        reply(ANSWERER, FIRST, 1, bad);
        r.oldChunk = states[0][1];
        r.oldChunk[4095] ^= 0x80;
        fails(IRunErrors.WrongOldState.selector);
        reply(ANSWERER, FIRST, 1, bad);
    }

    function testFuzz_reverts_with_another_path(uint8 where, uint8 bit) public {
        Reply memory r = begin();
        uint256 at = bound(where, 0, 63);
        r.oldPath[at] ^= bytes1(uint8(1) << (bit % 8));
        fails(IRunErrors.WrongOldState.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.oldPath[at] ^= bytes1(uint8(1) << (bit % 8));
        r.newPath[at] ^= bytes1(uint8(1) << (bit % 8));
        fails(IRunErrors.WrongNewState.selector);
        reply(ANSWERER, FIRST, 1, r);
    }

    function test_reverts_with_lengths_that_are_not_those() public {
        Reply memory r = begin();
        bytes memory kept = r.oldChunk;
        r.oldChunk = cut(kept, 0, 4095);
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.oldChunk = abi.encodePacked(kept, bytes1(0));
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.oldChunk = kept;
        kept = r.oldPath;
        r.oldPath = cut(kept, 0, 32);
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.oldPath = abi.encodePacked(kept, bytes32(0));
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.oldPath = kept;
        kept = r.newPath;
        r.newPath = cut(kept, 0, 63);
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.newPath = abi.encodePacked(kept, bytes1(0));
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.newPath = kept;
        kept = r.gradients;
        r.gradients = cut(kept, 0, kept.length - 1);
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
        r.gradients = abi.encodePacked(kept, bytes1(0));
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
    }

    function test_reverts_with_too_many_seats() public {
        Reply memory r = begin();
        r.gradients = abi.encodePacked(r.gradients, partOf(FIRST, 1, 4));
        fails(IRunErrors.WrongLength.selector);
        reply(ANSWERER, FIRST, 1, r);
    }

    function test_reverts_with_too_few_seats() public {
        Reply memory r = begin();
        r.gradients = "";
        fails(abi.encodeWithSelector(IRunErrors.SeatMissing.selector, 0));
        reply(ANSWERER, FIRST, 1, r);
        r.gradients = partOf(FIRST, 1, 1);
        fails(abi.encodeWithSelector(IRunErrors.SeatMissing.selector, 1));
        reply(ANSWERER, FIRST, 1, r);
        r.gradients = partOf(FIRST, 1, 3);
        fails(abi.encodeWithSelector(IRunErrors.SeatMissing.selector, 2));
        reply(ANSWERER, FIRST, 1, r);
    }

    function test_reverts_in_another_order() public {
        Reply memory r = begin();
        r.gradients = abi.encodePacked(partOf(FIRST, 1, 2), partOf(FIRST, 1, 1), partOf(FIRST, 1, 4));
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 0));
        reply(ANSWERER, FIRST, 1, r);
        r.gradients = abi.encodePacked(partOf(FIRST, 1, 1), partOf(FIRST, 1, 4), partOf(FIRST, 1, 2));
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 1));
        reply(ANSWERER, FIRST, 1, r);
        r.gradients = abi.encodePacked(partOf(FIRST, 1, 1), partOf(FIRST, 1, 1), partOf(FIRST, 1, 4));
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 1));
        reply(ANSWERER, FIRST, 1, r);
    }

    function testFuzz_reverts_with_another_gradient(uint16 where, uint8 bit) public {
        Reply memory r = begin();
        uint256 at = bound(where, 0, r.gradients.length - 1);
        r.gradients[at] ^= bytes1(uint8(1) << (bit % 8));
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, at / (128 + 64)));
        reply(ANSWERER, FIRST, 1, r);
    }

    /// @dev The same seats' bits of another chunk, with their right path there.
    function test_reverts_with_another_chunk() public {
        Reply memory r = begin();
        r.gradients = partOf(FIRST, 2, 7);
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 0));
        reply(ANSWERER, FIRST, 1, r);
        fails(IRunErrors.WrongOldState.selector);
        reply(ANSWERER, FIRST, 1, replyOf(FIRST, 1, 2, 7));
    }

    /// @dev A wrong state has no answer: the step of what the seats revealed leads elsewhere.
    function test_reverts_where_the_state_is_wrong() public {
        shape(3);
        deploy();
        start(10, 20, 30);
        prepare(3);
        step(FIRST, 0, 7);
        states[1][1][77] ^= 0x01;
        for (uint8 id; id < 3; ++id) {
            approve(FIRST, id, 7, rootAt(1));
        }
        post(FIRST, 1, 0);
        post(FIRST, 1, 1);
        fails(IRunErrors.WrongNewState.selector);
        reply(ANSWERER, FIRST, 1, replyOf(FIRST, 1, 1, 7));
        // The chunk beside it is right.
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 7));
        skip(p.answerWindow);
        overturn(FIRST, 1);
        fails(IRunErrors.WrongNewState.selector);
        reply(ANSWERER, FIRST, 1, replyOf(FIRST, 1, 1, 7));
        skip(p.answerWindow);
        slash(FIRST, 1, 0);
        assertBooks();
    }

    /// @dev The state of all three where the outcome accepted two.
    function test_reverts_where_the_set_is_another() public {
        shape(1);
        deploy();
        start(10, 20, 30);
        prepare(3);
        step(FIRST, 0, 7);
        for (uint8 id; id < 3; ++id) {
            approve(FIRST, id, 6, rootAt(1));
        }
        post(FIRST, 1, 0);
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 1));
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 7));
        fails(IRunErrors.WrongNewState.selector);
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 6));
    }

    /// @dev Three chunks are right, and what stands for the fourth, which is missing, is not zero: no answer fits the last chunk, and the root falls.
    function test_reverts_where_a_missing_leaf_is_not_zero() public {
        shape(3);
        deploy();
        start(10, 20, 30);
        prepare(3);
        step(FIRST, 0, 7);
        bytes32[] memory leaves = new bytes32[](4);
        for (uint256 i; i < 3; ++i) {
            leaves[i] = Trees.stateLeaf(i, states[1][i]);
        }
        leaves[3] = keccak256("garbage");
        (bytes32 root, bytes memory lastPath) = Trees.build(leaves, 2);
        for (uint8 id; id < 3; ++id) {
            approve(FIRST, id, 7, root);
        }
        post(FIRST, 1, 2);
        Reply memory r = replyOf(FIRST, 1, 2, 7);
        fails(IRunErrors.WrongNewState.selector);
        reply(ANSWERER, FIRST, 2, r);
        r.newPath = lastPath;
        fails(IRunErrors.WrongNewState.selector);
        reply(ANSWERER, FIRST, 2, r);
        skip(p.answerWindow);
        overturn(FIRST, 2);
        assertEq(run.clock().height, 0);
    }
}
