"""checkov's opinion of the templates. It pins a boto3 of its own, hence an environment of its own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# A share of passed checks among all, those skipped with a reason included.
LEAST_SHARE = 0.97


@dataclass(frozen=True)
class Scan:
    """How many checks passed, and each that failed or was skipped without a reason."""

    passed: int
    failed: int
    skipped: int
    problems: list[str]

    @property
    def share(self) -> float:
        """Share of the checks that passed; a skipped one counts like a failed one."""
        return self.passed / (self.passed + self.failed + self.skipped)


def scan(checkov: Path, folder: Path) -> Scan:
    """Scan every template of the folder, without the network."""
    call = [
        checkov,
        "-d",
        folder,
        "--framework",
        "cloudformation",
        "-o",
        "json",
        "--compact",
        "--quiet",
        "--skip-download",
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=environment)
    try:
        report = json.loads(done.stdout)
        results, summary = report["results"], report["summary"]
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(
            f"checkov said nothing that can be read: {done.stdout[-500:]}{done.stderr[-500:]}"
        ) from error
    problems = [f"checkov {each['check_id']} {each['check_name']}: {_where(each)}" for each in results["failed_checks"]]
    problems += [
        f"checkov {each['check_id']} is skipped without a reason: {_where(each)}"
        for each in results.get("skipped_checks", [])
        if not each["check_result"].get("suppress_comment", "").strip()
    ]
    problems += [f"checkov cannot read {file}" for file in results.get("parsing_errors", [])]
    return Scan(summary["passed"], summary["failed"], summary["skipped"], problems)


def _where(check: dict[str, str]) -> str:
    return f"{check['file_path']} {check['resource']}"
