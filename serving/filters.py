"""What a request may narrow a slate to: language, place, size, none of these, not the last again.

The filters hold inside the pipeline, like a policy, so that as many items come as were asked for
if there are as many. Those that are not known (a language nobody has told, an id nobody has) are
no mistake: nothing is of that language, and nothing has that id.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from data.store.ledger import read_served
from engine.errors import GoneError, UnknownError
from engine.wanted import Wanted

if TYPE_CHECKING:
    from data.store.connect import Store
    from serving.live import Live
    from serving.slates import Asked, Slates

MAX_EXCLUDED = 200
"""Ids that may be excluded at once."""

MOST = 2**31
"""A size no group has."""

LANGUAGE = "Only of this language, as it was told; capitals do not matter."
PLACE = "Only of this place, as it was told; capitals do not matter."
MIN_SIZE = "Only groups of at least so many members."
MAX_SIZE = "Only groups of at most so many members."
EXCLUDE = "None of these ids; those that nobody has do no harm."
AGAIN = (
    "Another slate than this one: its `recommendation_id`, of the same member and purpose. 410 if "
    "it is not known any more, or not yet: another worker knows it after a second."
)
GONE = "again: no slate of this member and purpose is known by that id: ask without it"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a request asks for beside the viewer.

    Attributes:
        wanted: What the items must be like.
        again: The slate whose items must not come again, '' for none.
    """

    wanted: Wanted
    again: str = ""

    async def of(self, live: Live, slates: Slates, asked: Asked) -> Wanted:
        """Return what the items must be like, none of the last slate's among them.

        Raises:
            GoneError: That slate is known neither here nor in the ledger.
            StoreUnavailableError: The ledger cannot be read.
        """
        if not self.again:
            return self.wanted
        last = slates.ids_told(asked, self.again)
        if last is None and live.store is not None:
            last = await asyncio.to_thread(_ids_served, live.store, asked, self.again)
        if last is None:
            raise GoneError(GONE)
        return replace(self.wanted, exclude=self.wanted.exclude.union(last))


def _ids_served(store: Store, asked: Asked, recommendation_id: str) -> tuple[str, ...] | None:
    try:
        served = read_served(store, asked.community, recommendation_id)
    except UnknownError:
        return None
    if (served.member, served.purpose) != (asked.viewer, asked.purpose):
        return None
    return tuple(item.item for item in served.items)


Word = Annotated[str, Query(max_length=200)]
Size = Annotated[int, Query(ge=0, le=MOST)]
Excluded = Annotated[list[str], Query(max_length=MAX_EXCLUDED, description=EXCLUDE)]
Again = Annotated[str, Query(max_length=64, description=AGAIN)]


# FastAPI runs what is not async in a thread: on a busy server that takes longer than an answer.
async def _member_filters(
    exclude: Excluded = [],  # noqa: B006 - FastAPI copies it
    language: Annotated[Word, Query(description=LANGUAGE)] = "",
    place: Annotated[Word, Query(description=PLACE)] = "",
    again: Again = "",
) -> Filters:
    return Filters(Wanted(language, place, exclude=frozenset(exclude)), again)


async def _group_filters(
    people: Annotated[Filters, Depends(_member_filters)],
    min_size: Annotated[Size, Query(description=MIN_SIZE)] = 0,
    max_size: Annotated[Size | None, Query(description=MAX_SIZE)] = None,
) -> Filters:
    sized = replace(people.wanted, min_size=min_size, max_size=max_size)
    return Filters(_checked(sized, "query"), people.again)


MemberFilters = Annotated[Filters, Depends(_member_filters)]
GroupFilters = Annotated[Filters, Depends(_group_filters)]


class MemberFilterBody(BaseModel):
    """What the people suggested must be like."""

    model_config = ConfigDict(extra="forbid", strict=True)

    language: str = Field(default="", max_length=200, description=LANGUAGE)
    place: str = Field(default="", max_length=200, description=PLACE)
    exclude: list[str] = Field(default=[], max_length=MAX_EXCLUDED, description=EXCLUDE)

    def wanted(self) -> Wanted:
        """Return what is wanted."""
        return Wanted(self.language, self.place, exclude=frozenset(self.exclude))


class GroupFilterBody(MemberFilterBody):
    """What the groups suggested must be like."""

    min_size: int = Field(default=0, ge=0, le=MOST, description=MIN_SIZE)
    max_size: int | None = Field(default=None, ge=0, le=MOST, description=MAX_SIZE)

    def wanted(self) -> Wanted:
        """Return what is wanted.

        Raises:
            RequestValidationError: No group can be of such a size.
        """
        sized = replace(super().wanted(), min_size=self.min_size, max_size=self.max_size)
        return _checked(sized, "body")


def _checked(wanted: Wanted, where: str) -> Wanted:
    if wanted.max_size is not None and wanted.min_size > wanted.max_size:
        message = f"min_size is {wanted.min_size}, more than max_size, {wanted.max_size}"
        raise RequestValidationError(
            [{"loc": (where, "min_size"), "msg": message, "type": "value_error"}]
        )
    return wanted
