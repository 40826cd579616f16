"""The commands of docs/native.md, run as they stand there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from tests.serve.serving import Server

from .test_failures import FAILURES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "native.md").read_text(encoding="utf-8")


def test_every_failure_of_the_table_is_tested() -> None:
    rows = re.findall(r"^\| (.+?) \| (dead letter|stored) \| (.+?) \|$", TEXT, re.MULTILINE)
    told = [(name, one.becomes, str(one.status or "an error")) for name, one in FAILURES.items()]
    assert rows == told


@pytest.mark.slow
@pytest.mark.opensearch
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_alone_writes_and_searches(
    ml_client: OpenSearch, ml_url: str, mini_server: Server
) -> None:
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
    here = str(Path(sys.executable).parent)
    told = {
        "SPLARE_URL": ml_url,
        "SPLARE_SERVER_URL": mini_server.url,
        "PATH": f"{here}:/usr/bin:/bin",
    }
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", commands], cwd=ROOT, env=told, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r'"hits":\[\{[^]]*?"title":"Black Tuesday"', done.stdout)
    assert '{"indexed": 0, "dead": 0}' in done.stdout
    ours = ml_client.get(index="native-notes", id="2")["_source"]["text_splare"]
    assert ours["count"] == len(ours["impacts"]) > 0
