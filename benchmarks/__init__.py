"""Figures that the documentation tells; each command says how to run it."""
