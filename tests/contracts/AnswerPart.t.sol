// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {WorkTest} from "./util/WorkTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Answers in parts: sums that each sender keeps for itself, and that the contract takes back only as it gave them.
contract AnswerPartTest is WorkTest {
    /// @dev Five seats of 10..50 in a run of two chunks, one right round with all, chunk 1 challenged.
    function begin() internal {
        shape(2);
        deploy();
        uint8[] memory weights = new uint8[](5);
        for (uint8 i; i < 5; ++i) {
            weights[i] = 10 * (i + 1);
        }
        start(weights);
        work(5, 31);
        post(FIRST, 1, 1);
    }

    function empty() internal pure returns (IRunTypes.Sum memory sum) {}

    /// @notice The last part of an answer: the sums over `done`, then the rest.
    function finish(address sender, uint256 done, uint256 nextSeat) internal {
        Reply memory r = replyOf(FIRST, 1, 1, 31 & ~done);
        r.sum = sumOf(FIRST, 1, done, nextSeat);
        reply(sender, FIRST, 1, r);
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_in_another_status() public {
        begin();
        fails(wrongStatus(IRunTypes.Status.None));
        replyPart(ANSWERER, FIRST, 0, empty(), "");
        reply(ANSWERER, FIRST, 1, replyOf(FIRST, 1, 1, 31));
        fails(wrongStatus(IRunTypes.Status.Answered));
        replyPart(ANSWERER, FIRST, 1, empty(), "");
    }

    function test_window() public {
        begin();
        bytes memory part = partOf(FIRST, 1, 1);
        uint256 end = run.challenges(FIRST, 1).time + 2 * p.answerWindow;
        skipTo(end);
        fails(tooLate(end));
        replyPart(ANSWERER, FIRST, 1, empty(), part);
        skipTo(end - 1);
        replyPart(ANSWERER, FIRST, 1, empty(), part);
        overturn(FIRST, 1);
        skipTo(end - 1 + p.answerWindow);
        fails(tooLate(end - 1 + p.answerWindow));
        replyPart(ANSWERER, FIRST, 1, empty(), part);
        skipTo(end - 2 + p.answerWindow);
        replyPart(ANSWERER, FIRST, 1, empty(), part);
    }

    function test_reverts_with_sums_of_another_length() public {
        begin();
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 1));
        IRunTypes.Sum memory sum = sumOf(FIRST, 1, 1, 1);
        sum.lanes = new uint256[](63);
        fails(IRunErrors.WrongLength.selector);
        replyPart(ANSWERER, FIRST, 1, sum, "");
        sum.lanes = new uint256[](65);
        fails(IRunErrors.WrongLength.selector);
        replyPart(ANSWERER, FIRST, 1, sum, "");
    }

    function test_reverts_without_a_part_before() public {
        begin();
        IRunTypes.Sum memory sum;
        sum.lanes = new uint256[](64);
        fails(IRunErrors.WrongProgress.selector);
        replyPart(ANSWERER, FIRST, 1, sum, "");
        fails(IRunErrors.WrongProgress.selector);
        finish(ANSWERER, 1, 1);
    }

    /// @dev Nothing of the sums can be changed on the way: not the sum, not the weight, not the place.
    function testFuzz_reverts_with_other_sums(uint8 which, uint256 other) public {
        begin();
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 3));
        IRunTypes.Sum memory sum = sumOf(FIRST, 1, 3, 2);
        uint256 at = bound(which, 0, 65);
        if (at == 64) vm.assume(other != sum.weight);
        else if (at == 65) vm.assume(other != sum.next);
        else vm.assume(other != sum.lanes[at]);
        if (at == 64) sum.weight = other;
        else if (at == 65) sum.next = other;
        else sum.lanes[at] = other;
        fails(IRunErrors.WrongProgress.selector);
        replyPart(ANSWERER, FIRST, 1, sum, partOf(FIRST, 1, 4));
    }

    function test_reverts_with_sums_of_another_sender_chunk_or_earlier_part() public {
        begin();
        post(FIRST, 1, 0);
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 1));
        IRunTypes.Sum memory sum = sumOf(FIRST, 1, 1, 1);
        fails(IRunErrors.WrongProgress.selector);
        replyPart(OTHER, FIRST, 1, sum, partOf(FIRST, 1, 2));
        fails(IRunErrors.WrongProgress.selector);
        replyPart(ANSWERER, FIRST, 0, sum, partOf(FIRST, 0, 2));
        replyPart(ANSWERER, FIRST, 1, sum, partOf(FIRST, 1, 2));
        fails(IRunErrors.WrongProgress.selector);
        replyPart(ANSWERER, FIRST, 1, sum, partOf(FIRST, 1, 2));
    }

    function test_reverts_with_a_seat_out_of_order() public {
        begin();
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 0));
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 2));
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 3));
        // Once more the same seat, or one too far on.
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 2));
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 3, 2), partOf(FIRST, 1, 2));
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 2));
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 3, 2), partOf(FIRST, 1, 8));
    }

    function test_reverts_with_more_than_all_seats() public {
        begin();
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 31));
        fails(IRunErrors.WrongLength.selector);
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 31, 5), partOf(FIRST, 1, 16));
    }

    /// @dev A part that is wrong anywhere adds nothing: what was there before goes on.
    function testFuzz_poisoned_part(uint16 where, uint8 bit) public {
        begin();
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 1));
        bytes memory part = partOf(FIRST, 1, 14);
        uint256 at = bound(where, 0, part.length - 1);
        part[at] ^= bytes1(uint8(1) << (bit % 8));
        fails(abi.encodeWithSelector(IRunErrors.WrongGradient.selector, 1 + at / (128 + 32)));
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 1, 1), part);
        finish(ANSWERER, 1, 1);
    }

    /// @dev A seat was accepted that had not revealed: its bits are bound by nothing, so nobody can answer, and the round falls.
    function test_seat_that_never_revealed() public {
        shape(1);
        deploy();
        start(10, 20, 30, 1);
        for (uint8 id; id < 4; ++id) {
            train(FIRST, id);
        }
        for (uint8 id; id < 3; ++id) {
            show(FIRST, id);
        }
        skipTo(run.deadline());
        step(FIRST, 0, 15);
        for (uint8 id; id < 3; ++id) {
            approve(FIRST, id, 15, rootAt(1));
        }
        post(FIRST, 1, 0);
        fails(abi.encodeWithSelector(IRunErrors.NotRevealed.selector, 3));
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 15));
        fails(abi.encodeWithSelector(IRunErrors.SeatMissing.selector, 3));
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 7));
        replyPart(ANSWERER, FIRST, 0, empty(), partOf(FIRST, 0, 7));
        fails(abi.encodeWithSelector(IRunErrors.NotRevealed.selector, 3));
        replyPart(ANSWERER, FIRST, 0, sumOf(FIRST, 0, 7, 3), partOf(FIRST, 0, 8));
        skip(p.answerWindow);
        overturn(FIRST, 0);
        assertEq(run.clock().height, 0);
    }

    /// @dev Nor one that nobody has.
    function test_seat_that_never_was() public {
        shape(1);
        deploy();
        start(10, 20, 30);
        prepare(3);
        step(FIRST, 0, 7);
        uint256 set = 7 | (1 << 255);
        for (uint8 id; id < 3; ++id) {
            approve(FIRST, id, set, rootAt(1));
        }
        post(FIRST, 1, 0);
        fails(abi.encodeWithSelector(IRunErrors.SeatMissing.selector, 3));
        reply(ANSWERER, FIRST, 0, replyOf(FIRST, 1, 0, 7));
        fails(abi.encodeWithSelector(IRunErrors.NotRevealed.selector, 255));
        replyPart(ANSWERER, FIRST, 0, empty(), partOf(FIRST, 0, set));
    }

    // ------------------------------------------------------------------ effects

    function test_parts_of_any_size() public {
        begin();
        vm.expectEmit(address(run));
        emit IRunEvents.AnswerAdvanced(FIRST, 1, ANSWERER, 2, 30);
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 3));
        vm.expectEmit(address(run));
        emit IRunEvents.AnswerAdvanced(FIRST, 1, ANSWERER, 2, 30);
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 3, 2), "");
        vm.expectEmit(address(run));
        emit IRunEvents.AnswerAdvanced(FIRST, 1, ANSWERER, 5, 150);
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 3, 2), partOf(FIRST, 1, 28));
        assertEq(run.credit(ANSWERER), 0, "a part claims nothing");
        finish(ANSWERER, 31, 5);
        assertStatus(FIRST, 1, IRunTypes.Status.Answered);
        assertEq(run.credit(ANSWERER), BOND / 2);
        assertBooks();
    }

    function test_place_and_weight_are_ignored_at_the_start() public {
        begin();
        IRunTypes.Sum memory sum;
        (sum.next, sum.weight) = (4, 65_000);
        vm.expectEmit(address(run));
        emit IRunEvents.AnswerAdvanced(FIRST, 1, ANSWERER, 1, 10);
        replyPart(ANSWERER, FIRST, 1, sum, partOf(FIRST, 1, 1));
        Reply memory r = replyOf(FIRST, 1, 1, 31);
        r.sum = sum;
        reply(ANSWERER, FIRST, 1, r);
        assertStatus(FIRST, 1, IRunTypes.Status.Answered);
    }

    /// @dev Several at once, with cuts of their own; one starts again, one sends rubbish. Nobody meets anybody.
    function test_nobody_spoils_or_resets_anothers() public {
        begin();
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 7));
        replyPart(OTHER, FIRST, 1, empty(), partOf(FIRST, 1, 1));
        replyPart(challenger(), FIRST, 1, empty(), "");
        replyPart(OTHER, FIRST, 1, sumOf(FIRST, 1, 1, 1), partOf(FIRST, 1, 6));
        replyPart(OTHER, FIRST, 1, empty(), "");
        fails(IRunErrors.WrongProgress.selector);
        replyPart(OTHER, FIRST, 1, sumOf(FIRST, 1, 7, 3), "");
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 7, 3), partOf(FIRST, 1, 8));
        finish(ANSWERER, 15, 4);
        assertEq(run.credit(ANSWERER), BOND / 2);
    }

    /// @dev Who is first is paid; the other's parts are worth nothing any more.
    function test_first_to_finish_is_paid() public {
        begin();
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 7));
        replyPart(OTHER, FIRST, 1, empty(), partOf(FIRST, 1, 1));
        finish(OTHER, 1, 1);
        fails(wrongStatus(IRunTypes.Status.Answered));
        finish(ANSWERER, 7, 3);
        assertEq(run.credit(OTHER), BOND / 2);
        assertEq(run.credit(ANSWERER), 0);
    }

    /// @dev Parts sent while it was open serve after the overturn too.
    function test_parts_outlive_the_overturn() public {
        begin();
        replyPart(ANSWERER, FIRST, 1, empty(), partOf(FIRST, 1, 7));
        skip(p.answerWindow);
        overturn(FIRST, 1);
        skip(p.answerWindow - 1);
        replyPart(ANSWERER, FIRST, 1, sumOf(FIRST, 1, 7, 3), partOf(FIRST, 1, 8));
        finish(ANSWERER, 15, 4);
        assertStatus(FIRST, 1, IRunTypes.Status.Cancelled);
    }
}
