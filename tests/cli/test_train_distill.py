import subprocess
import sys
from dataclasses import fields

from splare_os.cli.train_distill import distill
from splare_os.cli.train_mine import mine
from splare_os.train.distill.job import DistillJob
from splare_os.train.distill.options import DistillOptions
from splare_os.train.mining import MineOptions


def test_every_option_reaches_the_job_with_its_default() -> None:
    known = {
        field.name: field.default for kind in (DistillJob, DistillOptions) for field in fields(kind)
    }
    known["sources"] = None
    required = {"sources", "model", "teachers", "out"}
    for parameter in distill.params:
        assert parameter.name in known
        if parameter.name not in {*required, "device", "work", "autocast", "keep_work"}:
            assert parameter.default == known[parameter.name], parameter.name


def test_options_of_mining_have_the_defaults_of_the_function() -> None:
    known = {field.name: field.default for field in fields(MineOptions)}
    found = {p.name: p.default for p in mine.params if p.name in known}
    assert found == {name: known[name] for name in ("negatives", "skip", "seed")}


def test_the_commands_are_listed_without_torch() -> None:
    code = "import sys, splare_os.cli; sys.exit(bool({'torch', 'peft', 'scipy'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
