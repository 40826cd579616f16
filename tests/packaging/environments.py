"""Virtual environments of their own, in which nothing is but what is installed there."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LEFT_OUT = {"PYTHONPATH", "SPLARE_URL", "SPLARE_MODEL", "SPLARE_DEVICE", "SPLARE_DTYPE"}


@dataclass
class Environment:
    """A virtual environment without pip; `home` is where a cluster of it would live.

    `installed_s` is how long the last installation took.
    """

    folder: Path
    home: Path
    installed_s: float = 0.0

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        (path,) = self.folder.glob("lib/python*/site-packages")
        return path

    def make(self) -> None:
        command = [sys.executable, "-m", "venv", "--without-pip", self.folder]
        subprocess.run(command, check=True)

    def link_to(self, folder: Path) -> "Environment":
        """Return a copy in `folder` whose files are hard links; pip replaces files, never edits."""
        shutil.copytree(self.folder, folder, symlinks=True, copy_function=os.link)
        return Environment(folder, self.home)

    def install(self, *wanted: str | Path) -> None:
        """Install with the pip of the tests' own environment."""
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
        start = time.perf_counter()
        done = subprocess.run([*pip, *wanted], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.installed_s = time.perf_counter() - start

    def run(
        self, *args: str | Path, cwd: Path, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run its Python in `cwd`, offline and with the state of no other."""
        inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        state = {"XDG_STATE_HOME": str(cwd / "state"), "XDG_CACHE_HOME": str(cwd / "cache")}
        offline = {"HF_HUB_OFFLINE": "1", "SPLARE_HOME": str(self.home)}
        return subprocess.run(
            [self.python, *args],
            cwd=cwd,
            env=inherited | state | offline | variables,
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
        )

    def sizes_mb(self) -> tuple[float, float]:
        """Return what packages hold, and what Python compiles of it, in MB (10**6 bytes)."""
        paths = [path for path in self.site_packages.rglob("*") if path.is_file()]
        compiled = sum(path.stat().st_size for path in paths if path.suffix == ".pyc")
        return (sum(path.stat().st_size for path in paths) - compiled) / 1e6, compiled / 1e6
