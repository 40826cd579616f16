"""Merging of a real index, asked for until it is done."""

import time

import pytest

from splare_os.index.actions import Target
from splare_os.index.handle import IndexHandle
from splare_os.index.merging import merge
from splare_os.index.patience import Patience
from splare_os.layout import DocumentCut


class Stop:
    """An event that is never set; `waits` counts who waited for it."""

    waits = 0

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        time.sleep(min(seconds, 0.05))
        return False

    def is_set(self) -> bool:
        return False


@pytest.mark.opensearch
def test_segments_become_as_few_as_asked_for(client, index):
    client.indices.create(index=index, body={"settings": {"number_of_shards": 1}})
    for k in range(6):
        client.index(index=index, id=str(k), body={"text": "x"}, refresh=True)

    def n_segments() -> int:
        (shard,) = client.indices.segments(index=index)["indices"][index]["shards"].values()
        return len([one for one in shard[0]["segments"].values() if one["search"]])

    assert n_segments() > 1
    target = Target(index, "text_splare", "f" * 16, DocumentCut(400))
    merge(IndexHandle(client, index, target, Patience(), Stop()), 1)
    client.indices.refresh(index=index)
    assert n_segments() == 1
