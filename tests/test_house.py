"""The house: rooms in their order, no circles, small files, tests beside what they test."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import grimp
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from splare_os.extras import EXTRAS

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = (Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache")

MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 30

LONG_FILES = {
    "tests/encode/sae/test_files.py",
    "tests/index/test_worker.py",
    "tests/train/adapt/test_training.py",
}
LONG_FUNCTIONS = {
    "benchmarks/encode.py: gemma_cases",  # a table
    "splare_os/cli/evaluate.py: evaluate",  # a parameter for each option
    "splare_os/encode/backbone/backbone.py: _load_model",  # the signature is another's
    "splare_os/encode/pooling/segment_max_triton.py: _kernel",  # compiled as one
    "splare_os/encode/throughput.py: measure_throughput",
}
NO_NOUNS = {"utils", "common", "helpers", "base"}

OF_NO_MODULE = {
    "adapters/haystack/test_store_async.py": "store.py again, by Haystack's asynchronous tests",
    "cli/test_secrets.py": "secrets in whatever commands say, log and keep",
    "connect/test_docs.py": "docs/native.md",
    "connect/test_either_route.py": "the native route against worker and client",
    "connect/test_failures.py": "the native route where the model server fails",
    "dashboards/test_panels.py": "benchmarks/panels.py: every panel drawn",
    "encode/test_equality.py": "routes and devices of one encoder against each other",
    "encode/test_from_sae.py": "several modules: an SAE and a backbone become a model",
    "explore/test_browser.py": "the page in a browser, over a real index",
    "explore/test_directions.py": "the page in a browser, over texts from right to left",
    "explore/test_hostile.py": "the page in a browser among those who mean it ill",
    "explore/test_going_back.py": "the page in a browser, when people go back or servers fail",
    "explore/test_keyboard.py": "the page in a browser, by keys alone, and as others need it",
    "explore/test_token.py": "the page in a browser where it asks for a token",
    "explore/test_unlabelled.py": "the page in a browser where no latent has a label",
    "index/test_chaos.py": "a whole job, with a proxy of many faults before its cluster",
    "index/test_sender_updates.py": "sender.py again, with updates in place of whole documents",
    "index/test_sender_faults.py": "sender.py again, with faults alike and unlike",
    "index/test_sender_load.py": "sender.py again, with a cluster under load",
    "index/test_sender_cluster.py": "sender.py again, with the replies of a real server",
    "index/test_backfill_meddling.py": "a backfill killed while somebody else writes",
    "index/test_backfill_refusals.py": "backfill.py and indices that do not fit",
    "index/test_docs.py": "docs/indexing.md",
    "index/test_fields.py": "what is encoded and where it goes, over whole jobs",
    "index/test_formats.py": "documents of every format, folders and changes, with a cluster",
    "index/test_ledger_machine.py": "ledger.py and dead_letters.py in any order of steps",
    "secured/test_commands.py": "commands on a cluster with the security plugin",
    "secured/test_roles.py": "examples/deploy/roles/ where nothing else is granted",
    "secured/test_ways_in.py": "connection/ and the worker, as who is let in and who is not",
    "search/rewrite/test_same_as_plain.py": "any search at all, beside the plain client",
    "search/test_older_servers.py": "ingest, backfill and search on servers of other kinds",
    "search/log/test_async_log.py": "search_log.py and watching.py under an event loop",
    "search/client/test_drop_in.py": "what applications do with their client",
    "search/client/test_moved.py": "names that stand for others under a running client",
    "search/rules/test_failing.py": "ruled.py where SPLARE fails",
    "search/rules/test_bytes.py": "what goes over the wire while there are rules",
    "search/rewrite/test_untouched.py": "any search body: what is beside its clauses",
    "search/test_ways.py": "the table of docs/search.md",
    "index/test_compact.py": "an index without impacts in _source, from all sides",
    "index/test_restored.py": "jobs of an index that a snapshot is restored in the place of",
    "index/test_kill.py": "a worker in a process of its own, killed at any instant",
    "test_benchmark_control.py": "benchmarks/control.py",
    "test_benchmark_feedback.py": "benchmarks/feedback.py and benchmarks/dense_sae.py",
    "serve/test_hostile.py": "a whole server among callers who mean it ill",
    "serve/test_openapi.py": "what the server says of itself, against what it does",
    "test_benchmark_losses.py": "benchmarks/losses.py",
    "test_benchmark_pictures.py": "plots of benchmarks, in docs/",
    "test_benchmark_postings.py": "benchmarks/postings.py",
    "test_benchmark_results.py": "benchmarks/results.py",
    "test_benchmark_generalisation.py": "benchmarks/generalisation.py and what it is made of",
    "test_benchmark_rules.py": "benchmarks/rules.py",
    "test_benchmark_document_order.py": "benchmarks/document_order.py",
    "test_benchmark_search.py": "benchmarks/search.py and what it is made of",
    "test_benchmark_scale.py": "benchmarks/scale.py",
    "test_benchmarks.py": "benchmarks/",
    "test_contributing.py": "CONTRIBUTING.md",
    "test_deploy.py": "examples/deploy/",
    "test_existing_app.py": "examples/existing_app/",
    "test_house.py": "all of it",
    "test_main_job.py": "the main job from documents to hits",
    "test_make_broad.py": "scripts/make-broad",
    "test_make_mini.py": "scripts/make-mini",
    "test_make_multi.py": "scripts/make-multi",
    "test_readme.py": "README.md",
    "train/test_recipe.py": "the recipe of the shipped model, from texts to encoder",
}
"""Tests to what they test, where that is no module of the same path."""

OUTSIDE_THE_PACKAGE = {"packaging", "typing"}
"""Folders of tests of what is installed, and of what a type checker sees."""

TORCH_FREE = (
    *("impacts", "encoder", "documents", "layout", "cluster", "index", "search", "encode", "cli"),
)

OF_EXTRAS = set().union(*EXTRAS.values()) - {"requests"}
"""Requests comes with opensearch-py."""

OF_THE_CLIENT = {"aiohttp"}
"""What opensearch-py imports itself where it is there."""

PATHS_OF_A_MACHINE = re.compile(rb"(?<![\w.~})*-])/(?:(?:root|work|Users)/|home/(?!ada\b))\w")
"""Ada is the tests' own."""
REGISTRIES = re.compile(rb"pypi[.]org|pythonhosted[.]org|repo1?[.]maven|npmjs[.]|crates[.]io", re.I)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(LINT_IMPORTS, cwd=folder, check=False, capture_output=True, text=True)


