"""The connection that options, the environment and a file tell.

A secret never stands in an option, where a process list would show it.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit, urlunsplit

from ..errors import ConnectionSettingsError
from .connection import KINDS, Connection

Level: TypeAlias = Mapping[str, object]
"""Settings from one place, by name."""

PREFIX = "SPLARE_"
SECRETS = ("password", "api_key", "bearer_token")
CREDENTIALS = ("user", *SECRETS, "aws_region", "aws_service")


def find_connection(
    options: Level | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    prefix: str = PREFIX,
) -> Connection:
    """Return the connection that options tell, or else the environment, or else a file.

    The environment has a variable for each setting, such as `SPLARE_PASSWORD` or
    `SPLARE_PASSWORD_FILE`. The file is TOML, at `connection` among the options, at
    `SPLARE_CONNECTION`, or, unless `prefix` is another, the one of the user. Who is asking is told
    by one of the three, whole, and to no other address than it has beside it. `ValueError` for
    settings that cannot be, `ConnectionSettingsError` for files that cannot be read.
    """
    environment = os.environ if environment is None else environment
    given = (options or {}).items()
    told = {name: value for name, value in given if value not in (None, (), False)}
    for name in ("url", "proxy"):
        if any("@" in url for url in _urls(told.get(name))):
            raise ValueError(
                f"{name}: an address with user and password is given as an option, where others "
                f"see it: give it by {prefix}{name.upper()}, or in the connection file"
            )
    names = (*_names(), *(f"{name}_file" for name in SECRETS))
    around = {
        name: value
        for name in names
        if (value := environment.get(prefix + name.upper(), "")).strip("\r\n")
    }
    path = told.pop("connection", None) or environment.get(f"{prefix}CONNECTION")
    file = path or (_default_file(environment) if prefix == PREFIX else None)
    last = _of_file(Path(str(file)), is_named=bool(path)) if file else {}
    return _merged([_read(level) for level in (told, around, last)])


def _names() -> tuple[str, ...]:
    renamed = {"urls": "url", "is_insecure": "insecure"}
    return tuple(renamed.get(one.name, one.name) for one in fields(Connection))


def _default_file(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "splare-os" / "connection.toml"


def _of_file(file: Path, *, is_named: bool) -> dict[str, object]:
    """Return the settings of a file; one that nobody has named may be missing."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        mode = file.stat().st_mode
    except FileNotFoundError as error:
        if not is_named:
            return {}
        raise ConnectionSettingsError(f"connection file {file}: no such file") from error
    except (OSError, ValueError) as error:
        raise ConnectionSettingsError(f"connection file {file}: cannot be read: {error}") from error
    known = {*_names(), *(f"{name}_file" for name in SECRETS)}
    if unknown := sorted(content.keys() - known):
        raise ConnectionSettingsError(
            f"connection file {file}: {', '.join(unknown)} unknown; known are "
            f"{', '.join(sorted(known))}"
        )
    is_login = any("@" in str(content.get(name)) for name in ("url", "proxy"))
    has_secret = is_login or any(name in content for name in SECRETS)
    if has_secret and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConnectionSettingsError(
            f"connection file {file} holds a secret, and others may read it: chmod 600 {file}"
        )
    return content


def _read(level: Level) -> dict[str, object]:
    """Return settings with the secrets of files in them, and those of addresses on their own."""
    found = {name: _one_line(value) for name, value in level.items()}
    _check_logins(found)
    for name in SECRETS:
        path = found.pop(f"{name}_file", None)
        if path is not None:
            if name in found:
                raise ValueError(f"{name} and {name}_file are given: choose one")
            found[name] = _secret(name, Path(str(path)))
    if "insecure" in found:
        found["is_insecure"] = str(found.pop("insecure")).lower() in {"1", "true", "yes", "on"}
    if "url" in found:
        found["urls"], login = _without_login(_urls(found.pop("url")))
        found = login | found
    return found


def _one_line(value: object) -> object:
    """Return a setting without the line end behind it, as $(cat FILE) does."""
    return value.rstrip("\r\n") if isinstance(value, str) else value


def _check_logins(level: Level) -> None:
    """Raise `ValueError` for a login that ends an address before its host: errors would show it."""
    for name in ("url", "proxy"):
        for address in _urls(level.get(name)):
            if "@" in address and "@" not in urlsplit(address).netloc:
                raise ValueError(
                    f"{name}: its user or password has a '/', '?' or '#': write %2F, %3F or %23"
                )


def _secret(name: str, path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectionSettingsError(f"{name}_file {path}: cannot be read: {error}") from error
    if not secret:
        raise ConnectionSettingsError(f"{name}_file {path}: it is empty")
    return secret


def _urls(told: object) -> tuple[str, ...]:
    """Return the addresses of one string, separated by commas, or of several."""
    parts = (told,) if isinstance(told, str) else told if isinstance(told, list | tuple) else ()
    return tuple(url.strip() for part in parts for url in str(part).split(",") if url.strip())


def _without_login(urls: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, object]]:
    """Return addresses without user and password, and those of the first that has some."""
    found: list[str] = []
    login: dict[str, object] = {}
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(
                f"address {url.rpartition('@')[2]!r}: give one such as https://localhost:9200"
            )
        if parts.username and not login:
            login = {"user": unquote(parts.username), "password": unquote(parts.password or "")}
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        found.append(urlunsplit(bare).rstrip("/"))  # one address, however it is written
    return tuple(found), login


def _merged(levels: list[dict[str, object]]) -> Connection:
    """Return the connection of levels, the first of which that has a setting tells it."""
    merged: dict[str, Any] = {}
    for level in levels:
        has_own = any(merged.get(name) for name in KINDS)
        urls = merged.get("urls")
        is_elsewhere = urls is not None and level.get("urls", urls) != urls
        for name, value in level.items():
            # a password may come from the environment for a user who is told by an option
            is_others = is_elsewhere or (has_own and not _completes(merged, name))
            if name not in merged and not (name in CREDENTIALS and is_others):
                merged[name] = value
    return Connection(**merged)


def _completes(merged: Mapping[str, object], name: str) -> bool:
    return (name == "password" and bool(merged.get("user"))) or name == "aws_service"
