"""What a request costs a server beside its model, in microseconds of CPU: a busy machine may tell.

python -m benchmarks.request_cost [--other FOLDER] has 64 clients ask servers, a text a request:
ours of this checkout, whose impacts are looked up (`benchmarks/served.py`), an application that
answers always the same, and ours of another checkout; in turns, there and back. A line of JSON for
each tells the CPU of the server and of the clients for a request, and what ours costs in its terms.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

import click

from .clients import load, request_of
from .pairs import N_PAIRS, of_pairs

SERVED, HERE = Path(__file__).with_name("served.py"), Path(__file__).parents[1]
CLIENTS = 64
QUERY = "who lost money when the stocks fell in nineteen twenty-nine"


@dataclass(frozen=True)
class Cost:
    """Microseconds of CPU for a request: of the server, and of the clients that ask it."""

    server: float
    clients: float


@contextmanager
def served(checkout: Path, kind: str) -> Iterator[tuple[str, int]]:
    """Run a server of a checkout, and give its address and process."""
    command = [sys.executable, "-P", str(SERVED), kind]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], process.pid
    finally:
        process.terminate()
        process.wait(60)


def cpu_us(pid: int) -> float:
    """Return what the threads of a process, and of those it has started, have run: microseconds."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    own = sum(int(task.read_text().split()[0]) for task in tasks) / 1e3
    told = Path(f"/proc/{pid}/task").glob("*/children")
    return own + sum(cpu_us(int(child)) for one in told for child in one.read_text().split())


def cost(url: str, pid: int, path: str, n_requests: int) -> Cost:
    """Return what requests for the impacts of one query cost, each."""
    before = cpu_us(pid)
    done = load(url, [request_of(path, [QUERY])] * n_requests, clients=CLIENTS)
    return Cost((cpu_us(pid) - before) / n_requests, 1e6 * done.cpu_s / n_requests)


@click.command()
@click.option("--other", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--requests", "n_requests", default=2000, show_default=True)
@click.option("--path", default="/queries", show_default=True)
def main(other: Path | None, n_requests: int, path: str) -> None:
    """Print what a request costs."""
    kinds = {"ours": (HERE, "ours"), "constant": (HERE, "constant")}
    if other is not None:
        kinds["other"] = (other, "ours")
    costs: dict[str, list[Cost]] = {name: [] for name in kinds}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(served(*kind)) for name, kind in kinds.items()}
        for server in servers.values():
            cost(*server, path, n_requests)
        for number in range(N_PAIRS):
            for name in list(servers)[:: -1 if number % 2 else 1]:
                costs[name].append(cost(*servers[name], path, n_requests))
    for name, found in costs.items():
        server, clients = (median(each) for each in zip(*map(astuple, found), strict=True))
        ratio = of_pairs([a.server / b.server for a, b in zip(costs["ours"], found, strict=True)])
        told = {"server_us": round(server), "clients_us": round(clients)}
        click.echo(json.dumps({"served": name} | told | {"ours_to_it": str(ratio)}))


if __name__ == "__main__":
    main()
