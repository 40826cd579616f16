"""The module classes that a model folder names in its `modules.json`.

`splare_os.encode.Backbone`, `splare_os.encode.SaePooling` and `splare_os.encode.EmbeddingSae` are a
contract: folders are loaded by these names whatever file the classes live in.
"""

import json
from pathlib import Path

from ..errors import EncoderError

FIRST_PATHS = {
    "splare_os.encode.Backbone": "splare_os.encode.backbone.Backbone",
    "splare_os.encode.SaePooling": "splare_os.encode.pooling.SaePooling",
}
"""Our classes, and what folders called them at first. Such folders still load, and fingerprints
are taken over the first names: a model saved again keeps its fingerprint."""


def module_types(folder: Path) -> list[str]:
    """Return the classes of the modules that a model folder is made of, in their order."""
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    return [module["type"] for module in modules]


def module_packages(folder: Path) -> set[str]:
    """Return the packages whose modules a model folder is made of: ours and theirs, no others."""
    packages = {name.split(".")[0] for name in module_types(folder)}
    if foreign := packages - {"sentence_transformers", "splare_os"}:
        raise EncoderError(
            f"model {folder} would run code of {', '.join(sorted(foreign))}: "
            "only modules of sentence_transformers and splare_os are loaded"
        )
    return packages


def refuse_code(folder: Path) -> None:
    """Raise `EncoderError` if loading the folder would run code that came with it.

    To find our module classes sentence-transformers has to be told to trust the folder, and
    transformers then trusts it too.
    """
    module_packages(folder)
    for path in folder.rglob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and "auto_map" in content:
            raise EncoderError(f"{path} has an auto_map, code of others: it is not loaded")
