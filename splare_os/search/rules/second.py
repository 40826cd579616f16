"""The second search of `hybrid` mode: what SPLARE finds, and how it joins what was found."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ..fusion.fusion import RRF_K
from ..query.query import Dsl
from .asking import Asking
from .rule import Rule
from .safety import HITS, VIEW
from .scored import in_place

BODY = HITS | {"post_filter", "timeout"}
"""Keys of a body that the second search has too."""

PARAMETERS = (VIEW - {"ignore"}) | {
    *("_source", "_source_excludes", "_source_includes", "docvalue_fields", "stored_fields"),
    *("seq_no_primary_term", "version"),
}
"""Parameters that the second search has too."""

Hit: TypeAlias = dict[str, Any]
"""A hit, as the server sends it."""


class SecondBody(Dsl):
    """A body that rules have made: none is applied to it again."""


def second_search(asking: Asking, rule: Rule) -> Asking:
    """Return the search that finds by SPLARE: as filtered, and with hits that show, as the other.

    Words are marked as in the application's own hits.
    """
    body: Dsl = {key: one for key, one in asking.body.items() if key in BODY}
    query = asking.body["query"]
    if isinstance(highlight := body.get("highlight"), Mapping):
        body["highlight"] = {"highlight_query": query, **highlight}
    body |= {"query": in_place(query, rule), "size": rule.window, "track_total_hits": False}
    params = {key: one for key, one in (asking.params or {}).items() if key in PARAMETERS}
    return Asking(asking.url, asking.index, params, body, asking.headers)


def joined(
    ours: Mapping[str, Any], rule: Rule, page: tuple[int, int]
) -> Callable[[Mapping[str, Any]], Dsl]:
    """Return what makes of the application's own reply the page that it gets; `page`: from, size.

    Totals, facets and suggestions are its own; `took` is that of both searches.
    """
    first, size = page

    def join(reply: Mapping[str, Any]) -> Dsl:
        theirs, found = reply["hits"]["hits"], ours["hits"]["hits"]
        whole = fused_hits(theirs, found, window=rule.window, weight=rule.weight)
        best = whole[0]["_score"] if whole else reply["hits"].get("max_score")
        hits = {**reply["hits"], "max_score": best, "hits": whole[first : first + size]}
        return {**reply, "took": reply["took"] + ours["took"], "hits": hits}

    return join


def fused_hits(
    theirs: Sequence[Hit], ours: Sequence[Hit], *, window: int, weight: float = 1.0, k: int = RRF_K
) -> list[Hit]:
    """Return the hits of both, those of the best `window` of each fused, the rest of `theirs` last.

    The score of a hit is 1 / (k + rank) for its rank in `theirs`, from 1, plus `weight` times as
    much for that in `ours`. Equal scores: the better rank in `theirs` first. What comes after the
    window keeps its order, so that any page is a part of one list. Of a document that both have,
    the hit is of `theirs`.
    Source: Cormack, Clarke and Buettcher, SIGIR 2009.
    """
    hits: dict[tuple[object, object], Hit] = {}
    scores: dict[tuple[object, object], float] = {}
    for found, share in ((theirs[:window], 1.0), (ours[:window], weight)):
        for rank, hit in enumerate(found, 1):
            name = hit.get("_index"), hit["_id"]
            hits.setdefault(name, hit)
            scores[name] = scores.get(name, 0.0) + share / (k + rank)
    hits |= {(hit.get("_index"), hit["_id"]): hit for hit in theirs}
    best = sorted(scores, key=lambda name: -scores[name])  # stable: theirs came first
    whole = [{**hits[name], "_score": scores[name]} for name in best]
    for rank, hit in enumerate(theirs[window:], window + 1):
        if (hit.get("_index"), hit["_id"]) not in scores:
            least = whole[-1]["_score"]
            whole.append({**hit, "_score": min(least, 1 / (k + rank))})
    return whole
