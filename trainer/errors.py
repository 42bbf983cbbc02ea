"""Errors that a person may see. Every error of the contract has a twin of the same name here (tests compare both
lists).
"""


class ComitiaError(Exception):
    """Base of all errors of this package: one clear line that says what to do. `exit_code` is that of the command."""

    exit_code = 1


class UsageError(ComitiaError):
    """Bad input: a flag, a file or a value."""

    exit_code = 2


class UnreachableError(ComitiaError):
    """A chain or a Kubo node does not answer."""

    exit_code = 3


class WrongNetwork(ComitiaError):
    """Another chain, another contract or other code than the deployment says."""

    exit_code = 4


class LockedError(ComitiaError):
    """Another process holds the lock of this seat."""

    exit_code = 5


class KeyInUse(ComitiaError):
    """The chain holds a commitment of this seat that this machine did not make."""

    exit_code = 6


class KeystoreError(ComitiaError):
    """A keystore cannot be read or its password is wrong."""

    exit_code = 7


class AuditMismatch(ComitiaError):
    """A recorded root differs from the replayed one."""

    exit_code = 8


class Diverged(ComitiaError):
    """The run's final outcome is not the one this worker computed."""

    exit_code = 9


class TransactionFailed(ComitiaError):
    """A transaction was refused or reverted."""

    exit_code = 10


class ContractRevert(TransactionFailed):
    """The contract refused a call. `name` is that of its custom error (or "Error", "Panic", "Unknown"), `args_` the
    error's arguments in order.
    """

    def __init__(self, name: str, args: tuple[object, ...] = ()) -> None:
        self.name = name
        self.args_ = args
        sentence = REVERTS[name].format(*args) if name in REVERTS else ", ".join(map(str, args)) or "no reason given"
        super().__init__(f"{name}: {sentence}")


class NonceUsed(TransactionFailed):
    """Another transaction of this account has the nonce: somebody else sends with the same key, or an earlier version
    was mined.
    """


class Underpriced(TransactionFailed):
    """The node holds another transaction with this nonce, and the fees are not enough to replace it."""


class BlobError(ComitiaError):
    """A blob could not be had before the deadline. Never a verdict about the seat that should hold it."""

    exit_code = 11


class JournalError(ComitiaError):
    """A worker's journal is damaged, or the disk refuses to be written."""

    exit_code = 12


# What each custom error of the contract says to a person; the keys are the errors of ITrainingRun, the numbers their
# arguments (a test compares the lists).
REVERTS = {
    "BadParameter": "the constructor argument {0} is out of bounds",
    "WrongPhase": "not in the current phase ({0} of Idle 0, Commit 1, Reveal 2, Vote 3, Void 4, Final 5, Finished 6)",
    "WrongRound": "the current round is {0}",
    "BadAnchor": "block {0} is no recent block of this chain, or older than the round",
    "NotOperator": "only the seat's operator {0} may do this",
    "NotOwner": "only the seat's owner {0} may do this",
    "NotActive": "the seat may act in rounds {0} to {1} only (0: never so far)",
    "AlreadyActive": "the seat is active since round {0}",
    "AlreadyCommitted": "the seat has committed in this round",
    "NotCommitted": "the seat has not committed in this round",
    "AlreadyRevealed": "the seat has revealed in this round",
    "CommitmentMismatch": "the gradient root is not the one that this account committed to",
    "AlreadyVoted": "the seat has voted in this round",
    "EmptySet": "a vote must accept somebody",
    "NotFinalOutcome": "the round is final with another outcome",
    "RoundClosed": "the round takes no more votes",
    "BadWeight": "the weight must be 1 to 255",
    "BadOperator": "the operator must not be the zero address",
    "WrongStake": "exactly {0} wei of stake must be sent",
    "RunFull": "all 256 seats have been given; bid for a place (`comitia seat bid`)",
    "PeerTooLong": "the peer address has {0} bytes, more than 256",
    "HasLeft": "the seat has left",
    "NotLeft": "the seat has not left",
    "TooEarly": "not before chain time {0}",
    "VoteUndecided": "the seat's vote is in a round that is not decided; wait until chain time {0}",
    "RunFinished": "the run is finished",
    "TooLittleWeight": "only a weight of {0} is active, not more than two thirds of the base {1}",
    "SlotBusy": "the next round's ring slot is taken until chain time {0}",
    "TransferFailed": "the recipient did not take the transfer",
    "RunStopped": "the run's owner has stopped it: no round opens any more",
    "NoSeat": "nobody has this seat",
    "NamedByOverturn": "the seat is named by {0} overturns that are not settled (`comitia slash`)",
    "AlreadyWithdrawn": "the stake has been paid out",
    "NotMissed": "the seat did not miss round {0}, or it is too old or not over",
    "Unsettled": "pay from before the last change of weight is not settled (so far: height {0}); settle it first",
    "RunNotFull": "seats are still free: join (`comitia seat join`)",
    "BidTooLow": "a bid must weigh more than twice {0}",
    "NotBidder": "only the bidder {0} may do this",
    "NotAscending": "seats must be named in ascending order, each once",
    "NothingToClaim": "there is nothing to pay out",
    "NotRunOwner": "only the run's owner may do this",
    "TooLate": "not after chain time {0}",
    "NotStanding": "round {0} did not make that height, or it was overturned",
    "WrongRoot": "the state root that the round made begins with {0}",
    "NoSuchChunk": "the state has only {0} chunks",
    "AlreadyChallenged": "this chunk of this round has been challenged",
    "BondTooLow": "the bond is {0} wei",
    "NeverSeated": "only accounts that have had a seat may challenge in this run",
    "WrongStatus": "the challenge's status is {0} (None 0, Open 1, Answered 2, Executed 3, Cancelled 4, Lapsed 5)",
    "WrongProgress": "the sums are not those of this account's last part",
    "WrongLength": "a part of the answer has a wrong length",
    "NotRevealed": "seat {0} was accepted and has not revealed: nobody can answer",
    "WrongGradient": "this is not what seat {0} revealed",
    "SeatMissing": "the bits of accepted seats from {0} on are missing",
    "WrongOldState": "the chunk is not part of the state before",
    "WrongNewState": "the step leads to another state: the challenge is right, or the path is wrong",
    "NotNamed": "the seat is not named by this overturn, or is settled",
    "SelfAccused": "a seat cannot accuse itself",
    "AlreadyCondemned": "accusations of the seat up to round {0} are void",
    "AlreadyAccused": "the seat has accused already",
    "OpenToAll": "the run is open to all",
    "NotInvited": "the account has no invitation left; its seat needs one (`comitia run admit`)",
    "BadSignature": "the signature is not that of the run's owner, or of the invitation's key",
    "AlreadyUsed": "the invitation has been used",
}
