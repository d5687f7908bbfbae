"""Deep knowledge tracing: an LSTM over a student's answers that tells whether the next question is answered rightly."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

#: Answers of a window and skills (`edgetool.data.sets.assist2009`); 0 stands for no question.
WINDOW = 100
NUM_SKILLS = 110
DROPOUT = 0.2


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 41,729 parameters.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model of two inputs, int32 `[N, 100]` each: what was asked and whether it was answered rightly
        (skill, plus 110 where right), and the skill that is asked next -> sigmoid `[N, 100, 1]`.
    """
    layers = keras.layers
    answered = keras.Input((WINDOW,), dtype="int32", name="answered")
    asked = keras.Input((WINDOW,), dtype="int32", name="asked")
    x = layers.Embedding(2 * NUM_SKILLS + 1, 32, name="answer_embedding")(answered)
    x = layers.LSTM(64, return_sequences=True, name="lstm")(x)
    x = layers.Dropout(DROPOUT, name="lstm_dropout")(x)
    skill = layers.Embedding(NUM_SKILLS + 1, 32, name="skill_embedding")(asked)
    x = layers.Concatenate(name="state_of_skill")([x, skill])
    x = layers.Dense(64, activation="relu", name="dense")(x)
    x = layers.Dropout(DROPOUT, name="dropout")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="right")(x)
    return keras.Model([answered, asked], outputs, name="knowledge_tracing_lstm")
