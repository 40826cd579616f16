"""How our sentence-transformers modules over latents are kept in a model folder."""

from typing import Any, Self

from sentence_transformers.base.modules.module import Module

from .backbone.backbone import HUB_ARGUMENTS


class SavedModule(Module):
    """A module whose output are latents, kept as `config.json` and weights."""

    n_latents: int

    def get_embedding_dimension(self) -> int:
        """Return the number of latents."""
        return self.n_latents

    def save(self, output_path: str, *_: Any, safe_serialization: bool = True, **__: Any) -> None:  # noqa: ANN401
        """Write `config.json` and the weights to `output_path`."""
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(  # type: ignore[override]  # theirs names the hub arguments one by one
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        **kwargs: Any,  # noqa: ANN401
    ) -> Self:
        """Return the module saved in a model folder or hub repository."""
        hub = {key: kwargs[key] for key in HUB_ARGUMENTS if key in kwargs}
        module = cls(**cls.load_config(model_name_or_path, subfolder=subfolder, **hub))
        cls.load_torch_weights(model_name_or_path, subfolder=subfolder, model=module, **hub)
        return module
