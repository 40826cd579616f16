"""One cluster: the addresses of its nodes, who asks it, and how it is reached."""

import re
from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("user", "api_key", "bearer_token", "aws_region")
"""Settings of which one at most says who is asking."""

TOKENS = ("api_key", "bearer_token")
"""Settings that are sent in a header as they are."""

PATHS = ("ca_certs", "client_cert", "client_key")
AWS_SERVICES = ("es", "aoss")


@dataclass(frozen=True)
class Connection:
    """A cluster: the addresses of its nodes, who asks it, and how it is reached.

    At most one of `user` (with `password`), `api_key`, `bearer_token` and `aws_region` is set; with
    the last, requests are signed for `aws_service`, by credentials that boto3 finds. `is_insecure`:
    certificates are not checked.
    """

    urls: tuple[str, ...] = ()
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    bearer_token: str | None = field(default=None, repr=False)
    aws_region: str | None = None
    aws_service: str = "es"
    ca_certs: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    is_insecure: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other, and files that are not there."""
        kinds = [name for name in KINDS if getattr(self, name)]
        if len(kinds) > 1:
            raise ValueError(f"{' and '.join(kinds)} are given: one says who is asking, choose it")
        if self.password and not self.user:
            raise ValueError("a password is given, and no user that it is of")
        for name in TOKENS:
            if not re.fullmatch(r"[!-~]*", getattr(self, name) or ""):
                raise ValueError(
                    f"{name}: it has a blank, a line end or a character beyond ASCII, which no "
                    "token has; is it copied whole, and alone?"
                )
        if self.aws_service not in AWS_SERVICES:
            raise ValueError(
                f"aws_service={self.aws_service!r}: choose one of {', '.join(AWS_SERVICES)}"
            )
        if self.client_key and not self.client_cert:
            raise ValueError(f"client_key {self.client_key} is given, and no client_cert")
        if self.is_insecure and self.ca_certs:
            raise ValueError("ca_certs and insecure are given: certificates are checked, or not")
        for name in PATHS:
            if (path := getattr(self, name)) and not Path(path).is_file():
                raise ValueError(f"{name} {path}: no such file")

    @property
    def address(self) -> str:
        """The addresses, for people."""
        return ", ".join(self.urls)
