"""What libraries raise for a model folder that is damaged, incomplete or of another version."""

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

UNREADABLE = (
    *(OSError, SafetensorError, StrictDataclassError, LookupError, AttributeError),
    *(TypeError, ValueError, RuntimeError),
)
"""None of them is an error of ours."""
