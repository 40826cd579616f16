"""A real Ray cluster on this machine; one of its workers is killed on the way."""

import json
import os
import signal
from pathlib import Path

import pytest

from splare_os.documents.encoded import encoded_files
from splare_os.encode import SplareEncoder
from splare_os.encode.on_ray import RayOptions, encode_on_ray
from splare_os.encode.stored import StoreOptions, encode_to
from splare_os.errors import JobError

pytestmark = pytest.mark.slow

N_DOCUMENTS, SIZE = 600, 20


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(path.parent.name), *children(int(path.parent.name))]
    return found


def actors() -> list[int]:
    """The processes of this cluster's actors."""
    names = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(os.getpid())}
    return [pid for pid, name in names.items() if name.startswith(b"ray::MapWorker")]


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, but for what a killed writer had not put in place."""
    whole = (path for path in folder.iterdir() if path.suffix != ".new")
    return {path.name: path.read_bytes() for path in whole}


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path in paths:
        documents = [
            {"_id": f"{path.stem}{k}", "text": f"oil {k} price war"} for k in range(N_DOCUMENTS)
        ]
        path.write_text("".join(json.dumps(document) + "\n" for document in documents) + "{\n")
    return [str(path) for path in paths]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_killed_actors_lose_nothing_and_nothing_is_there_twice(
    tiny: SplareEncoder, tiny_folder: Path, sources: list[str], tmp_path: Path
) -> None:
    options = StoreOptions(tmp_path / "ray", shard_documents=SIZE)
    killed, found = [], []
    chosen = RayOptions("local", actors=2, dtype="float32")
    for shard in encode_on_ray(str(tiny_folder), sources, options, chosen):
        found.append(shard)
        if len(found) in {1, 20}:
            for pid in actors()[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
    assert len(killed) == 2
    n_files = 2 * (N_DOCUMENTS // SIZE + 1)
    assert len({shard.path for shard in found}) == len(found) == n_files
    assert sum(shard.marker.dead for shard in found) == 2

    alone = StoreOptions(tmp_path / "alone", shard_documents=SIZE)
    list(encode_to(tiny, sources, alone))
    assert content(tmp_path / "ray") == content(tmp_path / "alone")
    assert len(encoded_files(tmp_path / "ray")) == n_files

    # what is there is kept
    (tmp_path / "ray" / "00001-00003.json").unlink()
    again = list(encode_on_ray(str(tiny_folder), sources, options, chosen))
    assert [shard.path.name for shard in again if shard.is_new] == ["00001-00003.impacts.parquet"]


def test_a_cluster_that_is_not_there_is_told(
    tiny_folder: Path, sources: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_connect_timeout_s", "1")
    with pytest.raises(JobError, match=r"no Ray cluster at 'auto'"):
        list(
            encode_on_ray(
                str(tiny_folder), sources, StoreOptions(tmp_path / "out"), RayOptions("auto")
            )
        )
