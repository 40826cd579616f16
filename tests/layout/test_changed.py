import pytest

from splare_os.documents.fields import Fields
from splare_os.layout import ensure_index
from tests.hashing import HashEncoder

BEFORE = Fields(text="body", title="name")


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Fields(text="body"), "'{title} {body}'"),
        (Fields(text="body", title=None), "'{body}'"),
        (Fields(text="body", template="{name}: {body}"), "'{name}: {body}'"),
        (BEFORE, None),
    ],
)
def test_that_impacts_are_made_of_other_fields_from_now_on_is_told_once(
    client, index, caplog, now, told
):
    ensure_index(client, index, HashEncoder(), BEFORE)
    for _ in range(2):
        ensure_index(client, index, HashEncoder(), now)
    warned = [one.getMessage() for one in caplog.records if one.name == "splare_os.layout.changed"]
    assert len(warned) == (told is not None)
    assert all(f"were made of '{{name}} {{body}}', and are made of {told}" in one for one in warned)
