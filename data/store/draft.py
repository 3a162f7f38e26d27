"""The part of a community that a transaction touches: as it was, as it is to be, the difference.

Everything a batch of changes needs is read at once, changed in memory, and only what differs is
written and logged. So a repeat logs nothing, and a thousand changes are a few statements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Table, delete, select

from data.store.log import Kind, Touched, Turn
from data.store.rows import Row, drop_rows, key_of, parts, rows_by, write_new, write_rows
from data.store.schema import (
    authors,
    blocks,
    groups,
    members,
    memberships,
    participations,
    post_groups,
    posts,
    ties,
    vectors,
)
from engine.facts import Written

Key = tuple[str, ...]

LINKS = (authors, post_groups, participations)
"""Who wrote a post, where it stands, who took part: each a set of ids a post."""

LOGGED = {
    members: Kind.MEMBER,
    groups: Kind.GROUP,
    posts: Kind.POST,
    memberships: Kind.MEMBERSHIP,
    blocks: Kind.BLOCK,
    ties: Kind.TIE,
}
"""What an entry says was touched when a row of a table differs. Rows before those that refer
to them."""

WRITTEN = {members: Written.MEMBER, groups: Written.GROUP, posts: Written.POST}
"""Whose texts the rows of a table hold."""

NOBODY: frozenset[str] = frozenset()


class Draft:
    """Rows of one community, looked up, changed and then saved."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self._was: dict[Table, dict[Key, Row | None]] = {table: {} for table in LOGGED}
        self._is: dict[Table, dict[Key, Row | None]] = {table: {} for table in LOGGED}
        self._linked: dict[Table, dict[str, frozenset[str]]] = {table: {} for table in LINKS}
        self._links: dict[Table, dict[str, frozenset[str]]] = {table: {} for table in LINKS}
        self._there: dict[Table, set[str]] = {members: set(), groups: set(), posts: set()}

    def look(self, table: Table, keys: Iterable[Key]) -> None:
        """Read the rows of these keys, and remember which are not there."""
        was = self._was[table]
        new = [key for key in dict.fromkeys(keys) if key not in was]
        if not new:
            return
        names = key_of(table)
        if len(names) == 1:
            values: list[str] | list[Key] = [key[0] for key in new]
            found = self._rows(table, names[0], values)
        else:
            found = self._rows(table, (names[0], names[1]), new)
        was.update(dict.fromkeys(new))
        was.update({tuple(row[name] for name in names): row for row in found})
        self._is[table].update({key: was[key] for key in new})
        if table in self._there:
            self._there[table] |= {key[0] for key in new if was[key] is not None}

    def look_for(self, table: Table, ids: Iterable[str]) -> None:
        """Find out which of these members, groups or posts there are."""
        was = self._was[table]
        unknown = {one for one in ids if (one,) not in was} - self._there[table]
        found = self._rows(table, "id", sorted(unknown), ["id"])
        self._there[table] |= {row["id"] for row in found}

    def look_at_posts(self, ids: Iterable[str]) -> None:
        """Read posts and everything that is linked to them."""
        new = [one for one in dict.fromkeys(ids) if (one,) not in self._was[posts]]
        self.look(posts, [(one,) for one in new])
        for table in LINKS:
            side = key_of(table)[1]
            linked: dict[str, set[str]] = {one: set() for one in new}
            for row in self._rows(table, "post", new):
                linked[row["post"]].add(row[side])
            for one, others in linked.items():
                self._linked[table][one] = self._links[table][one] = frozenset(others)

    def look_at_answers(self, ids: Collection[str]) -> None:
        """Read the posts that answer these."""
        answers = self._rows(posts, "parent", ids, ["id"])
        self.look_at_posts([row["id"] for row in answers])

    def look_inside(self, ids: Collection[str]) -> None:
        """Read the memberships of these groups, and the posts that stand in them."""
        within = self._rows(memberships, "group", ids, ["member", "group"])
        self.look(memberships, [(row["member"], row["group"]) for row in within])
        standing = self._rows(post_groups, "group", ids, ["post"])
        self.look_at_posts([row["post"] for row in standing])

    def there(self, table: Table, one: str) -> bool:
        """Return whether there is such a member, group or post now; it was looked for before."""
        return one in self._there[table]

    def row(self, table: Table, *key: str) -> Row | None:
        """Return a row that was looked at, as it is to be; None if there is none."""
        return self._is[table][key]

    def rows(self, table: Table) -> list[tuple[Key, Row]]:
        """Return every row that was looked at and is there."""
        return [(key, row) for key, row in self._is[table].items() if row is not None]

    def put(self, table: Table, row: Row) -> None:
        """Put a whole row in the place of whatever has its key."""
        key = tuple(row[name] for name in key_of(table))
        self._is[table][key] = row
        if table in self._there:
            self._there[table].add(key[0])

    def drop(self, table: Table, *key: str) -> None:
        """Take a row away."""
        self._is[table][key] = None
        if table in self._there:
            self._there[table].discard(key[0])
        if table is posts:
            for links in LINKS:
                self.link(links, key[0], NOBODY)

    def linked(self, table: Table, post: str) -> frozenset[str]:
        """Return whoever, or whatever, is linked to a post."""
        return self._links[table].get(post, NOBODY)

    def link(self, table: Table, post: str, others: Iterable[str]) -> None:
        """Link exactly these to a post."""
        self._links[table][post] = frozenset(others)

    def save(self) -> None:
        """Write what differs, and log what was touched."""
        changed = {table: self._changed(table) for table in LOGGED}
        relinked = {post for table in LINKS for post in self._relinked(table)}
        touched = [
            Touched(kind, key[0], "".join(key[1:]), adds=self._adds(table, key))
            for table, kind in LOGGED.items()
            for key in changed[table]
        ]
        touched += [
            Touched(Kind.POST, one) for one in sorted(relinked) if (one,) not in changed[posts]
        ]
        if not touched:
            return
        self._unlink()
        for table in reversed(LOGGED):
            self._delete(table, [key for key, row in changed[table].items() if row is None])
        for table in LOGGED:
            new = [row for row in changed[table].values() if row is not None]
            write_rows(self.turn.connection, table, self.turn.community, new)
        self._link()
        seen = {one.key for one in touched if one.kind is Kind.POST}
        touched += [Touched(Kind.POST, one) for one in self._shown_or_hidden() if one not in seen]
        self.turn.touch(touched)

    def _rows(
        self,
        table: Table,
        column: str | tuple[str, str],
        values: Collection[str] | Collection[Key],
        columns: Collection[str] = (),
    ) -> list[Row]:
        if not values:
            return []
        turn = self.turn
        return list(rows_by(turn.connection, table, turn.community, column, values, list(columns)))

    def _changed(self, table: Table) -> dict[Key, Row | None]:
        was = self._was[table]
        return {key: row for key, row in self._is[table].items() if row != was.get(key)}

    def _adds(self, table: Table, key: Key) -> bool:
        """Return whether a difference takes nothing away: it is new, or a block is lifted."""
        if table is blocks:
            return self._is[table][key] is None
        return self._was[table].get(key) is None

    def _relinked(self, table: Table) -> list[str]:
        was = self._linked[table]
        return [one for one, others in self._links[table].items() if others != was.get(one, NOBODY)]

    def _unlink(self) -> None:
        turn = self.turn
        for table in LINKS:
            was = self._linked[table]
            gone = [
                (post, other)
                for post in self._relinked(table)
                for other in sorted(was.get(post, NOBODY) - self._links[table][post])
            ]
            drop_rows(turn.connection, table, turn.community, gone)

    def _link(self) -> None:
        for table in LINKS:
            was, side = self._linked[table], key_of(table)[1]
            new: list[Row] = [
                {"community": self.turn.community, "post": post, side: other}
                for post in self._relinked(table)
                for other in sorted(self._links[table][post] - was.get(post, NOBODY))
            ]
            write_new(self.turn.connection, table, new)

    def _delete(self, table: Table, keys: list[Key]) -> None:
        turn = self.turn
        drop_rows(turn.connection, table, turn.community, keys)
        if table in WRITTEN:
            for part in parts(key[0] for key in keys):
                turn.connection.execute(
                    delete(vectors).where(
                        vectors.c.community == turn.community,
                        vectors.c.kind == WRITTEN[table].value,
                        vectors.c.id.in_(part),
                    )
                )

    def _shown_or_hidden(self) -> list[str]:
        """Return the posts in groups whose visibility differs: who may see those differs too."""
        turned = []
        for key, row in self._changed(groups).items():
            was = self._was[groups].get(key)
            if was is not None and row is not None and was["visibility"] != row["visibility"]:
                turned.append(key[0])
        found: list[str] = []
        for part in parts(turned):
            standing = select(post_groups.c.post).distinct()
            found += self.turn.connection.scalars(
                standing.where(
                    post_groups.c.community == self.turn.community, post_groups.c.group.in_(part)
                )
            )
        return sorted(set(found))
