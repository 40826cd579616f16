"""Rewrite rules from a file, which the client or the environment names; read whole, or refused."""

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from ...errors import RulesError
from ...paths import StrPath
from .rule import LogOptions, Rule, Rules

VARIABLE = "SPLARE_RULES"
"""Names the file where the client names none."""

FORMATS: Mapping[str, Callable[[str], Any]] = {".toml": tomllib.loads, ".json": json.loads}

T = TypeVar("T", Rule, LogOptions)

Source: TypeAlias = Rules | StrPath | None
"""What a client is given as `rules`."""


def find_rules(source: Source, environment: Mapping[str, str] | None = None) -> Rules:
    """Return the rules themselves, those of a file, or of the file that the environment names.

    Without any of these there are none. `RulesError` for a file that cannot be read or used.
    """
    if isinstance(source, Rules):
        return source
    path = source or (os.environ if environment is None else environment).get(VARIABLE)
    return read_rules(Path(path)) if path else Rules()


def read_rules(path: Path) -> Rules:
    """Return the rules of a TOML or JSON file; `RulesError` names the key that is wrong.

    A path in the file is relative to the folder of the file.
    """
    where = f"rules file {path}"
    if path.suffix not in FORMATS:
        raise RulesError(f"{where}: its name has to end in {' or '.join(FORMATS)}")
    try:
        content = FORMATS[path.suffix](path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RulesError(f"{where}: cannot be read: {error}") from error
    return _parse(content, where, path.parent)


def _parse(content: object, where: str, folder: Path) -> Rules:
    if not isinstance(content, Mapping):
        raise RulesError(f"{where}: it holds no object with the keys rules and log")
    _check_keys(content, {"rules", "log"}, {"rules"}, where)
    listed, log = content["rules"], content.get("log", {})
    if not isinstance(listed, list) or not listed:
        raise RulesError(f"{where}: rules={listed!r}: give a list of at least one rule")
    rules = tuple(_read(Rule, one, f"{where}: rules[{n}]") for n, one in enumerate(listed))
    if isinstance(log, Mapping) and "path" in log:
        if not isinstance(log["path"], str) or not log["path"]:
            raise RulesError(f"{where}: log: path={log['path']!r}: give the path of a file")
        log = {**log, "path": folder / log["path"]}
    options = _read(LogOptions, log, f"{where}: log")
    try:
        return Rules(rules, options)
    except ValueError as error:
        raise RulesError(f"{where}: rules: {error}") from error


def _read(kind: type[T], told: object, where: str) -> T:
    """Return what the keys of an object tell, lists as tuples."""
    if not isinstance(told, Mapping):
        raise RulesError(f"{where}: {told!r} is no object with keys")
    known = {one.name for one in fields(kind)}
    _check_keys(told, known, {one.name for one in fields(kind) if one.default is MISSING}, where)
    given: dict[str, Any] = {
        key: tuple(one) if isinstance(one, list) else one for key, one in told.items()
    }
    try:
        return kind(**given)
    except ValueError as error:
        raise RulesError(f"{where}: {error}") from error


def _check_keys(told: Mapping[str, object], known: set[str], needed: set[str], where: str) -> None:
    if unknown := sorted(told.keys() - known):
        raise RulesError(
            f"{where}: {', '.join(unknown)} unknown; known are {', '.join(sorted(known))}"
        )
    if missing := sorted(needed - told.keys()):
        raise RulesError(f"{where}: {', '.join(missing)} missing")
