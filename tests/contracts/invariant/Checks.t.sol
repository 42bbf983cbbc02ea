// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {RunBase} from "../util/RunBase.sol";
import {Test} from "../util/Test.sol";
import {vm} from "../util/Vm.sol";
import {Errors} from "./Errors.t.sol";
import {Handler} from "./Handler.t.sol";

/// @notice What must hold after any operations of anybody in any order, and that the handler gets everywhere. What a single call must not do is asserted in the
/// handler, where the call is made.
abstract contract Checks is Test {
    uint24 internal constant FOREVER = type(uint24).max;
    uint256 internal constant LOWEST = 243; // one below the handler's: a place that is bid for

    Handler internal handler;
    ITrainingRun internal run;
    uint256 internal unit;

    function begin(Handler with) internal {
        handler = with;
        handler.setUp();
        run = handler.target();
        unit = run.parameters().weightUnit;
        for (uint256 i; i < 3; ++i) {
            handler.doJoin(uint256(keccak256(abi.encode(i))) | 3);
        }
        handler.doActivate(6 * ((type(uint256).max) / 6));
        handler.doFund(uint256(0.25 ether) << 8);
        handler.doOpen();
        assertEq(run.clock().round, 2);
        targetContract(address(handler));
        targetSelector(address(handler), operations());
    }

    function operations() internal view returns (bytes4[] memory s) {
        s = new bytes4[](28);
        (s[0], s[1], s[2], s[3]) = (handler.doJoin.selector, handler.doActivate.selector, handler.doLeave.selector, handler.doTopUp.selector);
        (s[4], s[5], s[6], s[7]) = (handler.doHotKeys.selector, handler.doBench.selector, handler.doBid.selector, handler.doTakeSeat.selector);
        (s[8], s[9], s[10], s[11]) = (handler.doWithdraw.selector, handler.doHonestRound.selector, handler.doCartelRound.selector, handler.doAct.selector);
        (s[12], s[13], s[14], s[15]) = (handler.doLateVote.selector, handler.doOpen.selector, handler.doWait.selector, handler.doChallenge.selector);
        (s[16], s[17], s[18], s[19]) = (handler.doAnswer.selector, handler.doJudge.selector, handler.doLapse.selector, handler.doAccuse.selector);
        (s[20], s[21], s[22], s[23]) = (handler.doFund.selector, handler.doForce.selector, handler.doSettle.selector, handler.doClaim.selector);
        (s[24], s[25], s[26], s[27]) = (handler.doOwner.selector, handler.doMisuse.selector, handler.doQuit.selector, handler.doOutage.selector);
    }

    // ------------------------------------------------------------------ invariants

    function check() public view {
        checkMoney();
        // The rest costs more, and what it would miss between two looks stays to be seen.
        if (handler.steps() % 3 == 0) {
            checkSeats();
            checkRound();
            checkHeights();
        }
    }

    /// @dev What the contract holds is stakes, pool, credits, bonds, what is burnt, and what was forced upon it.
    function checkMoney() internal view {
        uint256 sum = uint256(run.staked()) + run.pool() + run.burnt() + handler.forced();
        for (uint256 i; i <= 20; ++i) {
            sum += run.credit(handler.peopleAt(i));
        }
        for (uint256 i = handler.challengeCount(); i > 0; --i) {
            sum += run.challenges(handler.challenged(i - 1), 0).bond;
        }
        assertEq(address(run).balance, sum, "money");
    }

    /// @dev Each stake is what was paid in less what its own votes lost; and the sums are those of the seats.
    function checkSeats() internal view {
        IRunTypes.Roll memory r = run.roll();
        (uint256 seated, uint256 active, uint256 staked) = (0, 0, 0);
        for (uint256 i = LOWEST; i < 256; ++i) {
            uint8 id = uint8(i);
            IRunTypes.Seat memory s = run.seats(id);
            uint256 stake = s.flags & 2 == 0 ? s.nextWeight : 0;
            assertEq(stake, handler.stakeNow(id), "a stake");
            if (s.leftAt == 0) seated += stake;
            if (s.from != 0 && s.until == FOREVER) {
                assertTrue(s.leftAt == 0 && s.named == 0, "active");
                active += stake;
            }
            IRunTypes.Seat memory f = run.formerSeats(id);
            uint256 former = f.flags & 2 == 0 ? f.nextWeight : 0;
            assertEq(former, handler.stakeFormer(id), "a former holder's stake");
            staked += stake + former + run.bids(id).weight;
            assertEq(run.bids(id).weight, handler.stakeBid(id), "a bid");
        }
        assertEq(r.seated, seated, "seated");
        assertEq(r.nextActive, active, "nextActive");
        assertEq(run.staked(), staked * unit, "staked");
    }

    /// @dev The counts of the current round are those of its seats, and its ballot is what its voters made it.
    function checkRound() internal view {
        IRunTypes.Clock memory c = run.clock();
        (uint256 committed, uint256 revealed, uint256 open) = (0, 0, 0);
        for (uint256 i = LOWEST; i < 256; ++i) {
            IRunTypes.Entry memory e = run.entry(c.round, uint8(i));
            committed += e.weight;
            if (e.stage == 1) revealed += e.weight;
        }
        assertEq(c.committed, committed, "committed");
        assertEq(c.revealed, revealed, "revealed");
        assertTrue(revealed <= committed && committed <= c.active && c.active <= c.base && c.stretch <= 4, "counts");
        for (uint256 i = handler.challengeCount(); i > 0; --i) {
            if (run.challenges(handler.challenged(i - 1), 0).status == IRunTypes.Status.Open) ++open;
        }
        assertEq(run.roll().openChallenges, open, "open challenges");
        for (uint32 round = c.round > 4 ? c.round - 3 : 2; round <= c.round; ++round) {
            (IRunTypes.Ballot memory b, uint256 voters, uint256 dissenters) = run.ballot(round);
            assertEq(voters & dissenters, 0, "one vote a seat");
            assertEq(b.flags & 1, handler.finals(round), "final");
            assertEq(3 * uint256(b.tally) > 2 * uint256(b.base), b.flags & 1 == 1, "final iff two thirds");
            if (b.flags & 1 == 0) continue;
            bytes32 outcome = outcomeHash(round, handler.finalOutcome(round));
            assertEq(bytes32(b.outcome), bytes32(bytes20(outcome)), "what is final stays");
            assertEq(voters, handler.votersOf(round, handler.kindOf(round)), "its voters");
        }
    }

    function outcomeHash(uint32 round, RunBase.Outcome memory o) private view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(keccak256("comitia.outcome.v1"), block.chainid, address(run)));
        return keccak256(abi.encode(domain, round, o.accepted, o.checked, o.root));
    }

    /// @dev Each height is of one round that became final and stands, with the state that was voted for; and heights go by rounds.
    function checkHeights() internal view {
        IRunTypes.Clock memory c = run.clock();
        uint256 above = uint256(c.round) + 1;
        for (uint32 height = c.height; height > 0 && height + 4 > c.height; --height) {
            (bytes26 root, uint24 round,,) = run.result(height);
            if (root == 0 && height != c.height) return; // a fall led back to before what the ring still holds
            assertTrue(round < above, "heights go by rounds");
            assertTrue(handler.finals(round) == 1 && !handler.isOverturned(round) && handler.heightOf(round) == height, "a height stands on a final round");
            assertEq(bytes32(root), bytes32(bytes26(handler.finalOutcome(round).root)), "the state that was voted for");
            above = round;
        }
    }

    // ------------------------------------------------------------------ the handler itself

    /// @dev What the handlers counted in all worlds.
    struct Counts {
        uint256[] done;
        uint256[] refused;
    }

    /// @dev Many small worlds, always the same: what can happen only once in a run (a stop, the last height) must happen often too. Each operation succeeds and each
    /// error occurs often enough for the invariants to mean something. Every eighth world is long: its ring goes round, and it comes to the last height.
    function test_the_handler_reaches_everything() public {
        (string[] memory all, string[] memory errors) = (names(), Errors.names());
        Counts memory c = Counts(new uint256[](all.length), new uint256[](errors.length));
        // What `begin` did is in each world and counts in none.
        Counts memory before = this.count(c);
        for (uint256 part; part < parts(); ++part) {
            uint256 snapshot = vm.snapshotState();
            playWorld(part, part % 8 == 0 ? 250 : length());
            Counts memory after_ = this.count(c);
            c = Counts(less(after_.done, before.done), less(after_.refused, before.refused));
            vm.revertToState(snapshot);
        }
        for (uint256 i; i < all.length; ++i) {
            if (isHeading(all[i])) print(abi.encodeWithSignature("log(string)", all[i]));
            else print(abi.encodeWithSignature("log(string,uint256)", all[i], c.done[i]));
        }
        print(abi.encodeWithSignature("log(string)", "# errors"));
        for (uint256 i; i < errors.length; ++i) {
            print(abi.encodeWithSignature("log(string,uint256)", errors[i], c.refused[i]));
        }
        for (uint256 i; i < all.length; ++i) {
            if (!isHeading(all[i])) assertGe(c.done[i], leastOf(all[i]), all[i]);
        }
        for (uint256 i; i < errors.length; ++i) {
            assertGe(c.refused[i], isNeverRefused(errors[i]) ? 0 : 1, errors[i]);
        }
    }

    /// @dev The counts so far and those of the handler; a call of its own, so that its memory is free afterwards.
    function count(Counts memory c) external view returns (Counts memory) {
        string[] memory all = names();
        for (uint256 i; i < all.length; ++i) {
            c.done[i] += handler.done(all[i]);
        }
        bytes4[] memory errors = Errors.all();
        for (uint256 i; i < errors.length; ++i) {
            c.refused[i] += handler.refused(errors[i]);
        }
        return c;
    }

    function less(uint256[] memory a, uint256[] memory b) private pure returns (uint256[] memory) {
        for (uint256 i; i < a.length; ++i) {
            a[i] -= b[i];
        }
        return a;
    }

    /// @dev Half of the worlds are stopped while they are under way, half once all have left.
    function playWorld(uint256 part, uint256 calls) private {
        bytes4[] memory selectors = operations();
        for (uint256 i; i < calls; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(part, i)));
            send(abi.encodeWithSelector(selectors[seed % selectors.length], seed >> 4));
            this.check(); // its memory is free afterwards
        }
        playEnd(uint256(keccak256(abi.encode(part))), part % 2 == 0);
    }

    function playEnd(uint256 seed, bool isStoppedFirst) internal {
        if (isStoppedFirst) send(abi.encodeCall(handler.doStop, (seed)));
        this.check();
        handler.doEnd();
        if (!isStoppedFirst) send(abi.encodeCall(handler.doStop, (seed)));
        handler.doSweep();
        checkMoney();
    }

    /// @dev Errors go on as they are: they name what did not hold.
    function send(bytes memory data) private {
        (bool ok, bytes memory answer) = address(handler).call(data);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    function parts() internal pure virtual returns (uint256);

    /// @dev Calls in most of the worlds.
    function length() internal pure virtual returns (uint256);

    function is_(string memory a, string memory b) internal pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    /// @dev How often it must be done in the worlds together.
    function leastOf(string memory name) internal pure virtual returns (uint256);

    /// @dev What this kind of run has no room for.
    function isNeverRefused(string memory name) internal pure virtual returns (bool);

    function isHeading(string memory name) private pure returns (bool) {
        return bytes(name)[0] == "#";
    }

    /// @dev By role; in brackets what an operation came to.
    function names() internal pure returns (string[] memory n) {
        n = new string[](62);
        (n[0], n[1], n[2], n[3], n[4], n[5], n[6]) = ("# owners of seats", "join", "activate", "leave", "withdraw", "topUp", "setOperator");
        (n[7], n[8], n[9], n[10]) = ("setPeer", "announceTip", "claim", "(a former holder withdrew)");
        (n[11], n[12], n[13], n[14]) = ("# operators", "commit", "reveal", "vote");
        (n[15], n[16], n[17]) = ("(two thirds acted)", "(a round is final)", "(a late vote)");
        (n[18], n[19], n[20], n[21]) = ("# bidders", "bid", "withdrawBid", "takeSeat");
        (n[22], n[23], n[24], n[25], n[26], n[27]) = ("# anybody", "openRound", "bench", "retire", "fund", "settle");
        (n[28], n[29], n[30], n[31]) = ("(pay is drawn)", "(a round is void)", "(a ring slot is used again)", "(the time jumps)");
        (n[32], n[33], n[34], n[35], n[36]) = ("# challengers", "challenge", "overturn", "slash", "lapse");
        (n[37], n[38], n[39], n[40]) = ("# who answers", "answerPart", "answer", "(an answer in time)");
        (n[41], n[42], n[43]) = ("(a late answer)", "(settled without a loss)", "# accusers");
        (n[44], n[45]) = ("accuse", "(a seat is condemned)");
        (n[46], n[47], n[48], n[49], n[50], n[51]) = ("# the run's owner", "stop", "sweep", "announceGroupKey", "admit", "revoke");
        (n[52], n[53], n[54], n[55]) = ("# attackers", "(a vote for a wrong state)", "(a wrong state is final)", "(a wrong state falls)");
        (n[56], n[57]) = ("(a right round falls)", "(an answer for what is wrong is refused)");
        (n[58], n[59], n[60], n[61]) = ("(who voted leaves at once)", "(misuse is refused)", "(ether is forced)", "(a stake falls)");
    }

    function print(bytes memory data) private view {
        (bool sent,) = address(0x000000000000000000636F6e736F6c652e6c6f67).staticcall(data);
        sent;
    }
}
