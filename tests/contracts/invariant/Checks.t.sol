// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
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
        for (uint256 i; i < 6; ++i) {
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
        s = new bytes4[](27);
        (s[0], s[1], s[2], s[3]) = (handler.doJoin.selector, handler.doActivate.selector, handler.doLeave.selector, handler.doTopUp.selector);
        (s[4], s[5], s[6], s[7]) = (handler.doHotKeys.selector, handler.doBench.selector, handler.doBid.selector, handler.doTakeSeat.selector);
        (s[8], s[9], s[10], s[11]) = (handler.doWithdraw.selector, handler.doHonestRound.selector, handler.doCartelRound.selector, handler.doAct.selector);
        (s[12], s[13], s[14], s[15]) = (handler.doLateVote.selector, handler.doOpen.selector, handler.doWait.selector, handler.doChallenge.selector);
        (s[16], s[17], s[18], s[19]) = (handler.doAnswer.selector, handler.doJudge.selector, handler.doLapse.selector, handler.doAccuse.selector);
        (s[20], s[21], s[22], s[23]) = (handler.doFund.selector, handler.doForce.selector, handler.doSettle.selector, handler.doClaim.selector);
        (s[24], s[25], s[26]) = (handler.doOwner.selector, handler.doMisuse.selector, handler.doQuit.selector);
    }

    // ------------------------------------------------------------------ invariants

    function check() public view {
        checkMoney();
        // The rest costs more, and what it would miss between two looks stays to be seen.
        if (handler.steps() % 3 == 0) {
            checkSeats();
            checkRound();
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
        }
    }

    // ------------------------------------------------------------------ the handler itself

    /// @dev One long sequence, always the same, in runs of 250 calls: every operation succeeds and every error occurs often enough for the invariants to mean something.
    function test_the_handler_reaches_everything() public {
        bytes4[] memory selectors = operations();
        uint256[64] memory refused;
        string[] memory names = namesOfOperations();
        uint256[] memory done = new uint256[](names.length);
        string[] memory errors = Errors.names();
        for (uint256 part; part < parts(); ++part) {
            uint256 snapshot = vm.snapshotState();
            for (uint256 i; i < 250; ++i) {
                uint256 seed = uint256(keccak256(abi.encode(part, i)));
                (bool ok, bytes memory answer) = address(handler).call(abi.encodeWithSelector(selectors[seed % selectors.length], seed >> 4));
                if (!ok) {
                    assembly ("memory-safe") {
                        revert(add(answer, 32), mload(answer))
                    }
                }
                this.check(); // its memory is free afterwards
            }
            handler.doEnd();
            for (uint256 i; i < errors.length; ++i) {
                refused[i] += handler.refused(Errors.all()[i]);
            }
            for (uint256 i; i < names.length; ++i) {
                done[i] += handler.done(names[i]);
            }
            vm.revertToState(snapshot);
        }
        for (uint256 i; i < names.length; ++i) {
            print(names[i], done[i]);
        }
        for (uint256 i; i < errors.length; ++i) {
            print(errors[i], refused[i]);
        }
        for (uint256 i; i < names.length; ++i) {
            assertGt(done[i] + (isNeverDone(names[i]) ? 1 : 0), 0, names[i]);
        }
        for (uint256 i; i < errors.length; ++i) {
            assertGt(refused[i] + (isNeverRefused(errors[i]) ? 1 : 0), 0, errors[i]);
        }
    }

    function parts() internal pure virtual returns (uint256);

    function is_(string memory a, string memory b) internal pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    /// @dev What this kind of run has no room for.
    function isNeverDone(string memory name) internal pure virtual returns (bool);

    function isNeverRefused(string memory name) internal pure virtual returns (bool);

    function namesOfOperations() internal pure returns (string[] memory n) {
        n = new string[](42);
        (n[0], n[1], n[2], n[3], n[4], n[5], n[6]) = ("join", "activate", "leave", "withdraw", "topUp", "setOperator", "setPeer");
        (n[7], n[8], n[9], n[10], n[11], n[12]) = ("announceTip", "bench", "retire", "bid", "withdrawBid", "takeSeat");
        (n[13], n[14], n[15], n[16], n[17], n[18]) = ("openRound", "commit", "reveal", "vote", "fund", "settle");
        (n[19], n[20], n[21], n[22], n[23], n[24]) = ("claim", "sweep", "challenge", "answerPart", "answer", "overturn");
        (n[25], n[26], n[27], n[28], n[29], n[30], n[31]) = ("lapse", "slash", "accuse", "admit", "revoke", "announceGroupKey", "stop");
        (n[32], n[33], n[34], n[35]) = ("(a round is final)", "(a round is void)", "(a wrong state is final)", "(a late vote)");
        (n[36], n[37], n[38]) = ("(two thirds acted)", "(a late answer)", "(settled without a loss)");
        (n[39], n[40], n[41]) = ("(a right round falls)", "(pay is drawn)", "(a former holder withdrew)");
    }

    function print(string memory name, uint256 count) internal view {
        (bool sent,) = address(0x000000000000000000636F6e736F6c652e6c6f67).staticcall(abi.encodeWithSignature("log(string,uint256)", name, count));
        sent;
    }
}
