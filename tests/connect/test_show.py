import subprocess
from dataclasses import replace

import orjson

from splare_os.connect.bodies import Route, connector_body, ingest_body
from splare_os.connect.show import curl_commands
from splare_os.layout.records import FieldRecord

RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("text",))
ROUTE = Route("facts", "text_splare", RECORD, "http://models:8080")
FAKE = """curl() {
  while [ $# -gt 0 ]; do case "$1" in -d) printf '%s\\n' "$2" >&2;; esac; shift; done
  printf '{"connector_id":"c1","model_group_id":"g1","task_id":"t","model_id":"m1"}'
}
"""


def test_a_shell_sends_the_bodies_that_connect_sends() -> None:
    commands = list(curl_commands(ROUTE, {}, token="s3cret"))
    assert not any("s3cret" in one for one in commands)
    script = FAKE + "\n".join(commands)
    told = {
        "SPLARE_URL": "http://c",
        "SPLARE_SERVER_BEARER_TOKEN": "s3cret",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script], env=told, check=True, capture_output=True, text=True
    )
    bodies = [orjson.loads(line) for line in done.stderr.strip().split("\n")]
    assert bodies[1] == connector_body(ROUTE, "document", "s3cret")
    assert (bodies[2]["connector_id"], bodies[2]["model_group_id"]) == ("c1", "g1")
    assert ingest_body(ROUTE, "m1") in bodies


def test_a_name_is_no_word_of_the_shell() -> None:
    commands = curl_commands(replace(ROUTE, index="a$(id)`id`"), {}, token=None)
    last = list(commands)[-1]
    assert '"$SPLARE_URL/a%24%28id%29%60id%60/_settings"' in last
