"""The right answers about the synthetic town: who fits which group, and who fits whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from data.town.interests import Vocabulary
from data.town.people import NOBODY, Amounts, People
from engine.types import BoolVector, Rows


class About(IntEnum):
    """What a group is about."""

    INTEREST = 0  # one narrow interest
    AREA = 1  # a broad area
    GENERAL = 2  # general chat: big and shallow


@dataclass(frozen=True, slots=True)
class Groups:
    """What is true of the groups.

    Attributes:
        about: An `About` a group, of shape (groups,).
        interest: The interest a group is about, -1 if it is not about one.
        area: The area of that interest or of the group, -1 for general chat.
        size: Members the group settles at. For a new group, the size its founder hopes for.
        warmth: How kindly newcomers are received, in [0, 1].
        created_ts: When it was founded, unix seconds.
        host: The member who founded it, -1 for a group nobody has joined yet.
        new: Whether it was founded in the last four weeks.
    """

    about: Rows
    interest: Rows
    area: Rows
    size: Amounts
    warmth: Amounts
    created_ts: Rows
    host: Rows
    new: BoolVector

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.about)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a perfect recommender would know. A row is a position in the town's tables.

    Attributes:
        vocabulary: The interests and areas that rows below refer to.
        people: The members' interests with weights, preferred sizes, talkativeness, openness.
        groups: The groups' interest, area, size and warmth.
        post_interests: The interest each post is about, -1 for everyday talk, of shape (posts,).
        lasts: For each row of the memberships table, whether the member meant to stay; whether
            the join lasted is told by ``n`` and the dates.
    """

    vocabulary: Vocabulary
    people: People
    groups: Groups
    post_interests: Rows
    lasts: BoolVector

    def topic_fit(self, member_rows: Rows, group_rows: Rows) -> Amounts:
        """Return how much members care for what groups are about.

        Args:
            member_rows: Members, of any shape that broadcasts with ``group_rows``.
            group_rows: Groups; pass ``members[:, None], groups[None, :]`` for all pairs.

        Returns:
            Numbers in [0, 1] of the broadcast shape. A member's dearest interest counts 1 and
            another one the root of its share of the dearest; an interest of the same area, and
            a group about the whole area, less; general chat 0.2.
        """
        members, groups = np.broadcast_arrays(member_rows, group_rows)
        dearness = np.sqrt(self.people.weights / self.people.weights[:, :1])[members]
        same = self.people.interests[members] == self.groups.interest[groups][..., None]
        near = self.people.areas[members] == self.groups.area[groups][..., None]
        own = (dearness * same).max(axis=-1)
        area = (dearness * near).max(axis=-1)
        about = self.groups.about[groups]
        fit = np.where(about == About.AREA, 0.6 * area, np.maximum(own, 0.2 * area))
        return np.where(about == About.GENERAL, 0.2, fit)

    def group_fit(self, member_rows: Rows, group_rows: Rows) -> Amounts:
        """Return how well members would belong in groups: topic, size and warmth.

        Args:
            member_rows: Members, of any shape that broadcasts with ``group_rows``.
            group_rows: Groups.

        Returns:
            `topic_fit`, times 0.4 to 1 for how near the group's size is to the preferred one
            (on a log scale), times 0.5 to 1 for warmth: numbers in [0, 1], broadcast.
        """
        apart = (
            np.log(self.groups.size)[group_rows] - np.log(self.people.preferred_size)[member_rows]
        )
        size = 0.4 + 0.6 * np.exp(-0.5 * (apart / 1.2) ** 2)
        warmth = 0.5 + 0.5 * self.groups.warmth[group_rows]
        return np.asarray(self.topic_fit(member_rows, group_rows) * size * warmth)

    def pair_fit(self, member_rows: Rows, other_rows: Rows) -> Amounts:
        """Return how glad members would be to meet others; the same in both directions.

        Args:
            member_rows: Members, of any shape that broadcasts with ``other_rows``.
            other_rows: Other members.

        Returns:
            How far their interests overlap (four fifths by interest, one fifth by area), times
            0.4 to 1 for how open the two are on average: numbers in [0, 1], broadcast.
        """
        members, others = np.broadcast_arrays(member_rows, other_rows)
        people = self.people
        weights, other_weights = people.weights[members], people.weights[others]
        overlap = np.zeros(members.shape)
        nearness = np.zeros(members.shape)
        for slot in range(people.interests.shape[1]):
            interest = people.interests[members, slot][..., None]
            area = people.areas[members, slot][..., None]
            shared = np.minimum(weights[..., [slot]], other_weights)
            known = interest != NOBODY
            overlap += (shared * (known & (interest == people.interests[others]))).sum(axis=-1)
            nearness += (shared * (known & (area == people.areas[others]))).sum(axis=-1)
        likeness = 0.8 * overlap + 0.2 * np.minimum(nearness, 1.0)
        openness = 0.5 * (people.openness[members] + people.openness[others])
        return np.asarray(np.clip(likeness * (0.4 + 0.6 * openness), 0.0, 1.0))
