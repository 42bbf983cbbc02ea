// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRunTypes} from "../../../contracts/interfaces/IRunTypes.sol";
import {RunBase} from "./RunBase.sol";
import {vm} from "./Vm.sol";

/// @notice One helper for each thing an actor does. `fails(...)` in front of a helper expects its call to revert with exactly these bytes.
/// The helpers of a round (commit, reveal, vote, openRound) act in a block of their own; the others in the current one.
abstract contract Actors is RunBase {
    string internal constant PEER = "/ip4/10.0.0.1/tcp/4001";

    // ------------------------------------------------------------------ seats

    /// @notice The next seat is taken by its actors.
    function join(uint8 weight) internal returns (uint8 seat) {
        uint256 id = run.roll().seats;
        vm.deal(ownerOf(id), stakeOf(weight));
        next(ownerOf(id));
        return run.join{value: stakeOf(weight)}(weight, operatorOf(id), keccak256(abi.encode("tip", id)), PEER);
    }

    function activate(uint8 seat) internal {
        next(operatorOf(seat));
        run.activate(seat);
    }

    function leave(uint8 seat) internal {
        next(ownerOf(seat));
        run.leave(seat);
    }

    function withdraw(uint8 seat) internal {
        withdraw(ownerOf(seat), seat);
    }

    function withdraw(address who, uint8 seat) internal {
        next(who);
        run.withdraw(seat, payable(who));
    }

    function topUp(uint8 seat, uint8 by) internal {
        vm.deal(ownerOf(seat), stakeOf(by));
        next(ownerOf(seat));
        run.topUp{value: stakeOf(by)}(seat, by);
    }

    /// @notice The helpers go on acting by the old operator: see `actsBy`.
    function setOperator(uint8 seat, address operator) internal {
        next(ownerOf(seat));
        run.setOperator(seat, operator);
    }

    function setPeer(uint8 seat, string memory peer) internal {
        next(operatorOf(seat));
        run.setPeer(seat, peer);
    }

    function announceTip(uint8 seat, bytes32 tip) internal {
        next(operatorOf(seat));
        run.announceTip(seat, tip);
    }

    function bench(uint8 seat, uint32 round) internal {
        next(anybody());
        run.bench(seat, round);
    }

    function retire(uint8 seat) internal {
        next(anybody());
        run.retire(seat);
    }

    // ------------------------------------------------------------------ places

    function bid(uint8 seat, uint8 weight) internal {
        bid(bidderOf(seat), seat, weight);
    }

    function bid(address who, uint8 seat, uint8 weight) internal {
        vm.deal(who, stakeOf(weight));
        next(who);
        run.bid{value: stakeOf(weight)}(seat, weight);
    }

    function withdrawBid(uint8 seat) internal {
        next(bidderOf(seat));
        run.withdrawBid(seat);
    }

    /// @notice By `bidderOf`, with itself as operator. From then on the helpers act for the seat by this account.
    function takeSeat(uint8 seat) internal {
        takeSeat(bidderOf(seat), seat);
    }

    function takeSeat(address who, uint8 seat) internal {
        bool succeeds = next(who);
        run.takeSeat(seat, who, keccak256(abi.encode("tip", who)), PEER);
        if (succeeds) actsBy(seat, who, who);
    }

    // ------------------------------------------------------------------ rounds

    function openRound() internal {
        next(anybody());
        run.openRound();
        mine();
    }

    function rootOf(uint32 round, uint8 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("gradient", round, seat));
    }

    function commitmentOf(uint32 round, uint8 seat) internal view returns (bytes32) {
        bytes32 domain = domainOf("comitia.commitment.v1", block.chainid, address(run));
        return hashCommitment(domain, round, seat, operatorOf(seat), rootOf(round, seat));
    }

    function sealedOf(uint32 round, uint8 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("sealed", round, seat));
    }

    function keyOf(uint32 round, uint8 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("key", round, seat));
    }

    function hashOf(uint32 round, Outcome memory o) internal view returns (bytes32) {
        return hashOutcome(domainOf("comitia.outcome.v1", block.chainid, address(run)), round, o);
    }

    function commit(uint32 round, uint8 seat) internal {
        (uint64 number, bytes32 hash) = anchor();
        next(operatorOf(seat));
        run.commit(round, seat, number, hash, commitmentOf(round, seat), sealedOf(round, seat));
        mine();
    }

    function reveal(uint32 round, uint8 seat) internal {
        next(operatorOf(seat));
        run.reveal(round, seat, rootOf(round, seat), keyOf(round, seat), 7);
        mine();
    }

    function vote(uint32 round, uint8 seat, Outcome memory o) internal {
        (uint64 number, bytes32 hash) = anchor();
        next(operatorOf(seat));
        run.vote(round, seat, number, hash, o.accepted, o.checked, o.root);
        mine();
    }

    // ------------------------------------------------------------------ money

    function fund(uint256 amount) internal {
        vm.deal(anybody(), amount);
        next(anybody());
        run.fund{value: amount}();
    }

    /// @notice One seat, or seat + FORMER.
    function settle(uint16 holder, uint32 count) internal {
        settle(only(holder), count);
    }

    function settle(uint16[] memory holders, uint32 count) internal {
        next(anybody());
        run.settle(holders, count);
    }

    function only(uint16 holder) internal pure returns (uint16[] memory holders) {
        holders = new uint16[](1);
        holders[0] = holder;
    }

    /// @notice Ids first..last.
    function range(uint16 first, uint16 last) internal pure returns (uint16[] memory holders) {
        holders = new uint16[](last + 1 - first);
        for (uint16 i; i < holders.length; ++i) {
            holders[i] = first + i;
        }
    }

    function claim(address who) internal {
        next(who);
        run.claim(payable(who));
    }

    function sweep(address to) internal {
        next(runOwner());
        run.sweep(payable(to));
    }

    // ------------------------------------------------------------------ challenges and accusations

    function challenger() internal pure returns (address) {
        return actor("challenger", 0);
    }

    /// @notice With exactly the bond.
    function challenge(uint32 round, uint32 height, uint32 chunk, bytes32 stateRoot) internal {
        uint256 bond = run.nextBond();
        vm.deal(challenger(), bond);
        next(challenger());
        run.challenge{value: bond}(round, height, chunk, stateRoot);
    }

    function overturn(uint32 round, uint32 chunk) internal {
        next(anybody());
        run.overturn(round, chunk);
    }

    function lapse(uint32 round, uint32 chunk) internal {
        next(anybody());
        run.lapse(round, chunk);
    }

    function slash(uint32 round, uint32 chunk, uint8 seat) internal {
        next(anybody());
        run.slash(round, chunk, seat);
    }

    /// @notice `witness` = `accused` where there is none.
    function accuse(uint32 round, uint32 height, uint8 seat, uint8 accused, uint8 witness) internal {
        next(operatorOf(seat));
        run.accuse(round, height, seat, accused, rootOf(round, accused), witness);
    }

    // ------------------------------------------------------------------ membership

    function typedDigest(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domainType = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain = keccak256(abi.encode(domainType, keccak256("Comitia"), keccak256("1"), block.chainid, address(run)));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function invitationDigest(IRunTypes.Invitation memory i) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Invitation(address invitee,address key,uint64 deadline,uint256 nonce)");
        return typedDigest(keccak256(abi.encode(typeHash, i.invitee, i.key, i.deadline, i.nonce)));
    }

    function acceptanceDigest(address account) internal view returns (bytes32) {
        return typedDigest(keccak256(abi.encode(keccak256("Acceptance(address account)"), account)));
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function signedByOwner(bytes32 digest) internal pure returns (bytes memory) {
        return sign(keyFor("run owner", 0), digest);
    }

    function admit(address account, IRunTypes.Invitation memory i, bytes memory ownerSignature, bytes memory keySignature) internal {
        next(anybody());
        run.admit(account, i, ownerSignature, keySignature);
    }

    /// @notice The account is invited by name.
    function admit(address account) internal {
        uint256 nonce = uint256(keccak256(abi.encode(account, run.invitations(account), time())));
        IRunTypes.Invitation memory i = IRunTypes.Invitation(account, address(0), uint64(time()), nonce);
        admit(account, i, signedByOwner(invitationDigest(i)), "");
    }

    function revoke(uint8 seat) internal {
        next(runOwner());
        run.revoke(seat);
    }

    function announceGroupKey(bytes32 file) internal {
        next(runOwner());
        run.announceGroupKey(file);
    }

    function stop() internal {
        next(runOwner());
        run.stop();
    }
}
