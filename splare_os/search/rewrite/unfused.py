"""A `hybrid` query that no search pipeline has fused: its reply looks like hits, and is no ranking.

Neural-search then sends the lists of all queries one after another, marked by scores far below 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ReplyError
from ..query.query import Dsl
from ..request.msearch import replies_in
from ..request.page import page_of
from ..request.refused import error_reply
from ..request.rewritten import Finish

MARK = -1e9
"""Scores below are neural-search's marks between lists."""


def is_hybrid(body: Dsl) -> bool:
    """Return whether a search is one whose lists a search pipeline has to fuse."""
    query = body.get("query")
    return isinstance(query, Mapping) and "hybrid" in query


def refuse_untold(body: Dsl, params: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a hybrid of whose reply nobody could tell whether it was fused.

    Where the request itself names a pipeline, that is who fuses.
    """
    if not is_hybrid(body) or body.get("search_pipeline") or params.get("search_pipeline"):
        return
    hides = [key for key in ("sort", "filter_path") if body.get(key) or params.get(key)]
    first, _ = page_of(body, params) or (0, 0)
    hides += ["from"] if first else []  # the marks stand at the beginning
    if hides:
        raise ValueError(
            f"hybrid query with {', '.join(hides)}: the reply would not tell whether a search "
            "pipeline has fused its lists: name one in the request (search_pipeline=…), or leave "
            f"{', '.join(hides)} out"
        )


def fused(finish: Finish, asked: Sequence[bool]) -> Finish:
    """Return what finishes a reply as `finish` does; `ReplyError` if it was not fused.

    `asked`: of each search, whether it is one that has to be; an application's own need not be.
    """
    if not any(asked):
        return finish

    def checked(reply: Any) -> Any:  # noqa: ANN401  # what a server says
        found = replies_in(reply)  # filter_path may leave some out: a pipeline is named then
        is_whole = len(found) == len(asked)
        marked = [
            is_whole and ours and _is_marked(one) for one, ours in zip(found, asked, strict=False)
        ]
        if not any(marked):
            return finish(reply)
        error = ReplyError(
            "a hybrid query was answered with its lists one after another, as no search "
            "pipeline has fused them: name one (search_pipeline=…, or the index's "
            "index.search.default_pipeline), or take the body that splare_os.search.hybrid "
            "makes"
        )
        if "responses" not in reply:
            raise error
        pairs = zip(found, marked, strict=True)
        told = [error_reply(error) if is_marked else one for one, is_marked in pairs]
        return finish({**reply, "responses": told})

    return checked


def _is_marked(reply: Any) -> bool:  # noqa: ANN401
    hits = reply.get("hits") if isinstance(reply, Mapping) else None
    found = hits.get("hits") if isinstance(hits, Mapping) else None
    return any((hit.get("_score") or 0.0) < MARK for hit in found or ())
