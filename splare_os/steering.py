"""Latents boosted, muted or added by hand: what a query is steered by.

{"boost": {"1907": 2}, "mute": [12], "add": {"77": 1.0}}
1907=2,-12,+77=1                                          on the command line
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array

from .impacts import Impacts

KEYS = ("boost", "mute", "add")

LEAST, MOST = 0.001, 1000.0
"""Bounds of factors and weights: beyond them one latent is all, or nothing, of a score."""

ITEM = re.compile(r"-(?P<mute>\d+)|\+(?P<add>\d+)(=(?P<weight>.+))?|(?P<boost>\d+)=(?P<factor>.+)")

Amounts = tuple[tuple[int, float], ...]
"""Latent and amount, by latent."""


@dataclass(frozen=True)
class Steering:
    """`boost`: latent to the factor of its weight; `mute`: those left out; `add`: latent to weight.

    An added weight counts in heaviest weights of the query, before it is steered: with 1.0 a latent
    weighs as much as the query's heaviest, 0.5 half of that; what it weighs already comes on top.
    """

    boost: Amounts = ()
    mute: tuple[int, ...] = ()
    add: Amounts = ()

    @classmethod
    def parse(cls, content: object) -> Self:
        """Return what JSON or TOML says; `ValueError` tells what is wrong with it.

        >>> Steering.parse({"boost": {"1907": 2}, "mute": [12]})
        Steering(boost=((1907, 2.0),), mute=(12,), add=())
        """
        if not isinstance(content, Mapping) or not content:
            raise ValueError(f"{content!r}: write an object with some of {', '.join(KEYS)}")
        if unknown := content.keys() - set(KEYS):
            raise ValueError(f"{', '.join(sorted(map(repr, unknown)))}: known are {KEYS}")
        boost, add = (_amounts(key, content.get(key, {})) for key in ("boost", "add"))
        muted = content.get("mute", [])
        if not isinstance(muted, list | tuple | set | frozenset):
            raise ValueError(f"mute={muted!r}: give a list of latents")
        mute = [_latent("mute", latent) for latent in muted]
        _refuse_twice([*(latent for latent, _ in (*boost, *add)), *mute])
        return cls(boost, tuple(sorted(mute)), add)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what a line of items says: `N=F` boosts latent N, `-N` mutes, `+N` or `+N=W` adds.

        >>> Steering.read("1907=2,-12,+77")
        Steering(boost=((1907, 2.0),), mute=(12,), add=((77, 1.0),))
        """
        boost, add = list[tuple[str, float]](), list[tuple[str, float]]()
        mute = list[str]()
        for item in text.split(","):
            found = ITEM.fullmatch(item.strip())
            if found is None:
                raise ValueError(
                    f"{item!r}: write N=F to boost latent N, -N to mute it, +N or +N=W to add it, "
                    "with commas between, or @NAME for a profile"
                )
            if found["mute"]:
                mute.append(found["mute"])
            elif found["add"]:
                add.append((found["add"], _number(item, found["weight"] or "1")))
            else:
                boost.append((found["boost"], _number(item, found["factor"])))
        _refuse_twice([*(name for name, _ in (*boost, *add)), *mute])
        return cls.parse({"boost": dict(boost), "mute": mute, "add": dict(add)})

    def check(self, n_latents: int) -> None:
        """Raise `ValueError` for a latent that a model of `n_latents` has not."""
        named = [*(latent for latent, _ in (*self.boost, *self.add)), *self.mute]
        if named and max(named) >= n_latents:
            raise ValueError(f"latent {max(named)}: the model has latents 0 to {n_latents - 1}")

    def of(self, weights: Impacts) -> Impacts:
        """Return weights [text, latent], steered; those of `weights` stay as they are.

        Of a text without weights, those that are added count as they are.

        >>> row = csr_array(np.array([[4.0, 1.0, 2.0, 0.0]], dtype=np.float32))
        >>> Steering(boost=((1, 3.0),), mute=(0,), add=((2, 0.5), (3, 0.25))).of(row).toarray()
        array([[0., 3., 4., 1.]], dtype=float32)
        """
        self.check(weights.shape[1])
        factors = np.ones(weights.shape[1], dtype=np.float32)
        for latent, factor in self.boost:
            factors[latent] = factor
        factors[list(self.mute)] = 0
        steered: Impacts = weights.copy()
        steered.data = steered.data * factors[steered.indices]
        if self.add:
            steered = steered + self._added(weights)
        steered.eliminate_zeros()
        steered.sort_indices()
        return steered

    def _added(self, weights: Impacts) -> Impacts:
        heaviest = weights.max(axis=1).toarray().reshape(-1, 1).astype(np.float32)
        heaviest[heaviest == 0] = 1
        one = np.zeros((1, weights.shape[1]), dtype=np.float32)
        for latent, weight in self.add:
            one[0, latent] = weight
        return csr_array(csr_array(heaviest) @ csr_array(one))


def _amounts(key: str, content: object) -> Amounts:
    if not isinstance(content, Mapping):
        raise ValueError(f"{key}={content!r}: give an object, latent to number")
    amounts = {}
    for name, amount in content.items():
        latent = _latent(key, name)
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not is_number or not LEAST <= amount <= MOST:
            raise ValueError(
                f"{key} of latent {latent} is {amount!r}: give a number from {LEAST} to {MOST:g}; "
                "mute takes a latent out"
            )
        if latent in amounts:
            _refuse_twice([latent, latent])
        amounts[latent] = float(amount)
    return tuple(sorted(amounts.items()))


def _latent(key: str, name: Any) -> int:  # noqa: ANN401  # JSON
    is_number = isinstance(name, int | np.integer) and not isinstance(name, bool)
    is_name = isinstance(name, str) and name.isdecimal() and name.isascii()
    if not (is_number or is_name) or int(name) < 0:
        raise ValueError(f"{key} names {name!r}: a latent is a number, at least 0")
    return int(name)


def _number(item: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{item!r}: {text!r} is no number") from None


def _refuse_twice(latents: Iterable[int | str]) -> None:
    named = [int(latent) for latent in latents]
    twice = next((latent for latent in named if named.count(latent) > 1), None)
    if twice is not None:
        raise ValueError(f"latent {twice} is named twice: boost it, mute it or add it, once")
