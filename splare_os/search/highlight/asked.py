"""What a search asks of the client besides its query: highlights by latents, explanations.

    {"highlight": {"fields": {"text": {"type": "splare"}, "title_splare": {}}}}
    {"ext": {"splare": {"explain": true}}}

Neither reaches the server, which has no highlighter of that name and refuses unknown extensions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from ...documents.fields import SUFFIX
from ...errors import MappingError
from ..clause.clause import NAME, Clause, replace_in_body
from ..clause.extension import read_extension
from ..clause.stepped import Stepped, the_clause
from ..clause.target import Search
from ..explain.evidence import Sought
from ..query.query import Dsl
from ..query.steps import Steps
from ..request.page import page_of
from .fragments import Form
from .highlight_options import check_top, form_of

Fields: TypeAlias = list[tuple[str, Mapping[str, Any]]]

VERSION = "seq_no_primary_term"
TRUE = (True, "true", b"true")
WITHOUT = {
    "scroll": "pages after the first would have none: page by search_after or a point in time",
    "filter_path": "it takes away what they are made with: leave it out",
    "q": "a server searches that, and not the query in the body: leave it out",
}


@dataclass(frozen=True)
class Asked:
    """What the hits of one search get: highlights by name of the field, and an explanation.

    `clauses` are those that documents were found by. `adds_version`: the application did not ask
    for the version of hits.
    """

    forms: Mapping[str, Form]
    explains: bool
    clauses: Sequence[Clause] = field(default_factory=tuple)
    adds_version: bool = True

    @property
    def names(self) -> str:
        """What is asked for, as messages call it."""
        return "highlight" if self.forms else "ext.splare.explain"

    def check(self, sought: Sequence[Sought]) -> None:
        """Raise `MappingError` for a field that no clause's impacts were made of."""
        known = {one.field for one in sought} | {name for one in sought for name in texts_of(one)}
        for name in self.forms:
            if not any(fnmatchcase(one, impacts_name(name)) for one in known):
                raise MappingError(
                    f"highlight field {name!r}: the splare clauses of this search look into "
                    f"{', '.join(sorted(known))}; name one of these"
                )


def impacts_name(name: str) -> str:
    """Return the name of an impacts field for that of its part, any other as it is."""
    return name.removesuffix(".impacts") if name.endswith(f"{SUFFIX}.impacts") else name


def texts_of(sought: Sought) -> list[str]:
    """Return the text fields that a clause's impacts were made of, in any of its indices."""
    return sorted({name for record in sought.records.values() for name in record.text_fields})


def part_asked(search: Search, params: Mapping[str, Any]) -> tuple[Asked | None, Search]:
    """Return what a search asks of the client, and the search that is for the server.

    `params` are those of its URL. `ValueError` for options that there are not, without a clause
    that documents are found by, and where hits are not in the reply as they are needed.
    """
    body = search.body
    if search.target.endpoint != "_search":
        return None, search
    ours, others = _split(body.get("highlight"))
    extension, ext = read_extension(body.get("ext"))
    steps = extension.steps
    stepped = None if steps is None else _stepped(body, params, steps)
    _refuse_inside(body)
    left = {"highlight": others, "ext": ext}
    emptied = {key for key, part in left.items() if body.get(key) and not part}
    served = {key: left.get(key, part) for key, part in body.items() if key not in emptied}
    search = replace(search, body=served, stepped=stepped)
    if not ours and not extension.explains:
        return None, search
    if ours:
        check_top(body["highlight"], is_shared=bool(others))
    forms = {name: form_of(name, body["highlight"], options) for name, options in ours}
    adds_version = not body.get(VERSION) and params.get(VERSION) not in TRUE
    asked = Asked(forms, extension.explains, _clauses(body), adds_version)
    for name, reason in WITHOUT.items():
        if name in params:
            raise ValueError(f"{asked.names} with {name}: {reason}")
    if not asked.clauses:
        raise ValueError(
            f"{asked.names}: the query has no splare clause that documents are found by; "
            'write one, {"splare": {"text": "words"}}'
        )
    return asked, replace(search, body=served | {VERSION: True})


def _stepped(body: Dsl, params: Mapping[str, Any], steps: Steps) -> Stepped:
    """Return what is searched in two steps, of which the second reaches to the end of the page."""
    last = sum(page_of(body, params) or ())  # a page that is none is the server's to refuse
    return Stepped(the_clause(body, params), replace(steps, window=max(steps.window, last)))


def _split(highlight: Any) -> tuple[Fields, Any]:  # noqa: ANN401  # JSON
    """Return the fields that are ours with their options, and what is left for the server."""
    if not isinstance(highlight, Mapping):
        return [], highlight
    fields, kind = highlight.get("fields"), highlight.get("type")
    ours = [pair for pair in _pairs(fields) if _is_ours(*pair, kind)]
    if not ours:
        return [], highlight
    names = {name for name, _ in ours}
    others = [pair for pair in _pairs(fields) if pair[0] not in names]
    rest = [dict([pair]) for pair in others] if isinstance(fields, list) else dict(others)
    kept = {k: v for k, v in highlight.items() if k != "type" or v != NAME}
    return ours, {**kept, "fields": rest} if rest else {}


def _pairs(fields: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # JSON
    """Yield names and options of an object of fields, or of a list of such objects."""
    for one in fields if isinstance(fields, list) else [fields]:
        if isinstance(one, Mapping):
            yield from one.items()


def _is_ours(name: str, options: Any, kind: Any) -> bool:  # noqa: ANN401  # JSON
    own = options.get("type", kind) if isinstance(options, Mapping) else kind
    return own == NAME or (own is None and impacts_name(name).endswith(SUFFIX))


def _refuse_inside(body: Dsl) -> None:
    """Raise `ValueError` for a highlight by latents of inner hits or top hits."""
    stack: list[Any] = [value for key, value in body.items() if key != "highlight"]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            if _split(part.get("highlight"))[0]:
                raise ValueError(
                    "highlight of type splare inside inner_hits or top_hits: only the hits of a "
                    "search itself have one; ask for it at the top of the body"
                )
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _clauses(body: Dsl) -> tuple[Clause, ...]:
    """Return the clauses of query and rescore, but for those that keep documents away."""
    queries: Dsl = {key: _affirmed(body[key]) for key in ("query", "rescore") if key in body}
    found: list[Clause] = []

    def note(clause: Clause) -> Dsl:
        found.append(clause)
        return {}

    replace_in_body(queries, note)
    return tuple(found)


def _affirmed(query: Any) -> Any:  # noqa: ANN401  # JSON
    if isinstance(query, list):
        return [_affirmed(one) for one in query]
    if not isinstance(query, Mapping) or NAME in query:
        return query
    kept = {key: value for key, value in query.items() if key not in {"must_not", "negative"}}
    return {key: _affirmed(value) for key, value in kept.items()}
