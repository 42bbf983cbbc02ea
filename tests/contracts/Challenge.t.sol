// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {CourtTest} from "./util/CourtTest.sol";
import {vm} from "./util/Vm.sol";

contract ChallengeTest is CourtTest {
    uint32 private constant CHUNKS = 98; // 100,000 parameters

    function notStanding(uint32 round) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRunErrors.NotStanding.selector, round);
    }

    function timeOf(uint32 round) internal view returns (uint256) {
        (IRunTypes.Ballot memory b,,) = run.ballot(round);
        return b.time;
    }

    // ------------------------------------------------------------------ reverts

    function test_reverts_where_nothing_stands() public {
        start(10, 10, 10);
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 1, 0, BOND);
        toVote(0, 2);
        vote(FIRST, 0);
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 1, 0, BOND);
        vote(FIRST, 1);
        vote(FIRST, 2);
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 0, 0, BOND);
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 2, 0, BOND);
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 1 + (1 << 24), 0, BOND);
        fails(notStanding(FIRST + 1));
        post(challenger(), FIRST + 1, 1, 0, BOND);
        fails(notStanding(FIRST + (1 << 24)));
        post(challenger(), FIRST + (1 << 24), 1, 0, BOND);
    }

    /// @dev The state that the run began with is nobody's claim.
    function test_reverts_for_the_genesis() public {
        fails(tooLate(p.challengeWindow));
        post(challenger(), 0, 0, 0, BOND);
        start(10, 10, 10);
        playRounds(2, 0, 2);
        fails(tooLate(p.challengeWindow));
        post(challenger(), 0, 0, 0, BOND);
    }

    function test_reverts_for_a_void_round() public {
        start(10, 10, 10);
        playVoids(1, 0, 2);
        playRound(0, 2);
        fails(notStanding(FIRST));
        post(challenger(), FIRST, 1, 0, BOND);
        post(FIRST + 1, 1, 0);
    }

    /// @dev Overturned, its height open; and overturned, its height made again.
    function test_reverts_for_an_overturned_round() public {
        start(10, 10, 10);
        playRounds(3, 0, 2);
        takeBack(FIRST + 1, 2, 0);
        for (uint32 i = 1; i < 3; ++i) {
            fails(notStanding(FIRST + i));
            post(challenger(), FIRST + i, i + 1, 1, BOND);
        }
        settleOverturn(FIRST + 1, 0, 0, 2);
        openRound();
        playRounds(2, 0, 2);
        for (uint32 i = 1; i < 3; ++i) {
            fails(notStanding(FIRST + i));
            post(challenger(), FIRST + i, i + 1, 1, BOND);
            post(FIRST + 3 + i, i + 1, 1);
        }
    }

    function test_window() public {
        start(10, 10, 10);
        playRound(0, 2);
        uint256 end = timeOf(FIRST) + p.challengeWindow;
        skipTo(end);
        fails(tooLate(end));
        post(challenger(), FIRST, 1, 0, BOND);
        skipTo(end - 1);
        post(FIRST, 1, 0);
    }

    /// @dev The ballot of a round that took its ring slot is not taken for its own.
    function test_reverts_when_the_record_is_gone() public {
        deployShortRing();
        start(10, 10, 10);
        playRounds(8, 0, 2);
        skip(run.horizon() + p.settleWindow);
        openRound();
        toVote(0, 2);
        vote(FIRST + 8, 0);
        (bytes26 root, uint24 round,,) = run.result(1);
        assertEq(root, bytes26(stateRootOf(FIRST)));
        assertEq(round, FIRST);
        fails(tooLate(timeOf(FIRST + 8) + p.challengeWindow));
        post(challenger(), FIRST, 1, 0, BOND);
    }

    function testFuzz_reverts_with_another_root(bytes32 root) public {
        vm.assume(root != good(FIRST).root && root != 0);
        start(10, 10, 10);
        playRound(0, 2);
        setStateRoot(FIRST, root);
        fails(abi.encodeWithSelector(IRunErrors.WrongRoot.selector, bytes26(good(FIRST).root)));
        post(challenger(), FIRST, 1, 0, BOND);
    }

    /// @dev The recorded bytes alone would leave the rest to the challenger.
    function testFuzz_reverts_with_another_end_of_the_root(uint48 end) public {
        start(10, 10, 10);
        playRound(0, 2);
        bytes32 right = good(FIRST).root;
        bytes32 root = bytes32(bytes26(right)) | bytes32(uint256(end));
        vm.assume(root != right);
        setStateRoot(FIRST, root);
        fails(abi.encodeWithSelector(IRunErrors.WrongRoot.selector, bytes26(right)));
        post(challenger(), FIRST, 1, 0, BOND);
    }

    function testFuzz_reverts_beyond_the_last_chunk(uint32 chunk) public {
        start(10, 10, 10);
        playRound(0, 2);
        fails(abi.encodeWithSelector(IRunErrors.NoSuchChunk.selector, CHUNKS));
        post(challenger(), FIRST, 1, uint32(bound(chunk, CHUNKS, type(uint32).max)), BOND);
    }

    function test_last_chunk() public {
        uint64[5] memory counts = [uint64(1), 1024, 1025, 2048, 1 << 32];
        uint32[5] memory chunks = [uint32(1), 1, 2, 2, 1 << 22];
        for (uint256 i; i < 5; ++i) {
            p.parameterCount = counts[i];
            deploy();
            start(10, 10, 10);
            playRound(0, 2);
            fails(abi.encodeWithSelector(IRunErrors.NoSuchChunk.selector, chunks[i]));
            post(challenger(), FIRST, 1, chunks[i], BOND);
            post(FIRST, 1, chunks[i] - 1);
        }
    }

    /// @dev Once ever: whatever became of the first.
    function test_reverts_a_second_time() public {
        p.challengeWindow = 1_000;
        (p.commitMin, p.commitCap) = (120, 120);
        deploy();
        start(10, 10, 10);
        playRounds(2, 0, 2);
        post(FIRST, 1, 0);
        fails(IRunErrors.AlreadyChallenged.selector);
        post(challenger(), FIRST, 1, 0, 2 * BOND);
        fails(IRunErrors.AlreadyChallenged.selector);
        post(OTHER, FIRST, 1, 0, 2 * BOND);
        post(FIRST, 1, 1);
        post(FIRST + 1, 2, 0);
        skip(2 * p.answerWindow);
        lapse(FIRST, 0);
        fails(IRunErrors.AlreadyChallenged.selector);
        post(challenger(), FIRST, 1, 0, 2 * BOND);
    }

    function test_reverts_with_less_than_the_bond() public {
        start(10, 10, 10);
        playRound(0, 2);
        fails(abi.encodeWithSelector(IRunErrors.BondTooLow.selector, BOND));
        post(challenger(), FIRST, 1, 0, 0);
        fails(abi.encodeWithSelector(IRunErrors.BondTooLow.selector, BOND));
        post(challenger(), FIRST, 1, 0, BOND - 1);
        post(challenger(), FIRST, 1, 0, BOND);
        fails(abi.encodeWithSelector(IRunErrors.BondTooLow.selector, 2 * BOND));
        post(challenger(), FIRST, 1, 1, 2 * BOND - 1);
    }

    /// @dev In a private run an answer publishes a chunk: only who had a seat may ask for one, also after leaving.
    function test_reverts_in_a_private_run_for_strangers() public {
        p.invitationOnly = true;
        deploy();
        for (uint256 i; i < 3; ++i) {
            admit(ownerOf(i));
        }
        start(10, 10, 10);
        playRound(0, 2);
        fails(IRunErrors.NeverSeated.selector);
        post(challenger(), FIRST, 1, 0, BOND);
        fails(IRunErrors.NeverSeated.selector);
        post(operatorOf(0), FIRST, 1, 0, BOND);
        admit(challenger());
        fails(IRunErrors.NeverSeated.selector);
        post(challenger(), FIRST, 1, 0, BOND);
        post(ownerOf(0), FIRST, 1, 0, BOND);
        leave(1);
        post(ownerOf(1), FIRST, 1, 1, 2 * BOND);
        revoke(2);
        post(ownerOf(2), FIRST, 1, 2, 4 * BOND);
    }

    // ------------------------------------------------------------------ effects

    function test_is_recorded() public {
        start(10, 10, 10);
        playRounds(2, 0, 2);
        skip(7);
        uint256 at = time();
        vm.deal(challenger(), BOND);
        vm.expectEmit(address(run));
        emit IRunEvents.Challenged(FIRST + 1, 97, challenger(), 2, BOND, stateRootOf(FIRST + 1), 0);
        post(challenger(), FIRST + 1, 2, 97, BOND);
        IRunTypes.Challenge memory c = run.challenges(FIRST + 1, 97);
        assertEq(c.challenger, challenger());
        assertEq(c.time, at);
        assertEq(c.height, 2);
        assertStatus(FIRST + 1, 97, IRunTypes.Status.Open);
        assertEq(c.oldRoot, bytes26(stateRootOf(FIRST)));
        assertEq(c.newRoot, stateRootOf(FIRST + 1));
        assertEq(c.bond, BOND);
        assertEq(c.prize, BOND);
        assertEq(c.voters, 0);
        assertEq(run.roll().openChallenges, 1);
        assertEq(run.nextBond(), 2 * BOND);
        assertEq(run.clock().height, 2, "a challenge stops nothing");
        assertPhase(IRunTypes.Phase.Commit);
        playRound(0, 2);
        assertBooks();
    }

    function test_first_height_starts_from_the_genesis() public {
        start(10, 10, 10);
        playRound(0, 2);
        post(FIRST, 1, 0);
        assertEq(run.challenges(FIRST, 0).oldRoot, bytes26(p.genesisRoot));
    }

    /// @dev What is sent beyond the bond is the sender's: another challenge may have come first.
    function testFuzz_what_is_too_much_is_credited(uint96 more) public {
        start(10, 10, 10);
        playRound(0, 2);
        vm.expectEmit(address(run));
        emit IRunEvents.Challenged(FIRST, 0, challenger(), 1, BOND, stateRootOf(FIRST), more);
        post(challenger(), FIRST, 1, 0, BOND + uint256(more));
        assertEq(run.credit(challenger()), more);
        assertEq(run.challenges(FIRST, 0).bond, BOND);
        assertEq(run.challenges(FIRST, 0).prize, BOND);
        assertBooks();
    }

    /// @dev Twice as much for each open one, over all rounds; as one ends it is half again. The prize stays the same.
    function test_bond_doubles() public {
        start(10, 10, 10);
        playRounds(2, 0, 2);
        for (uint32 i; i < 10; ++i) {
            assertEq(run.nextBond(), uint256(BOND) << i);
            post(i % 2 == 0 ? FIRST : FIRST + 1, i % 2 == 0 ? 1 : 2, i);
            assertEq(run.challenges(i % 2 == 0 ? FIRST : FIRST + 1, i).bond, uint256(BOND) << i);
            assertEq(run.challenges(i % 2 == 0 ? FIRST : FIRST + 1, i).prize, BOND);
        }
        skip(2 * p.answerWindow);
        for (uint32 i = 10; i-- > 1;) {
            lapse(i % 2 == 0 ? FIRST : FIRST + 1, i);
            assertEq(run.nextBond(), uint256(BOND) << i);
        }
        assertBooks();
    }

    function test_bond_doubles_a_hundred_times_at_most() public {
        p.challengeBond = 1;
        p.parameterCount = 110 * 1024;
        deploy();
        start(10, 10, 10);
        playRound(0, 2);
        for (uint32 i; i < 103; ++i) {
            assertEq(run.nextBond(), uint256(1) << (i < 100 ? i : 100));
            post(FIRST, 1, i);
        }
        assertEq(run.roll().openChallenges, 103);
        assertBooks();
    }

    function test_last_height_of_a_finished_run() public {
        (p.warmup, p.decay, p.totalHeights) = (1, 1, 2);
        deploy();
        start(10, 10, 10);
        playRounds(2, 0, 2);
        assertPhase(IRunTypes.Phase.Finished);
        post(FIRST + 1, 2, 0);
        assertStatus(FIRST + 1, 0, IRunTypes.Status.Open);
    }
}
