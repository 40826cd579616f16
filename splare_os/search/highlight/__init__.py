"""Highlights by latents, and what else the client adds to hits.

asked: what a search asks for. highlight_options: as OpenSearch calls them. highlight: the spans
that are marked; fragments: what is cut around them. annotate: replies with all that.
"""
