"""The Ingest job: what is new at the groups' sources, into the feature store, once.

A file is known by its content: the same one changes nothing, whatever it is called. A row is checked against the
declared types; what is wrong goes to the quarantine with its reason, and the counts must add up in the end.
"""

import argparse
import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from sagewright.runtime.jobs.declaration import Declaration, Group
from sagewright.runtime.jobs.ingestion import feature_metadata, ingest_profile, source_batches, source_files
from sagewright.runtime.jobs.ingestion.ingest_group import Counts, GroupIngestion, now_ms
from sagewright.runtime.jobs.ingestion.ingest_ledger import Ledger, LeftToAnotherError, Objects
from sagewright.runtime.jobs.ingestion.offline_store import OfflineStore
from sagewright.runtime.jobs.ingestion.online_writer import WRITERS, Clients, OnlineWriter
from sagewright.runtime.jobs.ingestion.source_batches import Batch
from sagewright.runtime.jobs.ingestion.source_files import SourceFile
from sagewright.runtime.serving import user_code
from sagewright.runtime.serving.errors import UserError

logger = logging.getLogger(__name__)

FOLDER = "ingestion"
ALL, NONE = "all", "none"
# What the first environment is called where stores are counted: its groups' names have no suffix.
HOME = ""
_MOST_CHARACTERS = 1024
_STORE = "sagemaker-featurestore-runtime"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the job is told."""
    parser.add_argument("--bucket", required=True, help="data bucket, which holds what was ingested when")
    parser.add_argument("--key", required=True, help="key of the environment, which everything is written with")
    parser.add_argument("--region", required=True, help="region of the stores")
    parser.add_argument("--namespace", required=True, help="namespace of the metrics")
    parser.add_argument("--groups", default=ALL, help="groups with commas between them, or all that have a source")
    parser.add_argument("--sources", nargs="*", default=[], metavar="GROUP=URI", help="place of each group's files")
    parser.add_argument(
        "--online-targets", nargs="*", default=[], metavar="ENV=ROLE", help="roles that write other online stores"
    )
    parser.add_argument("--backfill-from", default=NONE, help="version of the one group whose history is taken over")
    parser.add_argument("--rename", default=NONE, help="features that were called otherwise then: old=new,old=new")


def run(arguments: argparse.Namespace) -> None:
    """Ingest group after group."""
    _spare_memory()
    declaration = Declaration.load(arguments.bundle)
    account = Account(arguments.region)
    with arguments.bundle.open("rb") as content:
        code = hashlib.file_digest(content, "sha256").hexdigest()
    said: list[str] = []
    faults: list[UserError] = []
    for group in _wanted(declaration, arguments):
        try:
            with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
                said.append(_Run(arguments, account, group, code, Path(folder)).run())
        except UserError as fault:  # which keeps no other group from its rows, and fails the job in the end
            logger.error("%s: %s", group.name, fault)  # noqa: TRY400 - it says what is wrong, and no traceback does
            faults.append(fault)
            continue
        logger.info(said[-1])
    if faults:
        raise faults[0] if len(faults) == 1 else UserError("; ".join(map(str, faults)))
    arguments.reason.parent.mkdir(parents=True, exist_ok=True)
    arguments.reason.write_text("; ".join(said)[:_MOST_CHARACTERS], encoding="utf-8")


def _spare_memory() -> None:
    """Let Arrow give back what it no longer needs, which its own choice of an allocator hardly does."""
    pool = pa.jemalloc_memory_pool if "jemalloc" in pa.supported_memory_backends() else pa.system_memory_pool
    pa.set_memory_pool(pool())


class Account:
    """The clients of the job."""

    def __init__(self, region: str) -> None:
        import boto3  # noqa: PLC0415 - it takes long, and the other programs of the bundle need none
        from botocore.config import Config  # noqa: PLC0415 - see above

        self._session: Any = boto3.Session(region_name=region)
        # Connections that fail are tried again by the clients themselves, refusals by the writer, which counts them.
        retries: Any = {"mode": "standard", "total_max_attempts": 5}
        self._config = Config(retries=retries, max_pool_connections=2 * WRITERS, tcp_keepalive=True)

        # What is written is checked against the declared types before: a sixth of each call's time for nothing.
        self._unchecked = self._config.merge(Config(parameter_validation=False))

    def client(self, service: str, **credentials: str) -> Any:
        """Return a client of a service."""
        config = self._unchecked if service == _STORE else self._config
        return self._session.client(service, config=config, **credentials)

    def store(self, role: str | None = None) -> Any:
        """Return a client of the online store, of another environment with its role."""
        if role is None:
            return self.client(_STORE)
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="ingestion")["Credentials"]
        return self.client(
            _STORE,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )


@dataclass
class _Run:
    """One group in this run."""

    arguments: argparse.Namespace
    account: Account
    group: Group
    code: str
    folder: Path

    def run(self) -> str:
        """Ingest what is new and return what was done, in a sentence."""
        group, s3 = self.group, self.account.client("s3")
        sagemaker = self.account.client("sagemaker")
        described = _described(sagemaker, group, group.feature_group)
        prefix = f"{FOLDER}/{group.name}/v{group.version}"
        ledger = Ledger(Objects(s3, self.arguments.bucket, prefix, self.arguments.key))
        changed = feature_metadata.update(sagemaker, group)
        if changed:
            logger.info("%s: description or unit of %s written", group.name, ", ".join(changed))
        ingestion = self._ingestion(s3, ledger, described)
        total, files, known, left = Counts(), 0, 0, 0
        for file in self._files(s3, sagemaker, ledger):
            if file is None:
                known += 1
                continue
            try:
                counts = ingestion.take(file)
            except LeftToAnotherError as said:
                logger.warning("%s: %s", group.name, said)
                left += 1
                continue
            _add(total, counts)
            files += 1
            logger.info("%s: %s", group.name, _told(file.name, counts))
        ingest_profile.update(ledger, group, now_ms())
        self._measure(total)
        repeated = sum(writer.repeated for writer in {id(each): each for each in ingestion.online.values()}.values())
        waited = f", {repeated} calls were made again" if repeated else ""
        others = f", {left} left to another run that is at work on them" if left else ""
        return f"{group.name}: {files} new files, {known} known{others}; {_told('in all', total)}{waited}"

    def _ingestion(self, s3: Any, ledger: Ledger, described: dict[str, Any]) -> GroupIngestion:
        group, offline = self.group, None
        if group.offline == "glue":
            location = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
            offline = OfflineStore(s3, group, location, self.arguments.key)
        home = OnlineWriter(Clients(self.account.store), group.feature_group)
        online = {HOME: home} if group.online else {}
        for environment, role in _pairs(self.arguments.online_targets, "--online-targets").items():
            if group.online:
                clients = Clients(partial(self.account.store, role))
                online[environment] = OnlineWriter(clients, f"{group.feature_group}-{environment}")
        return GroupIngestion(group, ledger, offline, online, home, self.code, self.folder)

    def _files(self, s3: Any, sagemaker: Any, ledger: Ledger) -> Iterator[SourceFile | None]:
        """Yield what is to be ingested, and None for what is ingested already."""
        if self.arguments.backfill_from != NONE:
            for file in self._history(s3, sagemaker):
                yield None if file.content in ledger.ended() else file
            return
        function = user_code.require(self.group.package, self.group.transform) if self.group.transform else None
        for upload in source_files.uploads(s3, _pairs(self.arguments.sources, "--sources")[self.group.name]):
            if ledger.knows(upload.identity):
                yield None
                continue
            path, content = source_files.fetch(s3, upload, self.folder)
            if content in ledger.ended():
                yield None
            else:
                yield SourceFile(upload.name, content, partial(_batches, path, self.group, function, upload.name))
            # What was left to another run is ingested only if that one comes to its end.
            if content in ledger.ended():
                ledger.note(upload.identity, content)

    def _history(self, s3: Any, sagemaker: Any) -> list[SourceFile]:
        version, before = _version(self.arguments.backfill_from), self.group
        if version == before.version:
            raise UserError(f"--backfill-from {version} is the version of {before.name} itself: name another one")
        other = before.of_version(version)
        described = _described(sagemaker, None, other)
        store = described.get("OfflineStoreConfig")
        if store is None or store.get("TableFormat", "Glue") == "Iceberg":
            kind = "no offline store" if store is None else "an offline store in Iceberg's format"
            raise UserError(
                f"feature group {other} has {kind}: only the history of one in Glue's format can be taken over; "
                "unload the table with Athena to the group's source instead"
            )
        renamed = {new: old for old, new in _renames(self.arguments.rename).items()}
        strange = sorted({*renamed} - {*before.names})
        if strange:
            raise UserError(f"--rename: {before.name} declares no {', '.join(strange)}, only {', '.join(before.names)}")
        return source_files.history(s3, store["S3StorageConfig"]["ResolvedOutputS3Uri"], before, renamed)

    def _measure(self, counts: Counts) -> None:
        dimensions = [{"Name": "Group", "Value": self.group.name}]
        values = {"RowsIngested": counts.written, "RowsQuarantined": counts.quarantined}
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": "Count"}
            for name, value in values.items()
        ]
        self.account.client("cloudwatch").put_metric_data(Namespace=self.arguments.namespace, MetricData=data)


def _batches(path: Path, group: Group, function: Callable[..., Any] | None, shown: str) -> Iterator[Batch]:
    if function is None:
        return source_batches.read(path, group.names, shown)
    return source_batches.transformed(path, group.names, function, shown)


def _wanted(declaration: Declaration, arguments: argparse.Namespace) -> list[Group]:
    sources = _pairs(arguments.sources, "--sources")
    own = {name: group for name, group in declaration.groups.items() if group.own}
    if arguments.groups == ALL:
        if arguments.backfill_from != NONE:
            raise UserError("--backfill-from takes over the history of one group: name it with --groups")
        return [group for name, group in own.items() if name in sources]
    named = arguments.groups.split(",")
    unknown = [name for name in named if name not in own]
    if unknown:
        raise UserError(f"--groups: the project has no group {', '.join(unknown)} of its own, only {', '.join(own)}")
    if arguments.backfill_from != NONE:
        if len(named) > 1:
            raise UserError(f"--backfill-from takes over the history of one group, not of {arguments.groups}")
        return [own[named[0]]]
    without = [name for name in named if name not in sources]
    if without:
        raise UserError(f"{', '.join(without)} has no source in project.yaml: it is written through the API only")
    return [own[name] for name in named]


def _described(sagemaker: Any, group: Group | None, name: str) -> dict[str, Any]:
    """Return what SageMaker says of a group; of this one it must be all that is declared."""
    try:
        found = sagemaker.describe_feature_group(FeatureGroupName=name)
    except sagemaker.exceptions.ResourceNotFound as error:
        raise UserError(f"there is no feature group {name}: deploy the project first") from error
    if found["FeatureGroupStatus"] != "Created":
        raise UserError(f"feature group {name} is {found['FeatureGroupStatus']}, not Created: deploy the project again")
    definitions = [*found["FeatureDefinitions"]]
    while token := found.get("NextToken"):
        found = sagemaker.describe_feature_group(FeatureGroupName=name, NextToken=token)
        definitions += found["FeatureDefinitions"]
    there = {each["FeatureName"] for each in definitions}
    absent = [feature for feature in (group.names if group else ()) if feature not in there]
    if absent:
        raise UserError(f"feature group {name} has no {', '.join(absent)} yet: deploy the project first")
    return found


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise UserError(f"{option} {text!r} is no pair: give name=value")
        pairs[name] = value
    return pairs


def _renames(text: str) -> dict[str, str]:
    return {} if text == NONE else _pairs(text.split(","), "--rename")


def _version(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"--backfill-from {text!r} is no version: give a number from 1")
    return int(text)


def _add(total: Counts, counts: Counts) -> None:
    for name in ("rows", "written", "quarantined", "repeated", "offline_objects", "older", "expired"):
        setattr(total, name, getattr(total, name) + getattr(counts, name))


def _told(name: str, counts: Counts) -> str:
    more = f", {counts.expired} too old for the online store" if counts.expired else ""
    return (
        f"{name} {counts.rows} rows read, {counts.written} written, {counts.quarantined} quarantined, "
        f"{counts.repeated} there already{more}"
    )
