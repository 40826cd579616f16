"""Steering by name: profiles in a TOML or JSON file, or a mapping, read and checked as a whole.

fingerprint = "6fa1b3d0c2e49587"    # of the model whose latents these are

[profiles.news]
boost = {"1907" = 2}
mute = [12]
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ...encoder import Encoder
from ...errors import SteeringError
from ...paths import StrPath
from ...steering import Steering

VARIABLE = "SPLARE_STEERING"
"""Where the file of a client is, if it is not given one."""

KEYS = {"fingerprint", "profiles"}

Source: TypeAlias = StrPath | Mapping[str, Any]
"""A file, or what stands in one."""


@dataclass(frozen=True)
class Profiles:
    """Steerings by name, for the model of one `fingerprint`; `where` tells people their source."""

    fingerprint: str = ""
    steerings: Mapping[str, Steering] = field(default_factory=dict)
    where: str = "steering"

    def check(self, encoder: Encoder) -> None:
        """Raise `SteeringError` unless all of them name latents of this model."""
        if not self.steerings:
            return
        if self.fingerprint != encoder.fingerprint:
            raise SteeringError(
                f"{self.where}: these profiles are for the model of fingerprint "
                f"{self.fingerprint}, the one at hand is {encoder.name!r} (fingerprint "
                f"{encoder.fingerprint}), whose latents mean other things: write them anew for it"
            )
        for name, steering in self.steerings.items():
            try:
                steering.check(encoder.n_latents)
            except ValueError as error:
                raise SteeringError(f"{self.where}, profile {name!r}: {error}") from error

    def named(self, name: str, encoder: Encoder) -> Steering:
        """Return the profile `name`; `ValueError` if there is none, `SteeringError` as `check`."""
        if name not in self.steerings:
            known = ", ".join(sorted(self.steerings)) or "none"
            raise ValueError(
                f"steer={name!r}: there is no such profile; known are {known} (a client's "
                f"steering, or a file at ${VARIABLE})"
            )
        self.check(encoder)
        return self.steerings[name]


def read_profiles(source: Source | None = None) -> Profiles:
    """Return the profiles in a file or a mapping; by default in the file at `$SPLARE_STEERING`.

    None at all where there is neither. `SteeringError` for a file that is missing or broken,
    `ValueError` for a mapping that is.
    """
    if isinstance(source, Mapping):
        return _parsed(source, "steering") if source else Profiles()
    path = source or os.environ.get(VARIABLE)
    if not path:
        return Profiles()
    where = f"steering file {path}"
    try:
        return _parsed(_content(Path(path)), where)
    except OSError as error:
        raise SteeringError(f"{where} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        told = str(error).removeprefix(f"{where}: ")
        raise SteeringError(f"{where}: {told}") from error


def _content(path: Path) -> object:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)


def _parsed(content: object, where: str) -> Profiles:
    if not isinstance(content, Mapping) or content.keys() != KEYS:
        keys = sorted(content) if isinstance(content, Mapping) else content
        raise ValueError(f"{where}: it has {keys!r}, and has to have {sorted(KEYS)}")
    fingerprint, profiles = content["fingerprint"], content["profiles"]
    if not isinstance(fingerprint, str) or not fingerprint:
        raise ValueError(f"{where}: fingerprint {fingerprint!r} is not that of a model")
    if not isinstance(profiles, Mapping):
        raise ValueError(f"{where}: profiles {profiles!r} has to be an object, by name")
    return Profiles(fingerprint, {name: _profile(name, profiles[name], where) for name in profiles})


def _profile(name: str, content: object, where: str) -> Steering:
    try:
        return Steering.parse(content)
    except ValueError as error:
        raise ValueError(f"{where}: profile {name!r}: {error}") from error
