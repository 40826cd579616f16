"""Options that steer a search: latents by hand or by profile, and examples to be like."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .options import added

if TYPE_CHECKING:
    from ..encoder import Encoder
    from ..search import Examples, Profiles, SearchOptions, Steering

C = TypeVar("C", bound=Callable[..., None])

PROFILE, DOCUMENT = "@", "id:"


def steering_options(command: C) -> C:
    """Add the options that steer a search; `Steered.read` reads them."""
    return added(
        command,
        click.option(
            "--steer",
            help="Latents, by comma: N=F boosts N, -N mutes it, +N or +N=W adds it (1: as heavy as "
            "the query's heaviest); or @NAME, a profile.",
        ),
        click.option(
            "--steering",
            type=click.Path(exists=True, dir_okay=False),
            envvar="SPLARE_STEERING",
            help="TOML or JSON file of profiles ($SPLARE_STEERING).",
        ),
        click.option(
            "--like",
            multiple=True,
            help="More like this: a text, id:ID of a document, or JSON as in a clause.",
        ),
        click.option("--unlike", multiple=True, help="Less like this, likewise."),
    )


@dataclass(frozen=True)
class Steered:
    """What the options say, read before a model is loaded; `steer` may be a profile's name."""

    query: str
    steer: "Steering | str | None"
    profiles: "Profiles"
    examples: "Examples"

    @classmethod
    def read(cls, chosen: Mapping[str, Any], query: str | None) -> "Steered":
        """Return what the options say; `ValueError` or `SteeringError` if that makes no sense.

        Only who has something to be like may leave the query out.
        """
        from ..search import Examples, Steering, read_profiles

        text = chosen["steer"]
        by_name = text is not None and text.startswith(PROFILE)
        steer = None if text is None else text[1:] if by_name else Steering.read(text)
        profiles = read_profiles(chosen["steering"] if by_name else {})
        examples = {name: _examples(chosen[name]) for name in ("like", "unlike")}
        if not (query or "").strip() and not examples["like"]:
            what = "Missing argument 'QUERY'" if query is None else f"QUERY {query!r} has no words"
            raise click.UsageError(f"{what}: give one, or --like")
        return cls(query or "", steer, profiles, Examples.parse(examples))

    def options(self, plain: "SearchOptions", encoder: "Encoder") -> "SearchOptions":
        """Return options that steer too; a profile has to be of this encoder's model."""
        steer = self.steer
        if isinstance(steer, str):
            steer = self.profiles.named(steer, encoder)
        elif steer is not None:
            steer.check(encoder.n_latents)
        return replace(plain, steer=steer, examples=self.examples)


def _examples(values: Sequence[str]) -> list[object]:
    return [_example(value) for value in values]


def _example(value: str) -> object:
    if value.startswith(DOCUMENT):
        return {"_id": value.removeprefix(DOCUMENT)}
    if not value.startswith(("{", '"')):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"{value!r} begins like JSON, and is none: {error}") from error
