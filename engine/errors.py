"""The tree of exceptions.

    BelongError
    ├── UserError                     the person at the keyboard or the caller can mend it
    │   ├── DataError                 a community folder cannot be used
    │   ├── SettingError              an option or a setting has no meaning here
    │   ├── UnknownError              nothing has that id
    │   └── BundleError               a bundle is absent, damaged or of another format
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


class BundleError(UserError):
    """A bundle is absent, damaged, incomplete or of a format this version cannot read."""


class StageError(BelongError):
    """A stage answered with the wrong shape, dtype or a value that is not finite."""


class NotUnitNormError(StageError):
    """A vector is further than 1e-3 from length 1."""
