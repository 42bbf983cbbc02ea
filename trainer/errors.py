"""Errors that a person may see. Every error of the contract has a twin of the same name here (tests compare both lists)."""


class ComitiaError(Exception):
    """Base of all errors of this package: one clear line that says what to do. `exit_code` is the command's exit code."""

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


class BlobError(ComitiaError):
    """A blob could not be had before the deadline. Never a verdict about the seat that should hold it."""

    exit_code = 11
