// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Accusations around a place that changed hands: who held the id in the round accuses, is condemned, pays, and is paid as the witness.
/// All ids are given: 0..3 weigh 100 and are active, the others weigh 1 and are benched.
contract AccuseFormerTest is CourtTest {
    uint256 private constant SHARE = 0.003 ether / 4;
    uint256 private constant CHECK = 0.0006 ether / 4;

    function setUp() public override {
        super.setUp();
        uint8[] memory weights = new uint8[](4);
        (weights[0], weights[1], weights[2], weights[3]) = (100, 100, 100, 100);
        fill(weights, 1);
        openRound();
        fund(1 ether);
    }

    /// @dev A bidder has the place of the seat from the next round on, and activates. In the open round the helpers still act by the displaced holder.
    function displace(uint8 seat) internal {
        bid(seat, 255);
        skip(p.activateDelay);
        takeSeat(seat);
        activate(seat);
        actsBy(seat, address(0), address(0));
    }

    /// @dev The helpers act for the seat by its present holder again.
    function present(uint8 seat) internal {
        actsBy(seat, bidderOf(seat), bidderOf(seat));
    }

    /// @dev FIRST and FIRST + 1 are rounds of the displaced holder of the seat, FIRST + 2 is the present one's and open.
    function playAndDisplace(uint8 seat) internal {
        play(15);
        displace(seat);
        play(15);
        present(seat);
        assertEq(run.seats(seat).first, FIRST + 2);
    }

    /// @dev Seats 2 and 3: 200 of the 300 of the base that are not the accused's.
    function condemn(uint32 round, uint8 accused, uint8 witness) internal {
        accuse(round, round - 1, 2, accused, witness);
        accuse(round, round - 1, 3, accused, witness);
    }

    function alreadyCondemned(uint256 round) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.AlreadyCondemned.selector, round);
    }

    // ------------------------------------------------------------------ the accused

    /// @dev It has left and is not benched; the present holder of the id acts on.
    function test_the_former_holder_is_condemned() public {
        playAndDisplace(1);
        uint16 active = run.roll().nextActive;
        accuse(FIRST, 1, 2, 1, 1);
        vm.expectEmit(address(run));
        emit IRunEvents.Condemned(FIRST, 1, 1, FIRST + 2, 0);
        vm.recordLogs();
        accuse(FIRST, 1, 3, 1, 1);
        assertEq(vm.getRecordedLogs().length, 2, "accused and condemned, not benched");
        assertEq(run.formerSeats(1).condemnedIn, FIRST + 2);
        assertEq(run.formerSeats(1).flags, 4);
        assertEq(run.formerSeats(1).until, FIRST + 1);
        assertEq(run.seats(1).condemnedIn, 0);
        assertEq(run.seats(1).flags, 0);
        assertEq(run.seats(1).until, FOREVER);
        assertEq(run.roll().nextActive, active);
        commit(FIRST + 2, 1);
    }

    /// @dev seat + 256 forfeits the rounds of the former holder, of which the witness is paid first; the id's own are paid.
    function test_the_former_holder_pays() public {
        playAndDisplace(1);
        condemn(FIRST, 1, 2);
        play(15);
        uint256 base = run.clock().base;
        skipToSafe(FIRST + 2);
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(FORMER + 1, 3, 0, 2 * SHARE);
        settle(FORMER + 1, 10);
        assertEq(run.credit(actor("owner", 1)), 0);
        assertEq(run.credit(ownerOf(2)), CHECK);
        assertEq(run.burnt(), 2 * SHARE - CHECK);
        uint256 share = (uint256(p.rewardPerRound) * 255) / base;
        vm.expectEmit(address(run));
        emit IRunEvents.Settled(1, 3, share, 0);
        settle(1, 10);
        assertEq(run.credit(bidderOf(1)), share);
        assertEq(run.credit(ownerOf(2)), CHECK, "once");
        assertBooks();
    }

    /// @dev Condemned while it held the id: the condemnation goes with it when its place is taken.
    function test_a_condemnation_goes_with_its_holder() public {
        play(15);
        condemn(FIRST, 1, 2);
        displace(1);
        assertEq(run.formerSeats(1).condemnedIn, FIRST + 1);
        assertEq(run.seats(1).condemnedIn, 0);
        assertEq(run.seats(1).flags, 0);
        skip(1);
        mine();
        play(15); // final after the condemnation: paid
        present(1);
        play(15);
        uint256 base = run.clock().base;
        skipToSafe(FIRST + 2);
        settle(FORMER + 1, 10);
        assertEq(run.credit(actor("owner", 1)), SHARE);
        assertEq(run.burnt(), SHARE - CHECK);
        settle(1, 10);
        assertEq(run.credit(bidderOf(1)), (uint256(p.rewardPerRound) * 255) / base);
        assertEq(run.burnt(), SHARE - CHECK);
    }

    /// @dev The present holder's condemnation takes nothing from the former one, whose rounds were final by then and not safe either.
    function test_the_present_holder_is_condemned() public {
        playAndDisplace(1);
        play(15);
        // 255 of 555 are the accused's: 2 * 200 > 300.
        condemn(FIRST + 2, 1, 2);
        assertEq(run.seats(1).condemnedIn, FIRST + 3);
        assertEq(run.seats(1).until, FIRST + 3, "benched");
        assertEq(run.formerSeats(1).condemnedIn, 0);
        assertEq(run.formerSeats(1).flags, 0);
        skipToSafe(FIRST + 2);
        settle(FORMER + 1, 10);
        assertEq(run.credit(actor("owner", 1)), 2 * SHARE);
        assertEq(run.burnt(), 0);
        settle(1, 10);
        assertEq(run.credit(bidderOf(1)), 0);
        assertGt(run.burnt(), 0);
    }

    /// @dev A condemnation voids accusations of its holder up to the current round, not those of the other holder of the id.
    function test_each_holder_is_accused_apart() public {
        playAndDisplace(1);
        play(15);
        condemn(FIRST + 2, 1, 1);
        fails(alreadyCondemned(FIRST + 3));
        accuse(FIRST + 2, 3, 0, 1, 1);
        condemn(FIRST + 1, 1, 1);
        assertEq(run.formerSeats(1).condemnedIn, FIRST + 3);
        fails(alreadyCondemned(FIRST + 3));
        accuse(FIRST, 1, 0, 1, 1);
    }

    /// @dev Its stake is its own still.
    function test_a_condemned_former_holder_withdraws() public {
        playAndDisplace(1);
        condemn(FIRST, 1, 1);
        skip(run.horizon());
        address former = actor("owner", 1);
        withdraw(former, 1);
        assertEq(former.balance, stakeOf(100));
        settle(FORMER + 1, 10);
        assertEq(run.credit(former), 0);
        assertEq(run.burnt(), 2 * SHARE);
    }

    // ------------------------------------------------------------------ the witness

    /// @dev Who held the witness's id in the round is owed, by the weight that it had then.
    function test_a_former_holder_as_witness() public {
        playAndDisplace(0);
        accuse(FIRST, 1, 2, 1, 0);
        vm.expectEmit(address(run));
        emit IRunEvents.Condemned(FIRST, 1, 0, FIRST + 2, CHECK);
        accuse(FIRST, 1, 3, 1, 0);
        skipToSafe(FIRST + 1);
        settle(1, 10);
        assertEq(run.credit(actor("owner", 0)), CHECK);
        assertEq(run.credit(bidderOf(0)), 0);
        assertEq(run.burnt(), 2 * SHARE - CHECK);
    }

    /// @dev The witness of a round was named before its place was taken, and is paid after it has withdrawn.
    function test_a_witness_that_is_displaced_and_paid_out() public {
        play(15);
        condemn(FIRST, 1, 0);
        displace(0);
        address former = actor("owner", 0);
        skip(run.horizon() + p.leaveDelay);
        withdraw(former, 0);
        settle(1, 1);
        assertEq(run.credit(former), CHECK);
        assertEq(run.credit(bidderOf(0)), 0);
        claim(former);
        assertEq(former.balance, stakeOf(100) + CHECK);
    }

    /// @dev In a round of its own the present holder is the witness.
    function test_the_present_holder_as_witness() public {
        playAndDisplace(0);
        uint256 base = run.clock().base;
        play(15);
        uint256 owed = (uint256(p.checkReward) * 255) / base;
        accuse(FIRST + 2, 3, 2, 1, 0);
        accuse(FIRST + 2, 3, 3, 1, 0);
        assertEq(run.seats(1).condemnedIn, 0, "2 * 200 of 555 - 100");
        vm.expectEmit(address(run));
        emit IRunEvents.Condemned(FIRST + 2, 1, 0, FIRST + 3, owed);
        accuse(FIRST + 2, 3, 0, 1, 0);
        skipToSafe(FIRST + 2);
        settle(1, 10);
        assertEq(run.credit(bidderOf(0)), owed);
        assertEq(run.credit(actor("owner", 0)), 0);
    }

    // ------------------------------------------------------------------ the accuser

    /// @dev Who was displaced accuses in the rounds of its own, with the weight that it had; in later ones its id is another's.
    function test_a_former_holder_accuses() public {
        playAndDisplace(0);
        play(15);
        address former = actor("operator", 0);
        fails(notOperator(bidderOf(0)));
        next(former);
        run.accuse(FIRST + 2, 3, 0, 1, rootOf(FIRST + 2, 1), 1);
        fails(notOperator(former));
        accuse(FIRST + 1, 2, 0, 1, 1);
        actsBy(0, address(0), address(0));
        accuse(FIRST + 1, 2, 0, 1, 1);
        assertEq(run.accusation(FIRST + 1, 1, 1).tally, 100);
        assertEq(run.accusation(FIRST + 1, 1, 1).voters, 1);
        present(0);
        accuse(FIRST + 2, 3, 0, 1, 1);
        assertEq(run.accusation(FIRST + 2, 1, 1).tally, 255);
    }

    /// @dev Its last round is the one that was open when its place was taken, and it had none before it activated.
    function test_a_former_holder_accuses_in_the_rounds_it_acted_in() public {
        play(15);
        // Seat 9 activates for FIRST + 2 and is displaced in it.
        activate(9);
        play(15);
        bid(9, 3);
        skip(p.activateDelay);
        takeSeat(9);
        actsBy(9, address(0), address(0));
        play(15);
        play(15);
        fails(notActive(FIRST + 2, FIRST + 2));
        accuse(FIRST + 1, 2, 9, 1, 1);
        accuse(FIRST + 2, 3, 9, 1, 1);
        fails(notOperator(bidderOf(9)));
        accuse(FIRST + 3, 4, 9, 1, 1);
        // The present one has not activated.
        present(9);
        fails(notActive(0, FOREVER));
        accuse(FIRST + 3, 4, 9, 1, 1);
    }

    /// @dev Paid out, it has nothing to lose any more, and no word.
    function test_a_former_holder_that_withdrew_does_not_accuse() public {
        // Two that come back late: their round is final long after the first is safe.
        play(15);
        displace(0);
        commitAll(1, 3);
        skipTo(run.deadline());
        revealAll(1, 3);
        uint256 free = run.formerSeats(0).leftAt + run.horizon();
        skipTo(run.deadline() - 1);
        for (uint8 id = 1; id < 4; ++id) {
            vote(FIRST + 1, id);
        }
        skipTo(free);
        withdraw(actor("owner", 0), 0);
        fails(notActive(0, FIRST + 1));
        accuse(FIRST + 1, 2, 0, 1, 1);
    }

    /// @dev The cartel's member was displaced before the overturn that names it: its old weight counts for nothing until it is settled,
    /// and the present holder of its id is named by nothing.
    function test_a_displaced_accuser_that_is_named() public {
        play(15);
        displace(0);
        play(15, 7, 15, 0); // all but seat 3 vote
        present(0);
        play(15);
        takeBack(FIRST + 1, 2, 0);
        assertEq(run.formerSeats(0).named, 1);
        assertEq(run.seats(0).named, 0);
        actsBy(0, address(0), address(0));
        fails(named(1));
        accuse(FIRST, 1, 0, 3, 3);
        fails(named(1));
        accuse(FIRST, 1, 1, 3, 3);
        assertEq(run.accusation(FIRST, 3, 3).tally, 0);
        // It is accused of what stands all the same.
        accuse(FIRST, 1, 3, 0, 0);
        assertEq(run.accusation(FIRST, 0, 0).tally, 100);
        skip(p.answerWindow);
        slash(FIRST + 1, 0, 0);
        accuse(FIRST, 1, 0, 3, 3);
        assertEq(run.accusation(FIRST, 3, 3).tally, 100, "as of the round, whatever a slash took since");
    }

    /// @dev Named for a round of the present holder: the former one is not, and accuses in its own.
    function test_the_present_holder_is_named() public {
        playAndDisplace(0);
        play(15, 7, 15, 0);
        takeBack(FIRST + 2, 3, 0);
        assertEq(run.seats(0).named, 1);
        assertEq(run.formerSeats(0).named, 0);
        actsBy(0, address(0), address(0));
        accuse(FIRST + 1, 2, 0, 3, 3);
        assertEq(run.accusation(FIRST + 1, 3, 3).tally, 100);
    }
}
