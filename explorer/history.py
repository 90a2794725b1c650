"""The queries of a person: back, forward, and what to offer while typing. No Qt in here."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 200


class QueryHistory:
    """A line of queries with a place in it, like a browser's."""

    def __init__(self, queries: list[str] | None = None) -> None:
        self._queries = list(queries or [])[-LONGEST:]
        self._place = len(self._queries)  # one past the end: nothing recalled yet

    @property
    def queries(self) -> list[str]:
        """All, oldest first."""
        return list(self._queries)

    @property
    def recent(self) -> list[str]:
        """Each once, newest first."""
        return list(dict.fromkeys(reversed(self._queries)))

    @property
    def can_go_back(self) -> bool:
        """Whether there is an older query."""
        return self._place > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether there is a newer query."""
        return self._place < len(self._queries) - 1

    def remember(self, query: str) -> None:
        """Put a query at the end; the same one twice in a row counts once."""
        if not query or (self._place < len(self._queries) and self._queries[self._place] == query):
            return
        if not self._queries or self._queries[-1] != query:
            self._queries = [*self._queries, query][-LONGEST:]
        self._place = len(self._queries) - 1

    def back(self) -> str:
        """The query before; the oldest again at the beginning, "" when there is none."""
        self._place = max(0, self._place - 1)
        return self._queries[self._place] if self._queries else ""

    def forward(self) -> str:
        """The query after; the newest again at the end, "" when there is none."""
        self._place = min(max(0, len(self._queries) - 1), self._place + 1)
        return self._queries[self._place] if self._queries else ""
