import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from threading import Timer
from typing import Any

import numpy as np
import pytest

from splare_os.encode import ParallelEncoder, SplareEncoder
from splare_os.encoder import own_top_k
from splare_os.errors import EncoderError, EncoderLostError

TEXTS = ["the oil crisis", "", "price of oil, 1973", "war", "?" * 40, "oil " * 100] * 5


@pytest.fixture(scope="module")
def parallel(tiny_folder: Path) -> Iterator[ParallelEncoder]:
    with ParallelEncoder(tiny_folder, ["cpu", "cpu"], dtype="float32") as encoder:
        yield encoder


def test_two_processes_give_what_one_gives_in_the_same_order(
    parallel: ParallelEncoder, tiny: SplareEncoder
) -> None:
    assert (parallel.name, parallel.fingerprint) == (tiny.name, tiny.fingerprint)
    assert (parallel.n_latents, parallel.dtype) == (tiny.n_latents, "torch.float32")
    assert own_top_k(parallel) == own_top_k(tiny) == 400
    for ours, plain in (
        (parallel.encode_documents(TEXTS), tiny.encode_documents(TEXTS)),
        (parallel.encode_queries(TEXTS[:3]), tiny.encode_queries(TEXTS[:3])),
    ):
        np.testing.assert_allclose(ours.toarray(), plain.toarray(), atol=1e-5)
    assert parallel.spans(TEXTS) == tiny.spans(TEXTS)
    assert parallel.spans(TEXTS[:2], query=True) == tiny.spans(TEXTS[:2], query=True)


def test_no_texts_have_no_impacts(parallel: ParallelEncoder) -> None:
    assert parallel.encode_documents([]).shape == (0, 300)
    assert parallel.spans([]) == []


def killed(encoder: ParallelEncoder) -> None:
    """Kill one of an encoder's processes."""
    first = encoder._pool.processes[0]
    first.kill()
    first.join(10)


def stopped(encoder: ParallelEncoder) -> Callable[[], None]:
    """Stop an encoder's processes, and return what kills one of them."""
    first, *_ = processes = [one.pid for one in encoder._pool.processes if one.pid]
    for one in processes:
        os.kill(one, signal.SIGSTOP)
    return lambda: os.kill(first, signal.SIGKILL)


def test_a_process_that_is_killed_at_its_work_is_an_error_and_the_next_call_has_another(
    tiny_folder: Path, tiny: SplareEncoder
) -> None:
    with ParallelEncoder(tiny_folder, ["cpu"], dtype="float32") as encoder:
        timer = Timer(0.3, stopped(encoder))
        timer.start()
        with pytest.raises(EncoderLostError, match="has ended before its work"):
            encoder.encode_documents(TEXTS[:1])
        plain = tiny.encode_documents(TEXTS[:1])
        for _ in range(2):  # the second time it was killed while it had nothing to do
            again = encoder.encode_documents(TEXTS[:1])
            np.testing.assert_allclose(again.toarray(), plain.toarray(), atol=1e-5)
            killed(encoder)
    with pytest.raises(ValueError, match="this encoder is closed"):
        encoder.encode_documents(["the oil crisis"])


REPLIES = """
import os, sys
from splare_os.encode import ParallelEncoder
from splare_os.errors import EncoderLostError

if __name__ == "__main__":
    encoder = ParallelEncoder(sys.argv[1], ["cpu"], dtype="float32")
    encoder.side_by_side()
    print(encoder._pool.processes[0].pid, flush=True)
    try:
        encoder.spans(["the price of oil, 1973, war"] * 512)
    except EncoderLostError:
        print("lost", flush=True)
    encoder.close()
"""


def test_a_process_that_is_killed_in_mid_reply_holds_up_nobody(
    tiny_folder: Path, tmp_path: Path
) -> None:
    script = tmp_path / "replies.py"
    script.write_text(REPLIES)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tiny_folder)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    try:
        child = int(parent.stdout.readline())
        time.sleep(0.02)  # the texts are given out
        parent.send_signal(signal.SIGSTOP)
        time.sleep(3.0)  # a reply fills its pipe, and nobody reads
        os.kill(child, signal.SIGKILL)
        parent.send_signal(signal.SIGCONT)
        assert parent.communicate(timeout=30)[0] == "lost\n"
    finally:
        parent.kill()
        parent.wait(10)


