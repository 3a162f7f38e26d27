"""The tree of exceptions.

    BelongError
    ├── UserError                     the person at the keyboard or the caller can mend it
    │   ├── DataError                 a community folder cannot be used
    │   ├── SettingError              an option or a setting has no meaning here
    │   ├── UnknownError              nothing has that id
    │   ├── UnknownReferenceError     a change names something that is not there
    │   ├── ReusedKeyError            an idempotency key stands for something else
    │   ├── GoneError                 what was kept for a while is kept no more
    │   ├── GateError                 a new bundle is worse than the current one
    │   └── BundleError               a bundle is absent, damaged or of another format
    │       └── NotLoadedError        it is on its way into memory
    ├── StoreUnavailableError         the database cannot be used now; later it may
    │   └── StoreFullError            no room is left on its disk
    ├── BehindError                   a worker does not know yet what an answer needs
    └── StageError                    a stage broke its contract: a bug, never bad input
        └── NotUnitNormError          a vector that should have length 1 has not

Each message says what was expected, what came, and what to do.
"""

from __future__ import annotations


class BelongError(Exception):
    """Anything Belong raises on purpose."""


class UserError(BelongError):
    """A mistake whose remedy lies with whoever made the call; the message is one clear sentence."""


class DataError(UserError):
    """A community folder is missing something or too much of it is unusable."""


class SettingError(UserError):
    """An option or a setting is out of its range or contradicts another."""


class UnknownError(UserError):
    """No member, group or community has the given id."""


class UnknownReferenceError(UserError):
    """A change names a member or a group that is not there; the message says which change."""


class ReusedKeyError(UserError):
    """Something else was sent under an idempotency key before."""


class GoneError(UserError):
    """A slate that was remembered for a while is remembered no more, or never was."""


class BundleError(UserError):
    """A bundle is absent, damaged, incomplete or of a format this version cannot read."""


class NotLoadedError(BundleError):
    """A bundle is being loaded, or waits for room in memory; trying again helps."""


class StoreUnavailableError(BelongError):
    """The database is locked, gone, full or too slow; nothing was changed. Later it may be used."""


class StoreFullError(StoreUnavailableError):
    """No room is left on the database's disk; nothing was changed. With room it may be used."""


class BehindError(BelongError):
    """A worker could not bring itself up to date in time; trying again may help."""


class GateError(UserError):
    """A new bundle is worse than the current one by more than a margin; it names what dropped."""


class StageError(BelongError):
    """A stage answered with the wrong shape, dtype or a value that is not finite."""


class NotUnitNormError(StageError):
    """A vector is further than 1e-3 from length 1."""
