"""Documents encoded by all machines of a Ray cluster, into a folder that all of them see.

Ray Data deals files out to readers and shards to actors, restarts those that are lost, and gives
their work to others; what is read and written is that of `stored`.
"""

import logging
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..documents.encoded import find_markers
from ..errors import JobError
from ..extras import require
from .load import load_encoder
from .stored import Shard, StoreOptions, Work, claim_folder, find_work, write_shard

if TYPE_CHECKING:
    from ray.data import Dataset

MOST_BLOCKS = 256
CORES_A_READER = 8


@dataclass(frozen=True)
class RayOptions:
    """Which cluster, how many actors, and where a model runs.

    `address` is one of `ray.init`: local (this machine alone), auto, HOST:PORT, ray://HOST:PORT.
    `actors` None: one for each GPU, or without any, one for each core.
    """

    address: str = "local"
    actors: int | None = None
    device: str | None = None
    dtype: str | None = None


def encode_on_ray(
    model: str, sources: Sequence[str], options: StoreOptions, chosen: RayOptions
) -> Iterator[Shard]:
    """Yield each file of the folder, once it is whole, in any order; errors as of `encode_to`.

    Sources, folder and model have to be found under their names by every machine. `JobError` if the
    cluster cannot be reached, or ends.
    """
    require("ray", f"encoding on the Ray cluster {chosen.address}")
    encoder = load_encoder(model, device="cpu", dtype=chosen.dtype)
    files = claim_folder(encoder, sources, options)
    options = replace(options, folder=options.folder.absolute())
    with _cluster(chosen.address):
        yield from _shards(_dataset(model, files, options, chosen))


def _dataset(
    model: str, files: Sequence[str], options: StoreOptions, chosen: RayOptions
) -> "Dataset":
    import ray

    # what is whole is looked up once: a reader that is run again has to give the same again
    items = [
        {"item": pickle.dumps((source, number, options, find_markers(options.folder, number)))}
        for number, source in enumerate(files)
    ]
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    n_gpus, n_cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
    on_gpu = chosen.device is None and n_gpus > 0 or (chosen.device or "").startswith("cuda")
    actors = chosen.actors or (n_gpus if on_gpu else n_cores)
    found = ray.data.from_items(items, override_num_blocks=min(len(items), MOST_BLOCKS))
    # reading is light beside encoding: it takes no core that an actor could have
    readers = ray.data.TaskPoolStrategy(size=max(1, n_cores // CORES_A_READER))
    read = found.map_batches(_read, batch_size=1, num_cpus=0, compute=readers)
    return read.map_batches(
        _Actor,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
        num_gpus=1 if on_gpu else None,
        num_cpus=None if on_gpu else 1,
        fn_constructor_args=(model, chosen.device, chosen.dtype),
    )


def _read(batch: dict[str, Any]) -> Iterator[dict[str, list[bytes]]]:
    """Yield what there is of each source in a batch, one by one."""
    for item in batch["item"]:
        for found in find_work(*pickle.loads(item)):
            if isinstance(found, Work):  # what was parsed is not needed any more
                documents = [replace(document, body=None) for document in found.documents]
                found = replace(found, documents=documents)  # noqa: PLW2901
            yield {"item": [pickle.dumps(found)]}


class _Actor:
    """A model on one of the machines."""

    def __init__(self, model: str, device: str | None, dtype: str | None) -> None:
        self._encoder = load_encoder(model, device=device, dtype=dtype)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Return the shards of works and shards."""
        found = [pickle.loads(item) for item in batch["item"]]
        shards = [
            write_shard(self._encoder, one) if isinstance(one, Work) else one for one in found
        ]
        return {"item": [pickle.dumps(shard) for shard in shards]}


def _shards(dataset: "Dataset") -> Iterator[Shard]:
    from ray.exceptions import RayError

    try:
        for row in dataset.iter_rows():
            yield pickle.loads(row["item"])
    except RayError as error:
        told = str(error).strip().splitlines()
        raise JobError(
            f"the Ray cluster gave up: {told[-1] if told else type(error).__name__}. What is whole "
            "is kept: run the same command again"
        ) from error


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    """Be connected to a Ray cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would call home
    import ray

    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise JobError(f"no Ray cluster at {address!r}: {error}") from error
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.target_max_block_size = 1  # each shard to the next actor, as soon as it is read
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield
    finally:
        ray.shutdown()
