"""Why: reports of tests and of coverage are read from the files that test tools write, as CodeBuild reads them."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

from .failures import PhaseError
from .shelf import Record

_BRANCHES = re.compile(r"\((\d+)/(\d+)\)")
_NANO = 1_000_000_000


def read_cases(file: Path) -> list[Record]:
    """Return the test cases of a JUnit file, as DescribeTestCases shows them."""
    return [
        _case(each, suite.get("name", ""), file.name)
        for suite in _root(file).iter("testsuite")
        for each in suite.findall("testcase")
    ]


def read_coverages(file: Path, kind: str) -> list[Record]:
    """Return the coverage of each source file, as DescribeCodeCoverages shows it."""
    lines = _cobertura(_root(file)) if kind == "COBERTURAXML" else _clover(_root(file))
    return [_coverage(path, counted) for path, counted in lines.items()]


def test_summary(cases: list[Record]) -> Record:
    """Return what a report says of all its cases."""
    counts = Counter(case["status"] for case in cases)
    kinds = ("SUCCEEDED", "FAILED", "ERROR", "SKIPPED", "UNKNOWN")
    return {
        "total": len(cases),
        "statusCounts": {kind: counts[kind] for kind in kinds},
        "durationInNanoSeconds": sum(case["durationInNanoSeconds"] for case in cases),
    }


def coverage_summary(files: list[Record]) -> Record:
    """Return what a report says of all its files."""
    counted: Counter[str] = Counter()
    for each in files:
        counted.update({name: each[name] for name in _COUNTS})
    return _percentages(counted)


def _case(element: ET.Element, suite: str, file: str) -> Record:
    status, message = "SUCCEEDED", ""
    for tag, kind in (("failure", "FAILED"), ("error", "ERROR"), ("skipped", "SKIPPED")):
        if (found := element.find(tag)) is not None:
            status, message = kind, found.get("message") or (found.text or "").strip()
            break
    return {
        "testRawDataPath": file,
        "prefix": element.get("classname", ""),
        "name": element.get("name", ""),
        "status": status,
        "durationInNanoSeconds": int(float(element.get("time") or 0) * _NANO),
        "message": message,
        "testSuiteName": suite,
    }


_COUNTS = ("linesCovered", "linesMissed", "branchesCovered", "branchesMissed")


def _cobertura(root: ET.Element) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for each in root.iter("class"):
        counted = found.setdefault(each.get("filename", ""), Counter())
        for line in each.findall("lines/line"):
            counted["linesCovered" if int(line.get("hits", "0")) else "linesMissed"] += 1
            if match := _BRANCHES.search(line.get("condition-coverage", "")):
                counted["branchesCovered"] += int(match[1])
                counted["branchesMissed"] += int(match[2]) - int(match[1])
    return found


def _clover(root: ET.Element) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for each in root.iter("file"):
        counted = found.setdefault(each.get("path") or each.get("name", ""), Counter())
        for line in each.iter("line"):
            if line.get("type") == "cond":
                for name in ("truecount", "falsecount"):
                    counted["branchesCovered" if int(line.get(name, "0")) else "branchesMissed"] += 1
            else:
                counted["linesCovered" if int(line.get("count", "0")) else "linesMissed"] += 1
    return found


def _coverage(path: str, counted: Counter[str]) -> Record:
    return {"filePath": path, **_percentages(counted)}


def _percentages(counted: Counter[str]) -> Record:
    said: dict[str, Any] = {name: counted[name] for name in _COUNTS}
    for kind, plural in (("line", "lines"), ("branch", "branches")):
        covered, missed = counted[f"{plural}Covered"], counted[f"{plural}Missed"]
        said[f"{kind}CoveragePercentage"] = 100.0 * covered / (covered + missed) if covered + missed else 0.0
    return said


def _root(file: Path) -> ET.Element:
    try:
        return ET.parse(file).getroot()  # noqa: S314 - expat limits how entities grow, and knows no files
    except ET.ParseError as error:
        raise PhaseError("CLIENT_ERROR", f"Error parsing report file {file.name}: {error}") from None
