"""Secrets stay out of what commands say, log and keep, and out of the process list."""

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.cli.running import run
from tests.connection.gateway import Gateway

pytestmark = pytest.mark.opensearch

SECRET = "hunter2-swordfish"
BASIC = b64encode(f"ada:{SECRET}".encode()).decode()
TELLING = (SECRET, BASIC)

CASES = {
    "password": ({"SPLARE_USER": "ada", "SPLARE_PASSWORD": SECRET}, []),
    "address": ({"SPLARE_URL": f"http://ada:{SECRET}@HOST"}, []),
    "api key in a file": ({}, ["--api-key-file", "SECRET_FILE"]),
    "token": ({"SPLARE_BEARER_TOKEN": SECRET}, []),
    "settings": ({"SPLARE_CONNECTION": "TOML"}, []),
    "several addresses": ({"SPLARE_URL": f"http://127.0.0.1:9,http://ada:{SECRET}@HOST"}, []),
    "proxy": (
        {"SPLARE_URL": "http://search.example", "SPLARE_PROXY": f"http://ada:{SECRET}@HOST"},
        [],
    ),
    "AWS": (
        {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET},
        ["--aws-region", "eu-central-1"],
    ),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "c.toml").write_text(f'user = "ada"\npassword = "{SECRET}"\n')
    (tmp_path / "c.toml").chmod(0o600)
    lines = [{"_id": "a", "text": "oil"}, {"_id": "b", "text": 5}]
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def is_ours(_: str, __: str, headers: dict[str, str], ___: bytes) -> bool:
    told = headers.get("authorization", "") + headers.get("proxy-authorization", "")
    return any(known in told for known in (*TELLING, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"))


def said(arguments: list[str], environment: dict[str, str], place: Path) -> str:
    """Return all that a command says and leaves, and how the process list shows it."""
    command = [sys.executable, "-m", "splare_os", "-v", *arguments]
    around = (
        os.environ | {"XDG_STATE_HOME": str(place / "state"), "PYTHONDEVMODE": "0"} | environment
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=around, text=True, **pipes) as process:
        time.sleep(0.5)
        listed = Path(f"/proc/{process.pid}/cmdline").read_text()
        told, _ = process.communicate(timeout=120)
    kept = [path.read_bytes().decode(errors="replace") for path in (place / "state").rglob("*.*")]
    assert "splare_os" in listed
    return "\n".join([listed, told, *kept])


QUICK = {"password"}


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES],
)
def test_secrets_are_used_and_shown_nowhere(
    model: str, cluster_url: str, client: OpenSearch, index: str, place: Path, name: str
) -> None:
    with Gateway(cluster_url, is_ours) as gateway:
        environment, more = CASES[name]
        named = {"HOST": gateway.url.partition("//")[2], "TOML": str(place / "c.toml")}
        for word, value in named.items():
            environment = {key: text.replace(word, value) for key, text in environment.items()}
        options = [place / "secret" if one == "SECRET_FILE" else one for one in more]
        options += [] if "SPLARE_URL" in environment else ["--url", gateway.url]
        arguments = ["--index", index, "--model", model, *map(str, options)]
        done = said(["index", str(place / "docs.jsonl"), *arguments], environment, place)
    assert '"indexed": 1' in done
    assert any(is_ours("", "", headers, b"") for headers in gateway.seen)
    failed = said(["search", "oil", *arguments], environment, place)  # the gateway is gone
    assert "Error: " in failed
    for secret in TELLING:
        assert secret not in done + failed


def test_a_password_is_no_option(cluster_url: str) -> None:
    refused = run("search", "oil", "--index", "i", "--url", f"http://ada:{SECRET}@localhost")
    assert (refused.exit_code, SECRET in refused.stderr) == (2, False)
    assert "where others see it" in refused.stderr
    unknown = run("search", "oil", "--index", "i", "--url", cluster_url, "--password", SECRET)
    assert (unknown.exit_code, "No such option" in unknown.stderr) == (2, True)
