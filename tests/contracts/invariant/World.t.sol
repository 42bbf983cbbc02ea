// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {ITrainingRun} from "../../../contracts/interfaces/ITrainingRun.sol";
import {RunTest} from "../util/RunTest.sol";
import {vm} from "../util/Vm.sol";
import {Errors} from "./Errors.t.sol";

/// @notice A run whose ids below LOWEST were taken, left and paid out before anything else happened, so that a few seats make it full; the people in it; and what
/// is remembered of them. Every call goes through `attempt`: it may revert with an error of the contract, never otherwise, and what it changed is looked at.
abstract contract World is RunTest {
    uint8 internal constant LOWEST = 244;
    uint256 internal constant PEOPLE = 20;

    address[] internal people;
    mapping(string operation => uint256) public done;
    mapping(bytes4 selector => uint256) public refused;
    mapping(bytes4 selector => bool) internal isKnown;
    bytes4 internal lastError;

    uint256 public forced; // ether that nobody sent by a call
    uint256 public steps;
    // Stakes in weight, as the calls that succeeded say: of the present holder, of the former one, and of bids.
    mapping(uint8 id => uint256) public stakeNow;
    mapping(uint8 id => uint256) public stakeFormer;
    mapping(uint8 id => uint256) public stakeBid;

    uint32 internal lastRound;
    uint24 internal lastHeight;
    uint16 private lastBase;
    uint16 private lastActive;
    mapping(uint32 round => uint256) public finals; // how often it became final
    mapping(uint32 round => uint256) public finalAt;
    mapping(uint32 round => bool) public isOverturned;
    uint256 internal fallsTo; // the height that the overturn being executed leads to

    function isPrivate() internal pure virtual returns (bool) {
        return false;
    }

    function setUp() public virtual override {
        vm.warp(START);
        vm.roll(FIRST_BLOCK);
        p = defaults();
        (p.commitMin, p.commitCap, p.voteWindow) = (12, 24, 40);
        (p.challengeWindow, p.answerWindow, p.settleWindow) = (30, 20, 20);
        (p.activateDelay, p.leaveDelay, p.ring) = (5, 80, 8);
        (p.minWeight, p.totalHeights, p.parameterCount) = (6, 14, 1_000);
        (p.challengeBond, p.invitationOnly) = (0.003 ether + 1, isPrivate());
        p.genesisRoot = genesis();
        deploy();
        for (uint256 i; i < PEOPLE; ++i) {
            people.push(address(uint160(uint256(keccak256(abi.encode("person", i))))));
        }
        people.push(outsider());
        bytes4[] memory known = Errors.all();
        for (uint256 i; i < known.length; ++i) {
            isKnown[known[i]] = true;
        }
        for (uint256 id; id < LOWEST; ++id) {
            if (p.invitationOnly) admit(ownerOf(id));
            join(1);
            leave(uint8(id));
        }
        vm.warp(START + p.leaveDelay + run.horizon());
        for (uint256 id; id < LOWEST; ++id) {
            withdraw(uint8(id));
        }
    }

    function genesis() internal view virtual returns (bytes32);

    function target() external view returns (ITrainingRun) {
        return run;
    }

    function person(uint256 seed) internal view returns (address) {
        return people[seed % PEOPLE];
    }

    /// @notice Never has a seat; may challenge.
    function outsider() internal pure returns (address) {
        return address(uint160(uint256(keccak256("outsider"))));
    }

    /// @notice Everybody who can have a credit: sum over 0..PEOPLE.
    function peopleAt(uint256 i) external view returns (address) {
        return people[i];
    }

    /// @notice One of the operators of an owner.
    function handOf(address owner, uint256 seed) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(owner, seed % 3)))));
    }

    function anyId(uint256 seed) internal pure returns (uint8) {
        return uint8(LOWEST + seed % (256 - LOWEST));
    }

    // ------------------------------------------------------------------ calls

    function attempt(string memory operation, address who, uint256 value, bytes memory data) internal returns (bool ok) {
        bytes memory answer;
        if (who == address(0)) who = anybody(); // nobody has the seat, and nobody sends from zero
        vm.deal(who, value);
        vm.prank(who);
        (ok, answer) = address(run).call{value: value}(data);
        if (!ok) {
            lastError = bytes4(answer);
            assertTrue(isKnown[lastError], string.concat("not an error of the contract: ", operation));
            ++refused[lastError];
            return false;
        }
        ++done[operation];
        observe();
    }

    /// @notice A call that the rules promise.
    function must(string memory operation, address who, uint256 value, bytes memory data) internal {
        bool ok = attempt(operation, who, value, data);
        if (!ok) assertEq(bytes32(lastError), bytes32(0), string.concat("must succeed: ", operation));
    }

    function refuses(string memory what, address who, uint256 value, bytes memory data) internal {
        assertFalse(attempt(what, who, value, data), string.concat("must revert: ", what));
    }

    /// @dev After every call that succeeded: rounds only go on, heights go on by one or fall by an overturn, and what a round opens with.
    function observe() private {
        IRunTypes.Clock memory c = run.clock();
        if (c.height == lastHeight + 1) {
            assertEq(finals[lastRound], 0, "one final outcome a round");
            ++finals[lastRound];
            finalAt[lastRound] = vm.getBlockTimestamp();
            ++done["(a round is final)"];
            afterFinal(lastRound);
        } else if (c.height != lastHeight) {
            assertTrue(c.height < lastHeight && fallsTo == c.height + 1, "a height falls by an overturn only");
        }
        if (c.round != lastRound) {
            if (lastRound != 0) assertEq(c.round, lastRound + 1, "one round after the other");
            IRunTypes.Roll memory r = run.roll();
            assertTrue(c.base >= c.active && 2 * c.base >= r.seated && c.base >= p.minWeight, "base");
            assertTrue(3 * uint256(c.active) > 2 * uint256(c.base), "active");
            assertEq(c.active, r.nextActive, "opens with the active weight");
            uint256 old = c.round >= 2 + p.ring ? finalAt[c.round - p.ring] : 0;
            if (old != 0) {
                assertGe(vm.getBlockTimestamp(), old + run.horizon() + p.settleWindow, "a slot within its horizon");
                ++done["(a ring slot is used again)"];
            }
            if (c.stretch != 0) ++done["(a round is void)"];
        } else {
            assertTrue(c.base == lastBase && c.active == lastActive, "the weights of a round do not change");
        }
        (lastRound, lastHeight, lastBase, lastActive) = (c.round, c.height, c.base, c.active);
    }

    function afterFinal(uint32 round) internal virtual;

    // ------------------------------------------------------------------ seats as the contract shows them

    function holderAt(uint8 id, uint32 round) internal view returns (IRunTypes.Seat memory s) {
        s = run.seats(id);
        if (round < s.first) s = run.formerSeats(id);
    }

    function handAt(uint8 id, uint32 round) internal view returns (address) {
        return handAt(holderAt(id, round), round);
    }

    function handAt(IRunTypes.Seat memory s, uint32 round) internal pure returns (address) {
        return s.flags & 1 != 0 && round >= s.operatorFrom ? s.nextOperator : s.operator;
    }

    /// @notice Weight with which the seat may act in the round; 0 = not.
    function weightAt(uint8 id, uint32 round) internal view returns (uint256) {
        IRunTypes.Seat memory s = holderAt(id, round);
        if (s.from == 0 || round < s.from || round > s.until) return 0;
        return round < s.changesAt ? s.weight : s.nextWeight;
    }

    function toDeadline(IRunTypes.Phase phase) internal {
        if (run.phase() == phase && run.deadline() != type(uint64).max) skipTo(run.deadline());
    }
}
