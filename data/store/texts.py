"""What is read of a member, a group and a post: the same as training reads, without its tools."""

from __future__ import annotations

import hashlib

from data.store.rows import Row
from engine.facts import Written

_BETWEEN = " ."


def member_text(row: Row) -> str:
    r"""Return a profile: text, seeking and offering, a line each.

    >>> member_text({"text": " Baker. ", "seeking": "", "offering": "bread"})
    'Baker.\n\nbread'
    """
    return "\n".join(row[name].strip() for name in ("text", "seeking", "offering")).strip()


def group_text(row: Row) -> str:
    """Return a group's name and description; the description alone if it begins with the name.

    >>> group_text({"name": "Bakers", "text": "We bake."})
    'Bakers. We bake'
    >>> group_text({"name": "Bakers", "text": "Bakers of Ghent."})
    'Bakers of Ghent.'
    """
    if row["text"].startswith(row["name"]):
        return str(row["text"].strip())
    return f"{row['name'].strip()}. {row['text'].strip()}".strip(_BETWEEN)


def post_text(row: Row) -> str:
    """Return a post's title and text.

    >>> post_text({"title": "Hello", "text": "I am new."})
    'Hello. I am new'
    """
    return f"{row['title'].strip()}. {row['text'].strip()}".strip(_BETWEEN)


def seeking_text(row: Row) -> str:
    """Return what a member seeks."""
    return str(row["seeking"].strip())


def offering_text(row: Row) -> str:
    """Return what a member offers."""
    return str(row["offering"].strip())


TEXT_OF = {
    Written.MEMBER: member_text,
    Written.GROUP: group_text,
    Written.POST: post_text,
    Written.SEEKING: seeking_text,
    Written.OFFERING: offering_text,
}
"""How the text of each kind of thing is put together from its row."""


def digest_of_text(text: str) -> str:
    """Return what tells whether vectors were made of this text."""
    return hashlib.sha256(text.encode()).hexdigest()
