from threading import Event

import pytest

from splare_os.index.patience import Patience
from splare_os.index.refreshing import refresh_at_end


@pytest.mark.opensearch
def test_what_was_written_is_found_and_what_cannot_be_refreshed_is_told(client, index, caplog):
    client.indices.create(index=index, body={"settings": {"refresh_interval": -1}})
    client.index(index=index, id="a", body={"text": "ants"})
    refresh_at_end(client, index, Patience(tries=1), Event())
    assert (client.count(index=index)["count"], caplog.messages) == (1, [])
    refresh_at_end(client, f"{index}-gone", Patience(tries=1), Event())
    assert f"index={index}-gone is not refreshed: " in caplog.text
