"""How a request sees the cluster: which indices its names stand for, and who asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Headers: TypeAlias = Mapping[str, str]

OPTIONS = ("ignore_unavailable", "allow_no_indices", "expand_wildcards")
"""Parameters of a request (and keys of an msearch header) that say what its names stand for."""


@dataclass(frozen=True)
class View:
    """`options` are those of `OPTIONS` that a request gives, `headers` go with every question."""

    options: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = field(default_factory=dict)

    def with_options(self, params: Mapping[str, object]) -> "View":
        """Return this view with the options among `params` in place of its own."""
        spelt = {spelling: name for name in OPTIONS for spelling in (name, _in_camel_case(name))}
        given = {spelt[key]: one for key, one in params.items() if key in spelt and one is not None}
        return replace(self, options={**self.options, **{k: as_text(v) for k, v in given.items()}})

    @property
    def ignores_unavailable(self) -> bool:
        """Whether indices that are missing or closed are passed over."""
        return self.options.get("ignore_unavailable") == "true"

    @property
    def may_be_empty(self) -> bool:
        """Whether the request says itself that there may be no index."""
        allowed = self.options.get("allow_no_indices", self.options.get("ignore_unavailable"))
        return allowed == "true"


PLAIN = View()
"""Of a request that says nothing about it: the server's defaults."""


def _in_camel_case(name: str) -> str:
    """Return the other spelling of an option, which headers of an msearch may have.

    >>> _in_camel_case("allow_no_indices")
    'allowNoIndices'
    """
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def as_text(value: object) -> str:
    """Return an option as an address spells it; opensearch-py may have made bytes of it.

    >>> as_text(True), as_text(["open", "hidden"]), as_text(b"all")
    ('true', 'open,hidden', 'all')
    """
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