def modules(*folders: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the source of each file of Python."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: there is no list of tracked files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def n_lines(function: ast.AST) -> int:
    """Return the lines of a function without its docstring."""
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    first, last = function.body[0], function.end_lineno or 0
    has_docstring = ast.get_docstring(function) is not None
    return 1 + last - function.lineno - has_docstring * (1 + (first.end_lineno or 0) - first.lineno)


def test_a_room_imports_only_what_lies_below() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("impacts.py", "from splare_os.index import ingest", "imports only the rooms below it"),
        ("layout/field.py", "import torch", "imports nothing of an extra"),
    ],
)
def test_an_import_that_leads_back_or_up_is_caught(
    tmp_path: Path, module: str, line: str, contract: str
) -> None:
    only_python = shutil.ignore_patterns("mini", "samples", "mappings", "*_pipelines")
    shutil.copytree(ROOT / "splare_os", tmp_path / "splare_os", ignore=only_python)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    with (tmp_path / "splare_os" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout


def test_no_module_leads_back_to_itself_by_imports_of_any_kind() -> None:
    graph = grimp.build_graph("splare_os", cache_dir=None)  # also in functions, and for types
    names = sorted(graph.modules)
    at = {name: place for place, name in enumerate(names)}
    edges = [
        (at[name], at[imported])
        for name in names
        for imported in graph.find_modules_directly_imported_by(name)
    ]
    ones, (rows, columns) = np.ones(len(edges)), np.array(edges).T
    matrix = csr_array((ones, (rows, columns)), shape=(len(names), len(names)))
    n_circles, circle = connected_components(matrix, connection="strong")
    in_circles = [name for name in names if np.sum(circle == circle[at[name]]) > 1]
    assert n_circles == len(names), in_circles


def test_a_file_is_300_lines_at_most() -> None:
    sources = modules("splare_os", "tests", "benchmarks")
    long = {path for path, source in sources if len(source.splitlines()) > MOST_LINES}
    assert long == LONG_FILES


def test_a_function_fits_on_a_screen() -> None:
    long = {
        f"{path}: {node.name}"
        for path, source in modules("splare_os", "benchmarks")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and n_lines(node) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == LONG_FUNCTIONS


def test_a_file_is_named_for_what_it_holds() -> None:
    paths = [Path(path) for path, _ in modules("splare_os", "tests", "benchmarks")]
    assert not [path for path in paths if NO_NOUNS & {path.stem, *path.parent.parts}]


def test_tests_mirror_the_package() -> None:
    without: set[str] = set()
    for test in sorted((ROOT / "tests").rglob("test_*.py")):
        path = test.relative_to(ROOT / "tests")
        module = ROOT / "splare_os" / path.with_name(path.name.removeprefix("test_"))
        is_there = module.exists() or module.with_suffix("").is_dir()
        if not is_there and path.parts[0] not in OUTSIDE_THE_PACKAGE:
            without.add(path.as_posix())
    assert without == set(OF_NO_MODULE)


def test_no_tracked_text_names_a_machines_paths_or_a_registry() -> None:
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for pattern in (PATHS_OF_A_MACHINE, REGISTRIES):
            found = pattern.search(content)
            assert not found, f"{path.relative_to(ROOT)}: {found and found.group()!r}"


@pytest.mark.parametrize("room", TORCH_FREE)
def test_the_base_installation_imports_nothing_of_an_extra(room: str) -> None:
    code = f"import sys, splare_os.{room}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not (OF_EXTRAS - OF_THE_CLIENT) & set(done.stdout.split())


def test_the_contract_of_the_base_installation_names_all_of_every_extra() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    named = config["importlinter:contract:torch-free"]["forbidden_modules"].split()
    assert set(named) == OF_EXTRAS
