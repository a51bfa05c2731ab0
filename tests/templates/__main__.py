"""Checks every template of the churn seed as a reviewer would, in every network, with every rollout, in three regions.

`make check` runs it: `python tests/templates`. Any error or warning of cfn-lint fails, any finding of cdk-nag that is
not answered beside the construct that it is about, any policy that allows too much, and any finding of checkov that is
not skipped with its reason; checkov has to pass 97 % of its checks even so. A template that differs from another one
only in where it is deployed is linted and scanned once, against what each of the regions has.
"""

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from matrix import REGIONS
from review import collect
from scanner import LEAST_SHARE, scan


def main() -> None:
    """Synthesize, lint and scan; exits 1 with every problem that was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkov", type=Path, help="checkov's executable; left out, checkov is not asked")
    checkov: Path | None = parser.parse_args().checkov
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        templates = Path(folder)
        synthesized = 0
        problems: list[str] = []
        # Each with a CDK of its own: a forked one would share the parent's.
        own = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=own) as processes:
            parts = [processes.submit(collect, templates, *each) for each in product(REGIONS, (True, False))]
            for part in as_completed(parts):
                count, found = part.result()
                synthesized += count
                problems += found
        different = sum(1 for _ in templates.rglob("*.json"))
        told = f"{synthesized} templates, {different} of them different, in {', '.join(REGIONS)}"
        if checkov is not None:
            result = scan(checkov.absolute(), templates)
            problems += result.problems
            told += f"; checkov passed {result.share:.1%} of {result.passed + result.failed + result.skipped}"
            if result.share < LEAST_SHARE:
                problems.append(f"checkov passed {result.share:.1%}, less than {LEAST_SHARE:.0%}")
    took = time.perf_counter() - began
    sys.stdout.write("\n".join([*problems, f"{told}: {len(problems)} problems ({took:.0f} s)"]) + "\n")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
