"""Reports of tests and of coverage are read from what real tools write, with the permissions that AWS asks for."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

WRITES = (
    "codebuild:CreateReportGroup",
    "codebuild:CreateReport",
    "codebuild:UpdateReport",
    "codebuild:BatchPutTestCases",
)
COVERS = (*WRITES[:3], "codebuild:BatchPutCodeCoverages")
TESTS = """
version: 0.2
phases:
  build:
    commands:
      - |
        cat >test_it.py <<'END'
        import pytest
        def test_good(): pass
        def test_bad(): assert 1 == 2
        @pytest.mark.skip(reason="later")
        def test_later(): pass
        END
      - python -m pytest -q -p no:cacheprovider --junitxml=reports/tests.xml
reports:
  tests:
    files: ['*.xml']
    base-directory: reports
"""
COVERAGE = """
version: 0.2
phases:
  build:
    commands:
      - |
        cat >coverage.xml <<'END'
        <coverage><packages><package><classes><class filename="a.py"><lines>
          <line number="1" hits="1"/><line number="2" hits="0"/>
          <line number="3" hits="1" branch="true" condition-coverage="50% (1/2)"/>
        </lines></class></classes></package></packages></coverage>
        END
reports:
  coverage: {files: [coverage.xml], file-format: COBERTURAXML}
"""


def context(build: dict[str, Any]) -> str:
    (found,) = [each for each in build["phases"] if each["phaseType"] == "UPLOAD_ARTIFACTS"]
    return f"{found['contexts'][0]['statusCode']}: {found['contexts'][0]['message']}"


def test_tests_that_pytest_ran_become_a_report_though_the_build_failed(yard: Any) -> None:
    name = f"{yard.bench.name}-tested"
    groups = f"arn:aws:codebuild:eu-west-1:111111111111:report-group/{name}-*"
    build = yard.run(TESTS, yard.allow(*WRITES, resource=groups), name=name)
    assert build["buildStatus"] == "FAILED"
    (arn,) = build["reportArns"]
    (report,) = yard.client.batch_get_reports(reportArns=[arn])["reports"]
    assert (report["type"], report["status"], report["executionId"]) == ("TEST", "FAILED", build["arn"])
    counts = {kind: count for kind, count in report["testSummary"]["statusCounts"].items() if count}
    assert counts == {"SUCCEEDED": 1, "FAILED": 1, "SKIPPED": 1}
    (failed,) = yard.client.describe_test_cases(reportArn=arn, filter={"status": "FAILED"})["testCases"]
    assert (failed["name"], failed["message"]) == ("test_bad", "assert 1 == 2")
    group = report["reportGroupArn"]
    assert yard.client.list_reports_for_report_group(reportGroupArn=group)["reports"] == [arn]
    with pytest.raises(ClientError, match="still holds reports"):
        yard.client.delete_report_group(arn=group)
    yard.client.delete_report_group(arn=group, deleteReports=True)
    assert yard.client.batch_get_reports(reportArns=[arn])["reportsNotFound"] == [arn]


def test_coverage_becomes_a_report_in_a_group_that_is_there(yard: Any) -> None:
    made = yard.client.create_report_group(
        name=f"{yard.bench.name}-group", type="CODE_COVERAGE", exportConfig={"exportConfigType": "NO_EXPORT"}
    )["reportGroup"]
    build = yard.run(COVERAGE.replace("coverage:", f'"{made["arn"]}":'), yard.allow(*COVERS, resource=made["arn"]))
    assert build["buildStatus"] == "SUCCEEDED"
    (arn,) = build["reportArns"]
    (report,) = yard.client.batch_get_reports(reportArns=[arn])["reports"]
    summary = report["codeCoverageSummary"]
    assert (summary["linesCovered"], summary["linesMissed"], summary["branchCoveragePercentage"]) == (2, 1, 50.0)
    (file,) = yard.client.describe_code_coverages(reportArn=arn)["codeCoverages"]
    assert (file["filePath"], round(file["lineCoveragePercentage"])) == ("a.py", 67)


def test_a_role_that_may_not_report_fails_the_upload(yard: Any) -> None:
    build = yard.run(COVERAGE, yard.allow(*WRITES))
    assert build["buildStatus"] == "FAILED"
    assert "codebuild:BatchPutCodeCoverages" in context(build)


def test_a_report_that_nothing_wrote_fails_the_upload(yard: Any) -> None:
    build = yard.run(TESTS.replace("'*.xml'", "'*.json'"), yard.allow(*WRITES))
    assert "[tests: [report files not found in build]]" in context(build)


def test_exports_of_reports_are_refused_by_name(yard: Any) -> None:
    export = {"exportConfigType": "S3", "s3Destination": {"bucket": yard.bucket}}
    with pytest.raises(ClientError, match="does not have exports of reports to S3"):
        yard.client.create_report_group(name=f"{yard.bench.name}-g", type="TEST", exportConfig=export)
