// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunErrors} from "../../contracts/interfaces/IRunErrors.sol";
import {IRunEvents} from "../../contracts/interfaces/IRunEvents.sol";
import {IRunTypes} from "../../contracts/interfaces/IRunTypes.sol";
import {Vectors} from "./generated/Vectors.sol";
import {RunTest} from "./util/RunTest.sol";
import {vm} from "./util/Vm.sol";

/// @notice Invitations: signed by the run's owner (EIP-712), for an account or for whom a one-time key names.
contract AdmitTest is RunTest {
    address private member;
    address private thief;

    function setUp() public override {
        super.setUp();
        p.invitationOnly = true;
        deploy();
        (member, thief) = (actor("member", 0), actor("thief", 0));
    }

    function bound_() internal view returns (IRunTypes.Invitation memory) {
        return IRunTypes.Invitation(member, address(0), uint64(time() + 100), 1);
    }

    function bearer() internal view returns (IRunTypes.Invitation memory) {
        return IRunTypes.Invitation(address(0), actor("one-time", 0), uint64(time() + 100), 1);
    }

    function accepted(address account) internal view returns (bytes memory) {
        return sign(keyFor("one-time", 0), acceptanceDigest(account));
    }

    function signed(IRunTypes.Invitation memory i) internal view returns (bytes memory) {
        return signedByOwner(invitationDigest(i));
    }

    // ------------------------------------------------------------------ reverts

    function test_deadline() public {
        IRunTypes.Invitation memory i = bound_();
        bytes memory signature = signed(i);
        skipTo(i.deadline + 1);
        fails(tooLate(i.deadline));
        admit(member, i, signature, "");
        skipTo(i.deadline);
        admit(member, i, signature, "");
        assertEq(run.invitations(member), 1);
    }

    function test_reverts_when_used() public {
        IRunTypes.Invitation memory i = bound_();
        admit(member, i, signed(i), "");
        fails(IRunErrors.AlreadyUsed.selector);
        admit(member, i, signed(i), "");
        i = bearer();
        admit(member, i, signed(i), accepted(member));
        fails(IRunErrors.AlreadyUsed.selector);
        admit(member, i, signed(i), accepted(member));
        fails(IRunErrors.AlreadyUsed.selector);
        admit(thief, i, signed(i), accepted(thief));
        assertEq(run.invitations(member), 2);
    }

    /// @dev The other signature of the same digest (n - s, the other v) opens nothing a second time.
    function test_reverts_with_the_signatures_twin() public {
        IRunTypes.Invitation memory i = bound_();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyFor("run owner", 0), invitationDigest(i));
        uint256 n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory twin = abi.encodePacked(r, n - uint256(s), v == 27 ? uint8(28) : uint8(27));
        admit(member, i, signed(i), "");
        fails(IRunErrors.AlreadyUsed.selector);
        admit(member, i, twin, "");
    }

    function test_reverts_unless_the_owner_signed() public {
        IRunTypes.Invitation memory i = bound_();
        bytes32 digest = invitationDigest(i);
        fails(IRunErrors.BadSignature.selector);
        admit(member, i, sign(keyFor("member", 0), digest), "");
        fails(IRunErrors.BadSignature.selector);
        admit(member, i, "", "");
        fails(IRunErrors.BadSignature.selector);
        admit(member, i, new bytes(65), "");
        bytes memory good = signedByOwner(digest);
        fails(IRunErrors.BadSignature.selector);
        admit(member, i, abi.encodePacked(good, bytes1(0)), "");
        good[64] = bytes1(uint8(good[64]) - 27); // v of 0 or 1
        fails(IRunErrors.BadSignature.selector);
        admit(member, i, good, "");
    }

    /// @dev Whoever changes a field has an invitation that nobody signed.
    function testFuzz_reverts_with_another_field(uint8 which, uint64 more) public {
        IRunTypes.Invitation memory i = which % 2 == 0 ? bound_() : bearer();
        bytes memory signature = signed(i);
        uint64 by = uint64(bound(more, 1, 1 << 60));
        address account = which % 2 == 0 ? member : thief;
        if (which % 4 < 2) i.deadline += by;
        else i.nonce += by;
        bytes memory key = accepted(account);
        fails(IRunErrors.BadSignature.selector);
        admit(account, i, signature, key);
    }

    function test_reverts_for_another_account() public {
        IRunTypes.Invitation memory i = bound_();
        bytes memory signature = signed(i);
        fails(IRunErrors.NotInvited.selector);
        admit(thief, i, signature, "");
        i.invitee = thief;
        fails(IRunErrors.BadSignature.selector);
        admit(thief, i, signature, "");
    }

    /// @dev Seen in the mempool: the thief has the invitation and the key's signature for the member, and no key.
    function test_reverts_for_who_steals_a_bearer_invitation() public {
        IRunTypes.Invitation memory i = bearer();
        fails(IRunErrors.BadSignature.selector);
        admit(thief, i, signed(i), accepted(member));
        fails(IRunErrors.BadSignature.selector);
        admit(thief, i, signed(i), sign(keyFor("thief", 0), acceptanceDigest(thief)));
        fails(IRunErrors.BadSignature.selector);
        admit(thief, i, signed(i), "");
        i.key = thief;
        bytes memory own = sign(keyFor("thief", 0), acceptanceDigest(thief));
        bytes memory signature = signed(bearer());
        fails(IRunErrors.BadSignature.selector);
        admit(thief, i, signature, own);
    }

    /// @dev A key of zero is nobody's: a signature that recovers to nothing is none.
    function test_reverts_for_a_key_of_zero() public {
        IRunTypes.Invitation memory i = bearer();
        i.key = address(0);
        fails(IRunErrors.BadSignature.selector);
        admit(thief, i, signed(i), new bytes(65));
    }

    function test_reverts_with_an_invitation_of_another_chain_or_run() public {
        IRunTypes.Invitation memory i = bound_();
        bytes memory signature = signed(i);
        vm.chainId(10);
        fails(IRunErrors.BadSignature.selector);
        admit(member, i, signature, "");
        vm.chainId(31337);
        deploy();
        fails(IRunErrors.BadSignature.selector);
        admit(member, i, signature, "");
    }

    // ------------------------------------------------------------------ effects

    function test_admits_once() public {
        IRunTypes.Invitation memory i = bound_();
        bytes32 digest = invitationDigest(i);
        vm.expectEmit(address(run));
        emit IRunEvents.Admitted(member, digest);
        admit(member, i, signedByOwner(digest), "");
        assertEq(run.invitations(member), 1);
    }

    function test_bearer() public {
        IRunTypes.Invitation memory i = bearer();
        admit(member, i, signed(i), accepted(member));
        assertEq(run.invitations(member), 1);
        assertEq(run.invitations(i.key), 0);
    }

    /// @dev An invitation is one seat; several of one account add up.
    function test_one_seat_each() public {
        fails(IRunErrors.NotInvited.selector);
        join(10);
        admit(ownerOf(0));
        join(10);
        assertEq(run.invitations(ownerOf(0)), 0);
        actsBy(1, ownerOf(0), operatorOf(0));
        fails(IRunErrors.NotInvited.selector);
        join(10);
        for (uint256 nonce; nonce < 2; ++nonce) {
            IRunTypes.Invitation memory i = IRunTypes.Invitation(ownerOf(0), address(0), uint64(time()), nonce);
            admit(ownerOf(0), i, signed(i), "");
        }
        assertEq(run.invitations(ownerOf(0)), 2);
        join(10);
        assertEq(run.invitations(ownerOf(0)), 1);
    }

    function test_digest_vectors() public {
        Vectors.InvitationCase[] memory cases = Vectors.invitations();
        assertGt(cases.length, 1);
        for (uint256 k; k < cases.length; ++k) {
            Vectors.InvitationCase memory c = cases[k];
            bytes32 domainType = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
            bytes32 domain = keccak256(abi.encode(domainType, keccak256("Comitia"), keccak256("1"), c.chainId, c.run));
            assertEq(domain, c.domain, "domain");
            bytes32 typeHash = keccak256("Invitation(address invitee,address key,uint64 deadline,uint256 nonce)");
            bytes32 hash = keccak256(abi.encode(typeHash, c.invitee, c.key, c.deadline, c.nonce));
            assertEq(keccak256(abi.encodePacked(hex"1901", domain, hash)), c.digest, "digest");
            hash = keccak256(abi.encode(keccak256("Acceptance(address account)"), c.account));
            assertEq(keccak256(abi.encodePacked(hex"1901", domain, hash)), c.acceptance, "acceptance");
        }
    }
}
