"""The module classes that a model folder names in its `modules.json`.

`splare_os.encode.Backbone`, `splare_os.encode.SaePooling` and `splare_os.encode.EmbeddingSae` are a
contract: folders are loaded by these names whatever file the classes live in.
"""

import json
from collections.abc import Iterable, Mapping
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
    return _packages(folder, module_types(folder))


def refuse_code(folder: Path) -> None:
    """Raise `EncoderError` if loading the folder would run code that came with it.

    To find our module classes sentence-transformers has to be told to trust the folder. It then
    trusts the classes that settings of its own modules name too, and so does transformers.
    """
    module_packages(folder)
    for path in folder.rglob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            continue
        if "auto_map" in content:
            raise EncoderError(f"{path} has an auto_map, code of others: it is not loaded")
        _packages(path, _named_classes(content))


def require_sparse(folder: Path) -> None:
    """Raise `EncoderError` for a folder of another kind of sentence-transformers' models.

    It would make a `SparseEncoder` of it, by an autoencoder of random weights.
    """
    path = folder / "config_sentence_transformers.json"
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kind = content.get("model_type", "SentenceTransformer")  # theirs, where it is not told
    if kind != "SparseEncoder":
        raise EncoderError(
            f"model {folder} is a {kind}, no SparseEncoder: its vectors are no impacts. Train an "
            "SAE on its states (`splare-os train sae --backbone`), or name another model"
        )


def _packages(where: Path, classes: Iterable[str]) -> set[str]:
    """Return the packages of classes that are named at `where`; refuse those of others."""
    packages = {name.split(".")[0] for name in classes}
    if foreign := packages - {"sentence_transformers", "splare_os", "torch"}:
        raise EncoderError(
            f"model {where} would run code of {', '.join(sorted(foreign))}: "
            "only modules of sentence_transformers and splare_os are loaded"
        )
    return packages


def _named_classes(settings: Mapping[str, object]) -> list[str]:
    """Return the classes that settings of a `Router` and of a `Dense` name."""
    types, function = settings.get("types"), settings.get("activation_function")
    named = list(types.values()) if isinstance(types, dict) else []
    if isinstance(function, str) and "." in function:  # transformers has words of its own there
        named.append(function)
    return list(map(str, named))
