"""Why: reports outlive their builds, in groups that have permissions of their own.

https://docs.aws.amazon.com/codebuild/latest/userguide/test-permissions.html
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..clients import ActingClients
from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..protocol import ApiError, Caller
from ..sagemaker.listing import page
from .buildspec import TEST_FORMATS, Report
from .failures import PhaseError
from .matching import chosen
from .refusals import absent, invalid, lacking, taken
from .report_files import coverage_summary, read_cases, read_coverages, test_summary
from .shelf import Record, Shelf
from .tags import check_tags

_KEPT = timedelta(days=30)
_PAGE = 100


class Reports:
    """Report groups and the reports in them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups, self._reports = Shelf(), Shelf()
        self._details: dict[str, list[Record]] = {}

    def create_report_group(self, params: Record, caller: Caller) -> Record:
        """Create a report group."""
        _check_export(params["exportConfig"])
        check_tags(params.get("tags"))
        arn = _group_arn(Place(caller.account, caller.region), params["name"])
        now = self._now()
        group = {**params, "arn": arn, "created": now, "lastModified": now, "status": "ACTIVE"}
        if not self._groups.add(Place(caller.account, caller.region), arn, group):
            raise taken(f"Report group already exists: {arn}")
        return {"reportGroup": group}

    def update_report_group(self, params: Record, caller: Caller) -> Record:
        """Change where reports are exported to, and tags."""
        group = self._group(params["arn"], caller)
        changes = {name: params[name] for name in ("exportConfig", "tags") if name in params}
        _check_export(changes.get("exportConfig", {}))
        check_tags(changes.get("tags"))
        place = Place(caller.account, caller.region)
        return {"reportGroup": self._groups.change(place, group["arn"], **changes, lastModified=self._now())}

    def delete_report_group(self, params: Record, caller: Caller) -> Record:
        """Delete a group; one that holds reports only with them."""
        place = Place(caller.account, caller.region)
        held = self._of_group(place, params["arn"])
        if held and not params.get("deleteReports"):
            raise invalid("Cannot delete report group: it still holds reports. Delete them first, or with it.")
        for each in held:
            self._drop(place, each["arn"])
        self._groups.drop(place, params["arn"])
        return {}

    def batch_get_report_groups(self, params: Record, caller: Caller) -> Record:
        """Return report groups by ARN."""
        place, asked = Place(caller.account, caller.region), params["reportGroupArns"]
        found = [group for arn in asked if (group := self._groups.find(place, arn))]
        known = {group["arn"] for group in found}
        return {"reportGroups": found, "reportGroupsNotFound": [arn for arn in asked if arn not in known]}

    def list_report_groups(self, params: Record, caller: Caller) -> Record:
        """Return the ARNs of all groups."""
        names = [each["arn"] for each in self._groups.all(Place(caller.account, caller.region))]
        return _page("reportGroups", sorted(names, reverse=params.get("sortOrder") == "DESCENDING"), params)

    def batch_get_reports(self, params: Record, caller: Caller) -> Record:
        """Return reports by ARN."""
        place, asked = Place(caller.account, caller.region), params["reportArns"]
        found = [report for arn in asked if (report := self._reports.find(place, arn))]
        known = {report["arn"] for report in found}
        return {"reports": found, "reportsNotFound": [arn for arn in asked if arn not in known]}

    def list_reports(self, params: Record, caller: Caller) -> Record:
        """Return the ARNs of all reports, the newest first."""
        return self._listed(self._reports.all(Place(caller.account, caller.region)), params)

    def list_reports_for_report_group(self, params: Record, caller: Caller) -> Record:
        """Return the ARNs of a group's reports, the newest first."""
        group = self._group(params["reportGroupArn"], caller)
        return self._listed(self._of_group(Place(caller.account, caller.region), group["arn"]), params)

    def delete_report(self, params: Record, caller: Caller) -> Record:
        """Delete one report."""
        self._drop(Place(caller.account, caller.region), params["arn"])
        return {}

    def describe_test_cases(self, params: Record, caller: Caller) -> Record:
        """Return the cases of a report of tests."""
        cases = self._detailed(params["reportArn"], caller)
        wanted = params.get("filter", {})
        found = [
            case
            for case in cases
            if case["status"] == wanted.get("status", case["status"]) and wanted.get("keyword", "") in case["name"]
        ]
        return _page("testCases", found, params)

    def describe_code_coverages(self, params: Record, caller: Caller) -> Record:
        """Return the files of a report of coverage."""
        files = self._detailed(params["reportArn"], caller)
        least, most = params.get("minLineCoveragePercentage", 0.0), params.get("maxLineCoveragePercentage", 100.0)
        found = [each for each in files if least <= each["lineCoveragePercentage"] <= most]
        by = "filePath" if params.get("sortBy") == "FILE_PATH" else "lineCoveragePercentage"
        found.sort(key=lambda each: each[by], reverse=params.get("sortOrder") == "DESCENDING")
        return _page("codeCoverages", found, params)

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of the group at an ARN; of one that is not there it has none."""
        _, _, _, region, account, _ = arn.split(":", 5)
        group = self._groups.find(Place(account, region), arn)
        return {tag["key"]: tag["value"] for tag in group.get("tags", ())} if group else {}

    def receive(self, report: Report, source: Path, build: Record, acting: ActingClients, place: Place) -> str:
        """Read what a build reports, with its role, and return the ARN of the report."""
        tests = report.format in TEST_FORMATS
        kind = "TEST" if tests else "CODE_COVERAGE"
        group = self._group_of(report, kind, build, acting, place)
        for action in ("CreateReport", "BatchPutTestCases" if tests else "BatchPutCodeCoverages", "UpdateReport"):
            _require(acting, action, group["arn"], place)
        try:
            files = chosen(report.files, source)
        except PhaseError as none:
            problem = f"[{report.group}: [report files not found in build]]: {none.message}"
            raise PhaseError("CLIENT_ERROR", problem) from none
        read = [
            each for file, _ in files for each in (read_cases(file) if tests else read_coverages(file, report.format))
        ]
        return self._keep(group, read, build, place)

    def _keep(self, group: Record, read: list[Record], build: Record, place: Place) -> str:
        identity, now = str(uuid.uuid4()), self._now()
        arn = f"{group['arn'].replace(':report-group/', ':report/')}:{identity}"
        tests = group["type"] == "TEST"
        summary = test_summary(read) if tests else coverage_summary(read)
        failed = tests and bool(summary["statusCounts"]["FAILED"] + summary["statusCounts"]["ERROR"])
        record = {
            "arn": arn,
            "type": group["type"],
            "name": identity,
            "reportGroupArn": group["arn"],
            "executionId": build["arn"],
            "status": "FAILED" if failed else "SUCCEEDED",
            "created": now,
            "expired": now + _KEPT,
            "exportConfig": group["exportConfig"],
            "truncated": False,
            "testSummary" if tests else "codeCoverageSummary": summary,
        }
        pointer = "reportArn" if tests else "reportARN"
        more: Record = {pointer: arn, "expired": now + _KEPT}
        self._details[arn] = [each | more | self._identified(tests=tests) for each in read]
        self._reports.add(place, arn, record)
        return arn

    @staticmethod
    def _identified(*, tests: bool) -> Record:
        return {} if tests else {"id": str(uuid.uuid4())}

    def _group_of(self, report: Report, kind: str, build: Record, acting: ActingClients, place: Place) -> Record:
        """Return the group that a buildspec names; one that it names without an ARN is made by the build's role."""
        named = report.group.startswith("arn:")
        arn = report.group if named else _group_arn(place, f"{build['projectName']}-{report.group}")
        group = self._groups.find(place, arn)
        if group is None and named:
            raise PhaseError("CLIENT_ERROR", f"[{report.group}: [report group not found]]")
        if group is None:
            _require(acting, "CreateReportGroup", arn, place)
            caller = Caller(place.account, place.region, "")
            params = {"name": arn.rpartition("/")[2], "type": kind, "exportConfig": {"exportConfigType": "NO_EXPORT"}}
            group = self.create_report_group(params, caller)["reportGroup"]
        if group["type"] != kind:
            raise PhaseError(
                "CLIENT_ERROR", f"[{report.group}: [the report group is of type {group['type']}, not {kind}]]"
            )
        return group

    def _group(self, arn: str, caller: Caller) -> Record:
        group = self._groups.find(Place(caller.account, caller.region), arn)
        if group is None:
            raise absent(f"Report group not found: {arn}")
        return group

    def _detailed(self, arn: str, caller: Caller) -> list[Record]:
        if self._reports.find(Place(caller.account, caller.region), arn) is None:
            raise absent(f"Report not found: {arn}")
        return list(self._details[arn])

    def _of_group(self, place: Place, arn: str) -> list[Record]:
        return [each for each in self._reports.all(place) if each["reportGroupArn"] == arn]

    def _drop(self, place: Place, arn: str) -> None:
        self._reports.drop(place, arn)
        self._details.pop(arn, None)

    def _listed(self, reports: list[Record], params: Record) -> Record:
        status = params.get("filter", {}).get("status")
        names = [each["arn"] for each in reports if status in {None, each["status"]}]
        return _page("reports", names if params.get("sortOrder") == "ASCENDING" else names[::-1], params)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def _group_arn(place: Place, name: str) -> str:
    return f"arn:aws:codebuild:{place.region}:{place.account}:report-group/{name}"


def _require(acting: ActingClients, action: str, arn: str, place: Place) -> None:
    try:
        acting.require(f"codebuild:{action}", arn, region=place.region, account=place.account, context={})
    except ApiError as denied:
        raise PhaseError("CLIENT_ERROR", f"{denied.code}: {denied.message}") from denied


def _check_export(config: Record) -> None:
    if config.get("exportConfigType", "NO_EXPORT") != "NO_EXPORT":
        raise lacking("exports of reports to S3", "Its report groups are of the exportConfigType NO_EXPORT.")


def _page(result: str, found: Sequence[Any], params: Record) -> Record:
    """Return one page; CodeBuild spells the members of its pages with a small letter."""
    asked = {"MaxResults": params.get("maxResults", _PAGE), "NextToken": params.get("nextToken")}
    answer = page(result, list(found), asked)
    return {("nextToken" if name == "NextToken" else name): value for name, value in answer.items()}
