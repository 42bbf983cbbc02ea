// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Events of a training run: the whole state can be derived from them
/// @notice `seat` is no topic where a round pays for it (119 gas each).
interface IRunEvents {
    /// @notice A seat was taken. `round` is the current round id: the tip's key chain serves from `round + 2`.
    event Joined(uint8 indexed seat, address indexed owner, address indexed operator, uint8 weight, uint32 round, bytes32 tip, string peer);
    /// @notice The seat may act from round `fromRound` on.
    event Activated(uint8 indexed seat, uint32 fromRound, uint8 weight);
    /// @notice The seat acts in no round after `lastRound`; its stake is free at the horizon.
    event Left(uint8 indexed seat, uint32 lastRound, uint8 weight);
    /// @notice The stake of a seat that left was paid out, in wei.
    event Withdrawn(uint8 indexed seat, address indexed to, uint256 amount);
    /// @notice A round opened; everybody trains from the state of `height`. `previousBlock` is the block that opened the round before (0 for the first).
    event RoundOpened(uint32 indexed round, uint32 indexed height, uint16 active, uint16 base, uint8 stretch, uint64 previousBlock);
    /// @notice A seat committed to a sealed blob; its CID is CIDv1(raw, sha2-256, sealedDigest).
    event Committed(uint32 indexed round, uint8 seat, bytes32 sealedDigest);
    /// @notice A seat opened its blob. `haves`: bit i = it holds the sealed bytes of seat i, verified.
    event Revealed(uint32 indexed round, uint8 seat, bytes32 gradientRoot, bytes32 key, uint256 haves);
    /// @notice An outcome was voted for the first time.
    event Proposed(uint32 indexed round, bytes32 indexed outcome, uint256 accepted, uint256 checked, bytes32 newStateRoot);
    /// @notice A seat voted for an outcome (its preimage is in `Proposed`).
    event Voted(uint32 indexed round, uint8 seat, bytes32 outcome);
    /// @notice More than two thirds of the base stand behind one outcome: `stateRoot` is the state of `height`.
    event RoundFinal(uint32 indexed round, uint32 indexed height, uint256 accepted, uint256 checked, bytes32 stateRoot, uint256 voters);

    /// @notice Three misses in a row, a condemnation or an overturn: the seat acts in no round after `lastRound` until it is activated again.
    event Benched(uint8 indexed seat, uint32 lastRound, uint8 weight);
    /// @notice The seat weighs `weight` from round `fromRound` on.
    event WeightChanged(uint8 indexed seat, uint8 weight, uint32 fromRound);
    /// @notice `operator` acts for the seat from round `fromRound` on.
    event OperatorChanged(uint8 indexed seat, address indexed operator, uint32 fromRound);
    /// @notice The seat's IPFS node is found at `peer`.
    event PeerChanged(uint8 indexed seat, string peer);
    /// @notice A new key chain, announced in round `round`: it serves from `round + 2`, the one before up to then.
    event TipAnnounced(uint8 indexed seat, uint32 round, bytes32 tip);
    /// @notice In a full run a stake waits for the place of `seat`.
    event BidPlaced(uint8 indexed seat, address indexed owner, uint8 weight);
    /// @notice The stake of a bid is credited to its owner: withdrawn, outbid or run out.
    event BidReturned(uint8 indexed seat, address indexed owner, uint8 weight);
    /// @notice The stake of the former holder of the seat was paid out, in wei.
    event FormerWithdrawn(uint8 indexed seat, address indexed to, uint256 amount);
    /// @notice What the former holder of the seat had not withdrawn is credited to its owner.
    event FormerPaid(uint8 indexed seat, address indexed owner, uint256 amount);
    /// @notice Wei were added to the pool that rounds are paid from.
    event Funded(address indexed from, uint256 amount);
    /// @notice A seat was paid for its rounds up to `height`. `seat` + 256 = the former holder of the seat.
    event Settled(uint16 indexed seat, uint32 height, uint256 paid, uint256 forfeited);
    /// @notice A credit was paid out.
    event Claimed(address indexed account, address indexed to, uint256 amount);
    /// @notice What the pool of an ended run still held went to its owner.
    event Swept(address indexed to, uint256 amount);
    /// @notice Somebody says that chunk `chunk` of the state made by `round` is wrong, and stakes a bond on it; what was sent beyond it is credited.
    event Challenged(uint32 indexed round, uint32 indexed chunk, address indexed challenger, uint32 height, uint256 bond, bytes32 stateRoot, uint256 credited);
    /// @notice A part of an answer is in; the sums are the caller's to keep.
    event AnswerAdvanced(uint32 indexed round, uint32 indexed chunk, address indexed answerer, uint256 next, uint256 weight);
    /// @notice The chunk is right. `isLate`: after the overturn, which stands, but nobody is slashed.
    event Answered(uint32 indexed round, uint32 indexed chunk, address indexed answerer, uint256 reward, bool isLate);
    /// @notice Nobody answered: rounds `round` to `lastRound` do not count, the state is that of `height` again, `voters` are to be slashed.
    event Overturned(uint32 indexed round, uint32 indexed chunk, uint32 height, uint32 lastRound, uint256 voters);
    /// @notice A challenge ended without a decision; the bond is credited to the challenger.
    event ChallengeLapsed(uint32 indexed round, uint32 indexed chunk);
    /// @notice A voter named by an overturn is settled: it loses `lost` of its weight (0 after a late answer), and `prize` wei of that go to the challenger.
    event Slashed(uint32 indexed round, uint32 indexed chunk, uint8 indexed seat, uint8 lost, uint256 prize);
    /// @notice `accuser` says that `accused` did not train honestly in `round`; `witness` is the checker who saw it.
    event Accused(uint32 indexed round, uint8 indexed accused, uint8 accuser, uint8 witness);
    /// @notice More than half accuse: what the seat earned and is not safe yet is forfeited, and it is benched. Accusations up to `lastRound` are void.
    event Condemned(uint32 indexed round, uint8 indexed accused, uint8 witness, uint32 lastRound, uint256 owed);
    /// @notice An account may take a seat of an invitation-only run. `invitation` is the digest that the owner signed.
    event Admitted(address indexed account, bytes32 indexed invitation);
    /// @notice Group key number `epoch` is used from round `fromRound` on; `file` is the sha2-256 of the age file on IPFS that wraps it.
    event GroupKeyAnnounced(uint32 indexed epoch, bytes32 file, uint32 fromRound);
    /// @notice No round opens any more.
    event Stopped();
}
