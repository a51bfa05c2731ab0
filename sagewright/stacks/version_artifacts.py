"""Where in the first environment's bucket a version's artifacts are: what a release may copy, and nothing beside it."""

from sagewright.pipelines.training import EVALUATE, PREPROCESS, TRAIN
from sagewright.project import names


def of_step(step: str, *folders: str) -> str:
    """Name what a step writes, in every execution: a version of a cached step lies with the execution it repeats."""
    return "/".join((names.EXECUTIONS, "*", step, *folders))


BASELINE, EVALUATED = of_step(PREPROCESS, "baseline"), of_step(EVALUATE, "evaluation")
COPIED = (of_step(TRAIN), BASELINE, EVALUATED)
# Rows that no training saw: what a version is asked again wherever it is released.
HELD_OUT = of_step(PREPROCESS, "held_out")
