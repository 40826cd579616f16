import json
import shlex
import shutil
import subprocess

import pytest

from splare_os.explore import Place
from splare_os.explore.requests import curl, noted, searches
from splare_os.search import Hybrid, SearchOptions, search
from splare_os.search.request.request import Request


def test_a_command_is_one_line_of_a_shell_whatever_the_query() -> None:
    text = 'it\'s $(rm -rf ~) `id` "x"\n; echo ö'
    body = {"query": {"match": {"text": text}}}
    request = Request("POST", "/papers/_search", {"body": body, "params": {"a": "b c"}})
    words = shlex.split(curl(request, "https://ada:secret@es.example:9200/sub/"))
    assert words[4] == "https://es.example:9200/sub/papers/_search?a=b+c"
    assert json.loads(words[-1]) == body
    assert "secret" not in " ".join(words)


@pytest.mark.opensearch
@pytest.mark.parametrize("hybrid", [None, Hybrid()])
def test_curl_gets_what_the_search_got(place: Place, hybrid: Hybrid | None) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    with noted() as sent:
        options = SearchOptions(hybrid=hybrid)
        hits = search(place.client, place.encoder, place.index, "oil's prices", options)
    command = curl(searches(sent, place.index)[-1], place.address)
    done = subprocess.run(command, shell=True, check=True, capture_output=True)
    found = json.loads(done.stdout)["hits"]["hits"]
    assert {hit["_id"] for hit in found} == {hit.id for hit in hits}
    assert len(searches(sent, place.index)) == (1 if hybrid is None else 2)


@pytest.mark.opensearch
def test_what_others_send_is_not_noted(place: Place) -> None:
    with noted() as sent:
        with noted() as inner:
            place.client.count(index=place.index)
        place.client.info()
    assert [one.url for one in inner] == ["/explored/_count"]
    assert [one.url for one in sent] == ["/"]
