"""`splare-os train …`: the commands that make models."""

import click

from .train_adapt import adapt
from .train_distill import distill
from .train_mine import mine
from .train_prior import prior
from .train_pseudo import pseudo
from .train_sae import sae
from .train_trim import trim


@click.group()
def train() -> None:
    """Make models of your own."""


for command in (sae, adapt, distill, mine, prior, pseudo, trim):
    train.add_command(command)
