"""What a query's weights go through before they are cut.

examples: what a query is to be like, and unlike; example_impacts: of documents and texts; feedback:
the query moved by them. profiles: latents by hand, by name. control: documents first, then latents.
"""

from .examples import Examples, Reference
from .feedback import Feedback
from .profiles import Profiles, read_profiles

__all__ = ["Examples", "Feedback", "Profiles", "Reference", "read_profiles"]
