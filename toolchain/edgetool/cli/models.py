"""`edgetool models`: list or show the zoo's models."""

from __future__ import annotations

from typing import Annotated

import typer

from edgetool.cli.console import Console, DebugOption, JsonOption


def models(
    name: Annotated[str | None, typer.Argument(help="Show this model's card.")] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the models of the zoo, or show the card of one."""
    from edgetool.zoo import find_model, list_models

    console = Console(json_output=json_output)
    if name is None:
        cards = list_models()
        console.table(
            "",
            ["name", "task", "data", "what it is"],
            [[card.name, f"{card.task} ({card.metric})", card.data, card.description] for card in cards],
        )
        if json_output:
            console.result(cards)
        return
    card = find_model(name)
    training = card.training
    lines = [
        f"{card.name}: {card.title}",
        f"  {card.description}",
        f"  task          {card.task}, metric {card.metric}",
        f"  data          {card.data}",
        f"  preprocessing {card.preprocessing.describe()}",
        f"  training      {training.optimizer}, learning rate {training.learning_rate:g}, "
        f"batch {training.batch_size}, {training.epochs} epochs",
        f"  recipe        {card.default_recipe}",
        f"  licence       {card.licence}",
        f"  source        {card.source}",
        *(f"  reference     {item.figure}: {item.value:g} ({item.source})" for item in card.references),
    ]
    console.result(card, "\n".join(lines))
