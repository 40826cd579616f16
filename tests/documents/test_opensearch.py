import pytest

from splare_os.documents import opensearch
from splare_os.documents.files import file_state, hashed
from splare_os.documents.sources import find_sources, read_documents
from splare_os.errors import JobError, ReplyError

from .reading import FIELDS, read

N = 500


def test_credentials_stay_out_of_sources():
    with pytest.raises(ValueError, match="give user and password by SPLARE_SOURCE_USER") as caught:
        find_sources(["opensearch://ada:secret@localhost:9200/papers"])
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="name an index, such as opensearch://"):
        find_sources(["opensearch://localhost:9200/"])


def test_a_query_in_an_address_is_told_not_passed_over():
    with pytest.raises(ValueError, match=r"an index is read whole: leave \?q=lang:en out"):
        find_sources(["opensearch://localhost:9200/papers?q=lang:en"])


def test_a_cluster_that_does_not_answer_is_told():
    with pytest.raises(JobError, match="opensearch://127.0.0.1:9/papers: cannot be read"):
        find_sources(["opensearch://127.0.0.1:9/papers"])


def test_a_shard_that_cannot_be_read_whole_is_told(monkeypatch):
    def refused(*_: object) -> None:
        raise ReplyError("index 'papers': of its 2 shards only [1] are there")

    monkeypatch.setattr(opensearch, "find_shards", refused)
    with pytest.raises(JobError, match=r"papers: cannot be read: .* only \[1\] are there"):
        find_sources(["opensearch://127.0.0.1:9/papers"])


@pytest.fixture
def stored(client, index, cluster_url) -> str:
    """The URL of an index of three shards with documents, of which some were deleted or changed."""
    settings = {"number_of_shards": 3, "number_of_replicas": 0}
    meta = {"splare": {"text_splare": {}}}
    body = {"settings": settings, "mappings": {"_meta": meta}}
    client.indices.create(index=index, body=body)
    write(client, index, range(N))
    write(client, index, range(100))
    client.bulk(index=index, body=[{"delete": {"_id": f"d{k}"}} for k in range(0, N, 50)])
    return cluster_url.replace("http://", "opensearch://") + f"/{index}"


def write(client, index, numbers) -> None:
    lines = []
    for k in numbers:
        lines += [{"index": {"_id": f"d{k}"}}, {"text": f"ants {k}", "text_splare": {"count": 1}}]
    assert not client.bulk(index=index, body=lines)["errors"]


@pytest.mark.opensearch
def test_the_shards_of_an_index_hold_each_document_once(client, index, stored):
    sources = find_sources([stored])
    assert sources == [f"{stored}#{n}" for n in range(3)]
    assert find_sources(sources) == sources
    found = {document.id: document for source in sources for document in read(source)}
    assert found.keys() == {f"d{k}" for k in range(N) if k % 50}
    assert sum(len(read(source)) for source in sources) == len(found)
    assert found["d7"].body == {"text": "ants 7"}
    assert found["d7"].raw == b'{"text":"ants 7","_id":"d7"}'


@pytest.mark.opensearch
def test_reading_goes_on_after_any_write(client, index, stored):
    (source, *_) = find_sources([stored])
    whole = read(source)
    positions = [document.line for document in whole]
    assert positions == sorted(set(positions))
    for after in (0, 1, positions[3], positions[3] - 1, positions[-2], positions[-1], 10**6):
        assert read(source, after) == [each for each in whole if each.line > after]


@pytest.mark.opensearch
def test_what_is_written_after_a_position_is_found_behind_it(client, index, stored):
    sources = find_sources([stored])
    ends = {source: read(source)[-1].line for source in sources}
    states = {source: file_state(source) for source in sources}
    write(client, index, [7, 1000])
    new = [document.id for source in sources for document in read(source, ends[source])]
    assert sorted(new) == ["d1000", "d7"]
    assert states == {source: file_state(source) for source in sources}
    assert all(states.values())
    assert [hashed(state) for state in states.values()] == [*states.values()]


@pytest.mark.opensearch
def test_what_is_written_while_a_shard_is_read_is_left_for_the_next_time(client, index, stored):
    (source, *_) = find_sources([stored])
    n = len(read(source))
    documents = read_documents(source, FIELDS)
    found = [next(documents)]
    write(client, index, range(1000, 1100))
    client.indices.refresh(index=index)
    assert len(found + list(documents)) == n
    assert len(read(source)) > n


@pytest.mark.opensearch
def test_an_index_that_is_gone_is_told(client, index, stored):
    (source, *_) = find_sources([stored])
    client.indices.delete(index=index)
    for ask in (file_state, read):
        with pytest.raises(JobError, match="cannot be read: .*index_not_found"):
            ask(source)


@pytest.mark.opensearch
def test_an_index_made_anew_has_another_state(client, index, stored):
    (source, *_) = find_sources([stored])
    before = file_state(source)
    client.indices.delete(index=index)
    client.indices.create(index=index)
    assert file_state(source) != before
    with pytest.raises(JobError, match="no such shard; name the index alone"):
        read(f"{stored}#7")


@pytest.mark.opensearch
def test_an_alias_and_a_pattern_stand_for_their_indices(client, index, stored):
    client.indices.put_alias(index=index, name=f"{index}-alias")
    shards = opensearch.shards(stored)
    assert opensearch.shards(stored + "-alias") == shards
    assert opensearch.shards(f"{stored}*") == shards


@pytest.mark.opensearch
def test_what_an_index_keeps_and_no_line_may_hold_is_told(client, index, cluster_url):
    raw = {"type": "object", "enabled": False}
    body = {"settings": {"number_of_shards": 1}, "mappings": {"properties": {"raw": raw}}}
    client.indices.create(index=index, body=body)
    deep = "[" * 300 + "]" * 300
    for name, line in {
        "half": '{"text": "ants \\ud800"}',
        "large": f'{{"text": "ants", "raw": {{"n": {2**70}}}}}',
        "deep": f'{{"text": "ants", "raw": {{"n": {deep}}}}}',
    }.items():
        client.index(index=index, id=name, body=line.encode())
    (source,) = find_sources([cluster_url.replace("http://", "opensearch://") + f"/{index}"])
    half, large, deep = read(source)
    assert (half.id, half.raw) == ("half", b'{"text": "ants \\ud800", "_id": "half"}')
    assert "invalid JSON: no low surrogate" in half.reason
    assert (large.reason, large.body) == ("", {"text": "ants", "raw": {"n": 2.0**70}})
    assert (deep.id, deep.reason) == ("deep", "")


TEXT = {"properties": {"text": {"type": "text"}}}
OURS = {"_meta": {"splare": {"text_splare": {}}}}


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"mappings": TEXT}, ""),
        ({"mappings": OURS | {"_source": {"excludes": ["text_splare.impacts"]}}}, ""),
        ({"mappings": TEXT | {"_source": {"excludes": ["secret"]}}}, "in part (_source: "),
        ({"mappings": TEXT | {"_source": {"includes": ["te*"]}}}, "in part (_source: "),
        (
            {"mappings": TEXT, "settings": {"index.derived_source.enabled": True}},
            "derives documents from its fields (index.derived_source.enabled)",
        ),
    ],
)
def test_an_index_that_does_not_keep_what_was_written_is_told(
    client, cluster_url, index, body, said, caplog
):
    client.indices.create(index=index, body=body)
    find_sources([cluster_url.replace("http://", "opensearch://") + f"/{index}"])
    told = [one.getMessage() for one in caplog.records if one.name.startswith("splare_os")]
    assert len(told) == bool(said)
    assert said in "".join(told)
