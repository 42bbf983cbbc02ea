// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

contract SetOperatorTest is RunTest {
    address internal constant NEW = address(0xbeef);
    address internal constant NEWER = address(0xcafe);

    function commitBy(address sender, uint32 round, uint8 seat) internal {
        (uint64 number, bytes32 hash) = anchor();
        bytes32 commitment = hashCommitment(domainOf("comitia.commitment.v1", block.chainid, address(run)), round, seat, sender, rootOf(round, seat));
        next(sender);
        run.commit(round, seat, number, hash, commitment, sealedOf(round, seat));
        mine();
    }

    function voteBy(address sender, uint32 round, uint8 seat) internal {
        (uint64 number, bytes32 hash) = anchor();
        Outcome memory o = good(round);
        next(sender);
        run.vote(round, seat, number, hash, o.accepted, o.checked, o.root);
        mine();
    }

    function test_reverts_for_the_operator() public {
        join(10);
        fails(notOwner(ownerOf(0)));
        next(operatorOf(0));
        run.setOperator(0, NEW);
    }

    function test_reverts_for_no_seat() public {
        fails(notOwner(address(0)));
        setOperator(9, NEW);
    }

    function test_reverts_after_leaving() public {
        join(10);
        leave(0);
        fails(IRunErrors.HasLeft.selector);
        setOperator(0, NEW);
    }

    function test_reverts_without_operator() public {
        join(10);
        fails(IRunErrors.BadOperator.selector);
        setOperator(0, address(0));
    }

    function testFuzz_is_told(address operator) public {
        vm.assume(operator != address(0));
        start(10, 10, 10);
        vm.expectEmit(address(run));
        emit IRunEvents.OperatorChanged(1, operator, FIRST + 1);
        setOperator(1, operator);
        IRunTypes.Seat memory s = run.seats(1);
        assertEq(s.operator, operatorOf(1));
        assertEq(s.nextOperator, operator);
        assertEq(s.operatorFrom, FIRST + 1);
        assertEq(s.flags, 1);
    }

    /// @dev Before the first round the next one is the first.
    function test_before_the_first_round() public {
        uint8[] memory weights = new uint8[](1);
        weights[0] = 30;
        seatAll(weights);
        setOperator(0, NEW);
        assertEq(run.seats(0).operatorFrom, FIRST);
        openRound();
        fails(notOperator(NEW));
        commitBy(operatorOf(0), FIRST, 0);
        commitBy(NEW, FIRST, 0);
    }

    /// @dev The open round is the old operator's to its end, the next is the new one's.
    function test_from_the_next_round_on() public {
        start(10, 10, 10);
        setOperator(0, NEW);
        fails(notOperator(operatorOf(0)));
        commitBy(NEW, FIRST, 0);
        play(7);

        fails(notOperator(NEW));
        commitBy(operatorOf(0), FIRST + 1, 0);
        commitBy(NEW, FIRST + 1, 0);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.operator, NEW);
        assertEq(s.flags, 0, "promoted");
    }

    /// @dev Who committed reveals, whoever the operator is by then: a reveal reads no seat.
    function test_a_reveal_is_the_committers() public {
        start(10, 10, 10);
        commitAll(0, 2);
        setOperator(0, NEW);
        fails(IRunErrors.CommitmentMismatch.selector);
        next(NEW);
        run.reveal(FIRST, 0, rootOf(FIRST, 0), "key", 0);
        revealAll(0, 2);
        assertPhase(IRunTypes.Phase.Vote);
    }

    /// @dev A late vote for the round before the change is the old operator's, until the new one has acted.
    function test_a_late_vote() public {
        start(10, 10, 10, 10);
        toVote(0, 3);
        setOperator(3, NEW);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        assertEq(run.clock().round, FIRST + 1);
        fails(notOperator(operatorOf(3)));
        voteBy(NEW, FIRST, 3);
        uint256 state = vm.snapshotState();
        vote(FIRST, 3);
        vm.revertToState(state);
        commitBy(NEW, FIRST + 1, 3);
        fails(notOperator(NEW));
        vote(FIRST, 3);
    }

    function test_twice_in_a_round_the_last_counts() public {
        start(10, 10, 10);
        setOperator(0, NEW);
        setOperator(0, NEWER);
        commit(FIRST, 0);
        commitAll(1, 2);
        revealAll(0, 2);
        for (uint8 seat; seat < 3; ++seat) {
            vote(FIRST, seat);
        }
        fails(notOperator(NEWER));
        commitBy(NEW, FIRST + 1, 0);
        commitBy(NEWER, FIRST + 1, 0);
    }

    /// @dev A change that nobody acted on yet is the present operator when the next change comes.
    function test_again_a_round_later() public {
        start(10, 10, 10);
        setOperator(0, NEW);
        play(7);
        setOperator(0, NEWER);
        IRunTypes.Seat memory s = run.seats(0);
        assertEq(s.operator, NEW);
        assertEq(s.nextOperator, NEWER);
        assertEq(s.operatorFrom, FIRST + 2);
        fails(notOperator(NEW));
        commitBy(NEWER, FIRST + 1, 0);
        commitBy(NEW, FIRST + 1, 0);
    }

    function test_back_again() public {
        start(10, 10, 10);
        setOperator(0, NEW);
        setOperator(0, operatorOf(0));
        play(7);
        play(7);
    }

    /// @dev Until the change the old operator speaks for the seat, from then on the new one, though nobody acted yet.
    function test_what_both_owner_and_operator_may() public {
        start(10, 10, 10);
        setOperator(0, NEW);
        setPeer(0, "/a");
        fails(notOperator(operatorOf(0)));
        next(NEW);
        run.setPeer(0, "/b");
        play(7);
        fails(notOperator(NEW));
        setPeer(0, "/a");
        vm.prank(NEW);
        run.setPeer(0, "/b");
        vm.prank(NEW);
        run.announceTip(0, "tip");
    }

    function test_the_new_operator_activates() public {
        join(10);
        setOperator(0, NEW);
        skip(p.activateDelay);
        fails(notOperator(operatorOf(0)));
        next(NEW);
        run.activate(0); // no round has opened: the change waits for the first
        activate(0);
        openRound();
        commitBy(NEW, FIRST, 0);
    }
}
