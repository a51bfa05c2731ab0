"""The program of the model artifact (SAGEMAKER_PROGRAM): it makes the artifact's own code importable."""

import os
import sys
from pathlib import Path

# The image imports this file from a copy elsewhere, so the packages beside the original are named by the variable.
sys.path.insert(0, os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or str(Path(__file__).parent))
# The code that came with the model answers, even where another version of it is loaded already.
for name in [name for name in sys.modules if name.partition(".")[0] == "sagewright"]:
    del sys.modules[name]

from sagewright.runtime.serving.handlers import input_fn, model_fn, output_fn, predict_fn  # noqa: E402 - needs the path

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
