"""What newer versions of Dashboards refuse in expressions of Vega, found without a browser.

They refuse ways from a chart to the page around it. Source: `vega_validation.ts` of OpenSearch
Dashboards 3.7, and 2.19's later patches.
"""

import re
from collections.abc import Iterator

FIELDS = frozenset({"expr", "update", "test", "calculate", "filter", "signal"})
"""Keys of a spec whose strings are expressions."""

IDENTIFIERS = frozenset(
    {
        *("window", "document", "global", "globalThis", "top", "parent", "frames", "self"),
        "constructor",
    }
)
PROPERTIES = frozenset(
    {
        *("ownerDocument", "defaultView", "contentDocument", "contentWindow", "view"),
        *("innerHTML", "outerHTML", "insertAdjacentHTML", "createElement", "createElementNS"),
        *("getElementById", "getElementsByClassName", "getElementsByTagName", "querySelector"),
        *("querySelectorAll", "__proto__", "prototype", "constructor"),
    }
)
CALLS = frozenset(
    {"eval", "Function", "setTimeout", "setInterval", "setImmediate", "execScript", "atob", "btoa"}
)

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)

Token = tuple[str, str]


def faults(expression: str) -> list[str]:
    """Return what is refused in an expression.

    >>> faults("datum.share * 100")
    []
    >>> faults("datum['a' + 'b']")
    ["a computed property: ['a'+'b']; write a literal or a plain name"]
    """
    tokens = [
        (str(match.lastgroup), match.group())
        for match in TOKEN.finditer(expression)
        if match.lastgroup != "space"
    ]
    return [*_unbalanced(tokens), *_names(tokens), *_computed(tokens)]


def _unbalanced(tokens: list[Token]) -> Iterator[str]:
    pairs, open_now = {")": "(", "]": "[", "}": "{"}, list[str]()
    for kind, token in tokens:
        if kind == "sign" and token in "\"'":
            yield f"a string that does not end: {token}"
        if kind == "sign" and token in "([{":
            open_now.append(token)
        if kind == "sign" and token in pairs and (not open_now or open_now.pop() != pairs[token]):
            yield f"a {token} that closes nothing"
            return
    if open_now:
        yield f"a {open_now[-1]} that is not closed"


def _names(tokens: list[Token]) -> Iterator[str]:
    for at, (kind, token) in enumerate(tokens):
        if kind != "name":
            continue
        before = tokens[at - 1][1] if at else ""
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if after == "(" and token in CALLS:
            yield f"the call {token}()"
        elif before == ".":
            if token in PROPERTIES:
                yield f"the property {token}"
        elif token in IDENTIFIERS and not (after == ":" and before in {"{", ","}):
            yield f"the name {token}"


def _computed(tokens: list[Token]) -> Iterator[str]:
    """Yield a fault for each `value[…]` in which something is computed."""
    for at, (kind, token) in enumerate(tokens):
        before = tokens[at - 1] if at else ("sign", "(")
        is_access = (before[0] == "name" and before[1] != "in") or before[1] in {")", "]"}
        if kind != "sign" or token != "[" or not is_access:
            continue
        inner = _inner(tokens, at)
        if len(inner) != 1 or inner[0][0] not in {"string", "number", "name"}:
            written = "".join(text for _, text in inner)
            yield f"a computed property: [{written}]; write a literal or a plain name"
        elif inner[0][0] == "string" and inner[0][1][1:-1] in PROPERTIES:
            yield f"the property {inner[0][1][1:-1]}"


def _inner(tokens: list[Token], at: int) -> list[Token]:
    """Return what stands in the bracket that opens at a token."""
    depth = 0
    for end in range(at, len(tokens)):
        depth += (tokens[end][1] in {"[", "(", "{"}) - (tokens[end][1] in {"]", ")", "}"})
        if not depth:
            return tokens[at + 1 : end]
    return tokens[at + 1 :]