def test_a_folder_that_holds_another_model_by_then_is_told(
    tiny_folder: Path, tmp_path: Path
) -> None:
    folder = copytree(tiny_folder, tmp_path / "model")
    with ParallelEncoder(folder, ["cpu"], dtype="float32") as encoder:
        card = json.loads((folder / "splare.json").read_text())
        (folder / "splare.json").write_text(json.dumps(card | {"fingerprint": "0" * 16}))
        killed(encoder)
        with pytest.raises(EncoderError, match="holds another model by now .0000000000000000, was"):
            encoder.encode_documents(["the oil crisis"])


def test_calls_side_by_side_are_each_one_process_work(tiny_folder: Path) -> None:
    with ParallelEncoder(tiny_folder, ["cpu", "cpu"], dtype="float32") as encoder:
        dealt = list[int]()
        ask = encoder._pool._ask

        def noted(task: Any, part: list[str]) -> Any:  # noqa: ANN401
            dealt.append(len(part))
            return ask(task, part)

        encoder._pool._ask = noted  # type: ignore[method-assign,assignment]
        encoder.encode_documents(TEXTS)
        assert len(dealt) == 8
        assert encoder.side_by_side() == 2
        dealt.clear()
        encoder.encode_documents(TEXTS)
        assert dealt == [len(TEXTS)]


ORPHANS = """
import os, sys
from splare_os.encode import ParallelEncoder

if __name__ == "__main__":
    encoder = ParallelEncoder(sys.argv[1], ["cpu", "cpu"], dtype="float32")
    print(*(one.pid for one in encoder._pool.processes), flush=True)
    encoder.encode_documents(["the oil crisis " * 200] * 100_000)
"""


def is_there(process: int) -> bool:
    """Return whether a process runs."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_processes_end_with_a_parent_that_is_killed(tiny_folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tiny_folder)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [int(word) for word in parent.stdout.readline().split()]
    assert len(children) == 2
    assert all(map(is_there, children))
    assert not {os.getsid(child) for child in children} & {os.getsid(parent.pid)}
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    end = time.monotonic() + 20
    while any(map(is_there, children)):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_device_that_is_not_there_is_named(tiny_folder: Path) -> None:
    with pytest.raises(ValueError, match="device='gpu': choose one such as cpu"):
        ParallelEncoder(tiny_folder, ["cpu", "gpu"])


def test_in_a_forked_process_it_is_told_to_be_loaded_there(parallel: ParallelEncoder) -> None:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover  # another process
        try:
            parallel.encode_documents(["the oil crisis"])
        except BaseException as error:  # noqa: BLE001
            os.write(writer, str(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert b"was forked: load the model in each" in os.read(reader, 1000)
    os.close(reader)
    os.close(writer)
    assert parallel.encode_documents(["the oil crisis"]).shape == (1, 300)


INTERRUPTED = """
from splare_os.encode.parallel import devices_for_batches

if __name__ == "__main__":
    print("begun", flush=True)
    try:
        devices_for_batches("cpu")
    except KeyboardInterrupt:
        pass
"""


def test_processes_that_start_leave_ctrl_c_and_the_working_folder_alone(
    tmp_path: Path,
) -> None:
    script = tmp_path / "scripts" / "interrupted.py"
    script.parent.mkdir()
    script.write_text(INTERRUPTED)
    (tmp_path / "torch.py").write_text("print('not this one')")
    command, told = [sys.executable, str(script)], subprocess.PIPE
    parent = subprocess.Popen(
        command, cwd=tmp_path, stdout=told, stderr=told, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "begun\n"
    time.sleep(1.0)  # torch is being imported
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.communicate(timeout=60) == ("", "")
