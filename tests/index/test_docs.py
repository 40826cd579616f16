"""The commands of docs/indexing.md, run as they stand there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from splare_os.connection import TRANSIENT
from splare_os.documents import Fields
from splare_os.documents.document import MAX_ID_BYTES, MAX_LINE_BYTES
from splare_os.index import STATUSES
from splare_os.index.sender import ALIKE, FAULTS, SPLIT
from splare_os.layout import find_impacts
from tests.hashing import HashEncoder

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "indexing.md").read_text()


def test_every_outcome_is_documented():
    assert re.findall(r"^\| `(\w+)` \| [^`|]+ \|$", TEXT, re.MULTILINE) == list(STATUSES)


def test_limits_are_those_of_the_code():
    assert f"longer than {MAX_ID_BYTES} bytes" in TEXT
    assert f"longer than {MAX_LINE_BYTES // 2**20} MiB" in TEXT


def test_statuses_are_those_of_the_code():
    text = " ".join(TEXT.split())
    assert f"(statuses {' and '.join(map(str, sorted(SPLIT)))}), or that fails three times" in text
    assert FAULTS == 3
    few = sorted(status for status in TRANSIENT - {500} if status < 520)
    told = f"(statuses {', '.join(map(str, few))}, 520 to {max(TRANSIENT)}, a proxy's page"
    assert told in text
    assert ALIKE == 16
    assert "When sixteen documents or more" in text


@pytest.mark.opensearch
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_json_files_need_curl_alone(client, cluster_url):
    client.indices.delete(index="splare-notes", params={"ignore_unavailable": "true"})
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
    assert commands.count("curl") == 7
    environment = {"SPLARE_URL": cluster_url, "PATH": "/usr/bin:/bin"}
    try:
        subprocess.run(
            ["/bin/sh", "-e", "-c", commands], cwd=ROOT, env=environment, check=True, timeout=60
        )
        ours = client.get(index="splare-notes", id="1")["_source"]["text_splare"]
        assert ours == {
            "impacts": {"17": 1.25, "4213": 0.5},
            "latents": ["17", "4213"],
            "count": 2,
            "length": 1.75,
        }
        query = {"query": {"rank_feature": {"field": "text_splare.impacts.17", "linear": {}}}}
        [hit] = client.search(index="splare-notes", body=query)["hits"]["hits"]
        assert hit["_score"] == 1.25
        find_impacts(client, "splare-notes", Fields(), HashEncoder(8192))
    finally:
        client.indices.delete(index="splare-notes", params={"ignore_unavailable": "true"})
        client.indices.delete_index_template(name="splare")
