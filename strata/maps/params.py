"""Section `embed` of params.yaml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from strata.core.params import Section

Engine = Literal["auto", "onedal", "opentsne", "sklearn"]


class EmbedParams(Section):
    """t-SNE as the field does it; `learning_rate: auto` is N / early_exaggeration, at least 200."""

    engine: Engine
    perplexity: Annotated[float, Field(ge=1, le=1000)]
    early_exaggeration: Annotated[float, Field(ge=1, le=100)]
    early_exaggeration_iterations: Annotated[int, Field(ge=1, le=10_000)]
    iterations: Annotated[int, Field(ge=1, le=100_000)]
    learning_rate: Literal["auto"] | Annotated[float, Field(gt=0, le=1e6)]  # far more crashes scikit-learn
    pca_components: Annotated[int, Field(ge=2, le=1000)]
    initialization_layer: str

    @model_validator(mode="after")
    def _enough_for_scikit_learn(self) -> Self:
        total = self.early_exaggeration_iterations + self.iterations
        if self.engine != "opentsne" and total < 250:
            raise ValueError(
                f"engine {self.engine} runs at least 250 iterations, exaggerated and plain together, not {total}"
            )
        return self
