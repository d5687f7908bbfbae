"""`edgetool models`: list or show the zoo's models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgetool.cli.console import Console
from edgetool.options.groups import ConsoleOptions

if TYPE_CHECKING:
    from edgetool.zoo import ModelCard

#: Bytes of one weight.
WEIGHT_BYTES = {"float32": 4, "float16": 2, "int8": 1}


def models(
    output: ConsoleOptions,
    name: Annotated[str | None, typer.Argument(help="Show this model's card.")] = None,
) -> None:
    """List the models of the zoo, or show the card of one."""
    from edgetool.zoo import find_model, list_models

    console = Console.of(output)
    if name is None:
        cards = list_models()
        console.table(
            "",
            ["name", "task", "data", "what it is"],
            [[card.name, f"{card.task} ({card.metric})", card.data, card.description] for card in cards],
        )
        if output.json_output:
            console.result(cards)
        return
    card = find_model(name)
    training = card.training
    lines = [
        f"{card.name}: {card.title}",
        f"  {card.description}",
        f"  task          {card.task}, metric {card.metric}",
        f"  data          {card.data or 'none'}",
        *_cost(card),
        f"  preprocessing {card.preprocessing.describe()}",
        f"  training      {training.optimizer}, learning rate {training.learning_rate:g}, "
        f"batch {training.batch_size}, {training.epochs} epochs"
        if card.trains
        else "  training      none: it is in the zoo for its size",
        f"  recipe        {card.default_recipe}" + (f": {card.recipe_reason}" if card.recipe_reason else ""),
        f"  licence       {card.licence}",
        f"  source        {card.source}",
        *(f"  reference     {item.figure}: {item.value:.10g} ({item.source})" for item in card.references),
    ]
    console.result(card, "\n".join(lines))


def _cost(card: ModelCard) -> list[str]:
    """Return what the model takes, as far as its card states it: weights by type, arithmetic of one sample."""
    if not card.num_params:
        return []
    sizes = ", ".join(f"{card.num_params * size / 1e6:,.1f} MB {name}" for name, size in WEIGHT_BYTES.items())
    macs = f"; {card.macs:,} MACs a sample" if card.macs else ""
    return [f"  parameters    {card.num_params:,}{macs}", f"  weights       {sizes}"]
