"""What is hashed and signed on the chain, byte by byte (docs/protocol.md, Formats: Domains, Messages).

Everything here equals Solidity's `keccak256(abi.encode(...))` over 32-byte words. Every message starts with a domain
that binds its own tag, the chain id and the contract address, so that nothing said in one run, or for one purpose, can
be replayed in another.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_hash.auto import keccak as _keccak

RUN_TAG = "comitia.run.v1"
COMMITMENT_TAG = "comitia.commitment.v1"
OUTCOME_TAG = "comitia.outcome.v1"
# EIP-712
TYPED_NAME, TYPED_VERSION = b"Comitia", b"1"
DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
INVITATION_TYPE = b"Invitation(address invitee,address key,uint64 deadline,uint256 nonce)"
ACCEPTANCE_TYPE = b"Acceptance(address account)"


def keccak(data: bytes) -> bytes:
    """Keccak-256 of `data` as Ethereum uses it (not SHA3-256): 32 bytes."""
    return bytes(_keccak(data))


def parse_address(contract: str | bytes) -> bytes:
    """The 20 bytes of an address given as bytes or hex text; raises ValueError. Letter case is not a checksum here."""
    raw = bytes.fromhex(contract.removeprefix("0x")) if isinstance(contract, str) else bytes(contract)
    return _fixed(raw, 20)


def compute_domain(tag: str, chain_id: int, contract: str | bytes) -> bytes:
    """`keccak256(abi(keccak256(tag), chainId, contract))`, 32 bytes."""
    return keccak(keccak(tag.encode("ascii")) + _word(chain_id, 256) + _address(contract))


def compute_typed_domain(chain_id: int, contract: str | bytes) -> bytes:
    """The EIP-712 domain of what people sign for a run: name "Comitia", version "1", 32 bytes."""
    words = keccak(TYPED_NAME) + keccak(TYPED_VERSION) + _word(chain_id, 256) + _address(contract)
    return keccak(keccak(DOMAIN_TYPE) + words)


@dataclass(frozen=True)
class Domains:
    """The domains of one run: `run` for everything off chain, `commitment` and `outcome` for the contract, `typed` for
    invitations (EIP-712); 32 bytes each.
    """

    run: bytes
    commitment: bytes
    outcome: bytes
    typed: bytes

    @classmethod
    def of(cls, chain_id: int, contract: str | bytes) -> Domains:
        """The domains of the run at `contract` on `chain_id`."""
        tags = (RUN_TAG, COMMITMENT_TAG, OUTCOME_TAG)
        run, commitment, outcome = (compute_domain(tag, chain_id, contract) for tag in tags)
        return cls(run, commitment, outcome, compute_typed_domain(chain_id, contract))


@dataclass(frozen=True)
class Invitation:
    """What a run's owner signs: it admits `invitee`, or, where that is the zero address, whoever the one-time `key`
    names in an acceptance. `deadline`: last second of chain time.
    """

    invitee: str
    key: str
    deadline: int
    nonce: int


def compute_invitation_digest(domains: Domains, invitation: Invitation) -> bytes:
    """The EIP-712 digest that the owner signs; what is used up."""
    accounts = _address(invitation.invitee) + _address(invitation.key)
    words = accounts + _word(invitation.deadline, 64) + _word(invitation.nonce, 256)
    return _typed(domains, keccak(INVITATION_TYPE), words)


def compute_acceptance_digest(domains: Domains, account: str | bytes) -> bytes:
    """The EIP-712 digest that an invitation's one-time key signs for the account that it admits."""
    return _typed(domains, keccak(ACCEPTANCE_TYPE), _address(account))


def _typed(domains: Domains, kind: bytes, words: bytes) -> bytes:
    return keccak(b"\x19\x01" + domains.typed + keccak(kind + words))


def _address(value: str | bytes) -> bytes:
    return parse_address(value).rjust(32, b"\0")


def compute_commitment(domains: Domains, round: int, seat: int, sender: str | bytes, gradient_root: bytes) -> bytes:
    """What a seat commits to: the sender is inside, so that nobody else can commit to, or reveal, the same root."""
    words = _word(round, 32) + _word(seat, 8) + _address(sender) + _fixed(gradient_root, 32)
    return keccak(domains.commitment + words)


def compute_outcome(domains: Domains, round: int, accepted: int, checked: int, new_state_root: bytes) -> bytes:
    """What a vote stands for: the accepted set and the checkers that hold (bitmaps, bit i = seat i), and the root of
    the next state.
    """
    words = _word(round, 32) + _word(accepted, 256) + _word(checked, 256) + _fixed(new_state_root, 32)
    return keccak(domains.outcome + words)


def _word(value: int, bits: int) -> bytes:
    """An unsigned integer of at most `bits` bits as a 32-byte word. A value that Solidity could not hold is a bug, not
    a message.
    """
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{value} does not fit uint{bits}")
    return value.to_bytes(32, "big")


def _fixed(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise ValueError(f"expected {size} bytes, got {len(value)}")
    return bytes(value)
