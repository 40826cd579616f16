"""Queries and documents of the shipped sample, as users of Locust: ten queries to one document.

locust -f benchmarks/locustfile.py --headless --users 64 --run-time 60s --host URL (Locust is not
among what the package asks for: `pip install locust`).
"""

import gzip
import json
import random
from pathlib import Path

from locust import FastHttpUser, constant, task

SAMPLE = Path(__file__).parents[1] / "splare_os" / "samples" / "squad-dev.jsonl.gz"
TEXTS = [json.loads(line)["text"] for line in gzip.decompress(SAMPLE.read_bytes()).splitlines()]


class Caller(FastHttpUser):
    """Asks again as soon as it is answered."""

    wait_time = constant(0)

    @task(10)
    def query(self) -> None:
        """Ask for a query as long as a question."""
        self.client.post("/queries", json={"texts": [random.choice(TEXTS)[-60:]]})

    @task(1)
    def document(self) -> None:
        """Ask for a document."""
        self.client.post("/documents", json={"texts": [random.choice(TEXTS)]})
