"""Errors of shadows."""

from __future__ import annotations

from typing import Final

from ._errors import HedgerowError

__all__ = [
    "InvalidShadowError",
    "ShadowAtHomeCoreError",
    "ShadowConflictError",
    "ShadowError",
    "ShadowNotFoundError",
    "ShadowTooLargeError",
    "shadow_error",
]


class ShadowError(HedgerowError):
    """What is wrong with a request to a shadow. Nothing was changed by it."""

    repeated: bool = False
    """Whether an attempt before this one had no answer. Where that attempt was accepted after all, it may be the very
    reason for a conflict: read the shadow before trying again."""


class InvalidShadowError(ShadowError, ValueError):
    """The document breaks a rule of shadows, or the condition is no expression."""


class ShadowNotFoundError(ShadowError, LookupError):
    """There is no such shadow."""


class ShadowTooLargeError(ShadowError):
    """Desired and reported would be larger than is allowed: 30,720 bytes on a core, 8 KiB in the cloud."""


class ShadowAtHomeCoreError(ShadowError):
    """Another core of the group serves this shadow."""

    @property
    def core(self) -> str:
        """Its name."""
        return self.metadata.get("core", "")


class ShadowConflictError(ShadowError):
    """The shadow has another version than the request says, or its condition is not true of it."""


_KINDS: Final[dict[str, type[ShadowError]]] = {
    "INVALID_EXPRESSION": InvalidShadowError,
    "INVALID_SHADOW_DOCUMENT": InvalidShadowError,
    "SHADOW_AT_HOME_CORE": ShadowAtHomeCoreError,
    "SHADOW_CONDITION_FALSE": ShadowConflictError,
    "SHADOW_NOT_FOUND": ShadowNotFoundError,
    "SHADOW_TOO_LARGE": ShadowTooLargeError,
    "SHADOW_VERSION_CONFLICT": ShadowConflictError,
}


def shadow_error(error: HedgerowError, repeated: bool = False) -> HedgerowError:
    """The error as one of shadows, where it is one.

    :param repeated: Whether an attempt before had no answer.
    """
    kind = _KINDS.get(error.reason or "")
    if kind is None or isinstance(error, ShadowError):
        return error
    found = kind(
        error.message,
        code=error.code,
        reason=error.reason,
        violations=error.violations,
        retry_after=error.retry_after,
        metadata=error.metadata,
    )
    found.repeated = repeated
    return found
