from hashlib import sha256

import orjson
import pytest

from splare_os.connect.bodies import (
    Route,
    connector_body,
    digest_prefix,
    index_settings,
    ingest_body,
    search_body,
)
from splare_os.layout.field import digest
from splare_os.layout.records import FieldRecord
from splare_os.scoring import Saturation

RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("title", "text"), Saturation())
ROUTE = Route("facts", "text_splare", RECORD, "http://models:8080/")


def test_a_connector_asks_for_one_model_and_one_field() -> None:
    body = connector_body(ROUTE, "query", None)
    (action,) = body["actions"]
    assert action["url"] == "http://models:8080/native/queries"
    assert action["headers"]["splare-fingerprint"] == RECORD.fingerprint
    asked = orjson.loads(action["request_body"].replace("${parameters.input}", '["ants"]'))
    assert asked == {"texts": ["ants"], "index": "facts", "field": "text"}


def test_a_token_is_in_the_credential_alone() -> None:
    body = connector_body(ROUTE, "document", "s3cret")
    assert body["credential"]["token"] == "s3cret"
    assert orjson.dumps(body).count(b"s3cret") == 1
    headers = body["actions"][0]["headers"]
    assert headers["Authorization"] == "Bearer ${credential.token}"
    assert "Authorization" not in connector_body(ROUTE, "document", None)["actions"][0]["headers"]


def test_another_token_is_another_description() -> None:
    made = {connector_body(ROUTE, "document", one)["description"] for one in (None, "a", "b", "a")}
    assert len(made) == 3


@pytest.mark.parametrize("saturation", [None, Saturation(0.7, 0.4, 91.25)])
def test_a_digest_is_the_workers(saturation: Saturation | None) -> None:
    record = FieldRecord("hash", "0123456789abcdef", 512, 200, ("text",), saturation)
    prefix = digest_prefix(record)
    plain = digest("ants", record.fingerprint, 200, saturation)
    assert sha256((prefix + "ants").encode()).hexdigest()[:16] == plain


def test_the_pipelines_are_those_of_a_route() -> None:
    texts, model, store = (
        next(iter(one.values())) for one in ingest_body(ROUTE, "m1")["processors"]
    )
    assert (texts["params"]["title_field"], texts["params"]["text_field"]) == ("title", "text")
    assert (model["model_id"], model["batch_size"]) == ("m1", 100)
    assert store["params"]["field"] == "text_splare"
    assert search_body("m2")["request_processors"] == [
        {"neural_query_enricher": {"tag": "splare-query-model", "default_model_id": "m2"}}
    ]
    assert set(index_settings(ROUTE).values()) == {"splare-facts-text_splare"}


def test_blanks_are_those_that_python_strips() -> None:
    blanks = ingest_body(ROUTE, "m1")["processors"][0]["script"]["params"]["blanks"]
    assert f"{blanks}ants{blanks}".strip() == "ants"
    assert set(blanks) == {chr(n) for n in range(0x110000) if chr(n).isspace()}
