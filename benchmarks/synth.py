"""How long synthesis takes, beside the least that any CDK app in Python pays: importing `aws_cdk` and an empty App.

Absolute times drift with the machine, so the figure to compare between commits is the ratio of the two, taken in one
run. Run with `make bench`.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
SEED = Path(__file__).parents[1] / "sagewright/seed_code/churn"
THREE_ENVIRONMENTS = """\
environments:
  dev: {account: "111111111111", region: eu-west-1}
  staging: {account: "222222222222", region: eu-west-1}
  prod: {account: "333333333333", region: eu-west-1}
"""


def seconds(*command: str, folder: Path) -> float:
    """Wall time of one run of `command` in `folder`, in seconds."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603  our own interpreter
    return time.perf_counter() - start


def three_environments(folder: Path) -> Path:
    """Copy the seed into `folder` with three environments instead of its one."""
    project = folder / "churn"
    shutil.copytree(SEED, project)
    file = project / "project.yaml"
    head, _, tail = file.read_text().partition("\nenvironments:")
    rest = tail.split("\n\n", 1)[1]
    file.write_text(f"{head}\n{THREE_ENVIRONMENTS}\n{rest}")
    return project


def main() -> None:
    """Alternate the two programs, so that a slow moment of the machine falls on both."""
    with tempfile.TemporaryDirectory() as folder:
        project = three_environments(Path(folder))
        floor, ours = [], []
        for _ in range(ROUNDS):
            floor.append(seconds(sys.executable, "-c", "import aws_cdk; aws_cdk.App().synth()", folder=project))
            ours.append(seconds(sys.executable, "-m", "sagewright.app", folder=project))
    print(f"empty CDK app       {statistics.median(floor):6.2f} s")
    print(f"three environments  {statistics.median(ours):6.2f} s")
    print(f"ratio               {statistics.median(ours) / statistics.median(floor):6.2f}")


if __name__ == "__main__":
    main()
