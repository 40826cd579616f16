"""What each layer of the installation refuses, and the extra that it asks for then."""

from collections.abc import Mapping

NOWHERE = "--url http://127.0.0.1:9"

TRAINING = {
    "train sae documents.jsonl --backbone beir --layer 1 --out out": "train",
    "train adapt documents.jsonl --backbone beir --out out": "train",
    "train distill beir --model mini --teacher bm25 --out out": "train",
    "train mine beir --out rows.jsonl": "train",
    "train prior documents.jsonl --model adapted": "train",
}
BASE = {
    "demo": "encode",
    f"demo {NOWHERE}": "encode",
    "encode documents.jsonl": "encode",
    "encode documents.jsonl --model owner/name": "encode",
    "encode documents.jsonl --model adapted": "encode",
    "index documents.jsonl --index facts": "encode",
    f"index documents.jsonl --index facts {NOWHERE}": "encode",
    "index https://example.org/documents.jsonl --index facts": "sources",
    "search oil --index facts": "encode",
    f"search oil --index facts {NOWHERE}": "encode",
    "import-sae release sae --out out": "encode",
    "import-sae beir --out out": "encode",
    "evaluate beir": "evaluate",
    "evaluate beir --in-memory --top-k 50": "evaluate",
    "statistics --index facts": "cluster",
    "cluster start": "cluster",
    "serve": "serve",
    **TRAINING,
}
ENCODE = {
    "demo": "cluster",
    "index documents.jsonl --index facts": "cluster",
    "search oil --index facts": "cluster",
    "encode documents.jsonl --model adapted": "train",
    "import-sae release sae --out out": "train",
    "evaluate beir": "evaluate",
    "statistics --index facts": "cluster",
    "cluster start": "cluster",
    "serve": "serve",
    **TRAINING,
}
ALL = {"evaluate beir --in-memory --systems dense": "dense"}

OF_COMMANDS: Mapping[str, Mapping[str, str]] = {"base": BASE, "encode": ENCODE, "all": ALL}
"""Layer to command lines that it refuses, each with the extra that it asks for."""

OF_PYTHON: Mapping[str, Mapping[str, str]] = {
    "base": {
        "from splare_os.encode import SplareEncoder": "encode",
        "from splare_os.encode import load_encoder; load_encoder('mini')": "encode",
        "from splare_os.cluster import EmbeddedCluster; EmbeddedCluster().__enter__()": "cluster",
        "import splare_os.evaluate": "evaluate",
        "import splare_os.train": "train",
        "import splare_os.serve": "serve",
        "import splare_os.adapters.haystack": "haystack",
        "import splare_os.adapters.langchain": "langchain",
        "import splare_os.adapters.llama_index": "llama-index",
    },
    "encode": {
        "from splare_os.cluster import EmbeddedCluster; EmbeddedCluster().__enter__()": "cluster",
        "import splare_os.evaluate": "evaluate",
        "import splare_os.train.sae": "train",
        "import splare_os.serve": "serve",
    },
    "all": {
        "from splare_os.evaluate.mteb import MtebModel; from tests.hashing import HashEncoder; "
        "MtebModel(HashEncoder())": "mteb",
    },
}
"""Layer to Python that it refuses, likewise."""

MISUSE = (
    "encode nowhere.jsonl",
    "encode documents.jsonl --dtype double",
    "index documents.xlsx --index facts",
    "index documents.jsonl",
    "search oil",
    "evaluate",
    "evaluate nowhere --top-k 50",
    "import-sae beir",
    "train sae documents.jsonl",
    "train adapt --out out",
    "train mine nowhere --out rows.jsonl",
    "cluster start --port 5",
    "serve --timeout-s 0",
)
"""Command lines that are wrong whatever is installed."""
