"""Why: a container starts a file, and the analyzer is a package: this file starts it as one."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
runpy.run_module("model_monitor.analyze", run_name="__main__", alter_sys=True)
