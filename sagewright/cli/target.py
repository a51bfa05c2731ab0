"""Where a command acts: the sandbox of this checkout, or AWS when it is said. The same code path, another endpoint."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions.client import Client

from . import environ, sandbox_process
from .errors import DENIED, CommandError, explain
from .sandbox_process import RunningSandbox

SANDBOX_ACCOUNT = "111111111111"
SANDBOX_KEY = "AKIASBOX"
SANDBOX_REGION = "eu-west-1"
# What the CDK bootstraps with where nobody says otherwise: DefaultStackSynthesizer.DEFAULT_QUALIFIER, without Node.
CDK_QUALIFIER = "hnb659fds"

# Its method that makes clients has one overload for each service that AWS has; ours come as names.
Session = Any


class Target(Protocol):
    """An AWS to act on, seen from the account of the first environment."""

    is_sandbox: bool
    poll_s: float

    @property
    def account(self) -> str:
        """The account that the caller's credentials belong to."""
        ...

    def client(self, service: str, environment: Environment) -> Client:
        """Make a client that acts as the caller in the environment's account and region."""
        ...

    def release_client(self, service: str, environment: Environment) -> Client:
        """Make a client that acts as the environment's release role."""
        ...

    def reading_client(self, service: str, environment: Environment) -> Client:
        """Make a client that may look at what the environment serves, from whichever account."""
        ...

    def stacks_client(self, environment: Environment) -> Client:
        """Make a client of CloudFormation that may see and steer what the CDK deploys, in whichever account."""
        ...

    def lookup_client(self, service: str, environment: Environment) -> Client:
        """Make a client that may look at everything but data in the environment's account, whichever that is."""
        ...

    def environ(self, region: str) -> dict[str, str]:
        """Make the environment variables of a process that acts here as the caller."""
        ...

    def account_of(self, environment: Environment) -> str:
        """Find the environment's account; one that names none uses the caller's."""
        ...


class _Accounts:
    """What both targets share: roles taken on, whose temporary keys serve the whole command and renew themselves."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._assumed: dict[str, Session] = {}

    def release(self, sts: Client, environment: Environment, account: str) -> Session:
        """Take on the environment's release role."""
        return self._assume(sts, names.release_role(self._project, environment.name), environment, account)

    @contextmanager
    def told_apart(self, environment: Environment, cloudformation: Callable[[], Client]) -> Iterator[None]:
        """Tell a release role that is not there yet from one that is denied: STS has the same words for both."""
        try:
            yield
        except ClientError as error:
            if error.operation_name != "AssumeRole" or error.response["Error"]["Code"] not in DENIED:
                raise
            nothing = f"othing is deployed in {environment.name} yet"
            stack = names.access_stack(self._project, environment.name)
            try:
                cloudformation().describe_stacks(StackName=stack)
            except (ClientError, BotoCoreError) as unseen:
                if "does not exist" in str(unseen):
                    raise CommandError(f"N{nothing}: `sagewright deploy` does it.") from error
                raise CommandError(f"{explain(error)} If n{nothing}, `sagewright deploy` does it.") from error
            raise

    def deploy(self, sts: Client, environment: Environment, account: str) -> Session:
        """Take on the role by which the CDK deploys to an account."""
        return self._assume(sts, _cdk_role("deploy", environment, account), environment, account)

    def look_up(self, sts: Client, environment: Environment, account: str) -> Session:
        """Take on the role by which the CDK looks around in an account."""
        return self._assume(sts, _cdk_role("lookup", environment, account), environment, account)

    def _assume(self, sts: Client, role: str, environment: Environment, account: str) -> Session:
        arn = f"arn:{partition_of(environment.region)}:iam::{account}:role/{role}"
        if arn not in self._assumed:
            self._assumed[arn] = _renewing_session(lambda: _taken_on(sts, arn), environment.region)
        return self._assumed[arn]


@cache
def partition_of(region: str) -> str:
    """Name the partition of a region, such as `aws`: botocore reads half a megabyte for the answer."""
    return boto3.Session(botocore_session=_core()).get_partition_for_region(region)


def _cdk_role(purpose: str, environment: Environment, account: str) -> str:
    qualifier = environment.security.bootstrap_qualifier or CDK_QUALIFIER
    return f"cdk-{qualifier}-{purpose}-role-{account}-{environment.region}"


def _taken_on(sts: Client, role: str) -> dict[str, str]:
    keys = sts.assume_role(RoleArn=role, RoleSessionName="sagewright-release")["Credentials"]
    return {
        "access_key": keys["AccessKeyId"],
        "secret_key": keys["SecretAccessKey"],
        "token": keys["SessionToken"],
        "expiry_time": keys["Expiration"].isoformat(),
    }


def _renewing_session(take_on: Callable[[], dict[str, str]], region: str) -> Session:
    """Make a session whose keys are asked for anew before they expire: a rollout may bake for hours, they live one."""
    core = _core()
    # pyrefly: ignore[missing-attribute] - its constructor makes it, which has no types
    core._credentials = RefreshableCredentials.create_from_metadata(  # noqa: SLF001 - botocore has no other way in
        metadata=take_on(), refresh_using=take_on, method="sts-assume-role"
    )
    return boto3.Session(region_name=region, botocore_session=core)


def _session(key: str, secret: str, *, region: str) -> Session:
    """Make a session of exactly these keys."""
    return boto3.Session(key, secret, region_name=region, botocore_session=_core())


def _core() -> botocore.session.Session:
    """Make a session in which no profile and no configuration file of the user has a say."""
    nothing = (None, None, None, None)
    session = botocore.session.Session(
        {
            "profile": nothing,
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    session.register_component("data_loader", _loader(None))
    return session


def _users_session() -> Session:
    """Make a session as every AWS tool would, of the user's environment and files."""
    core = botocore.session.Session()
    core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
    return boto3.Session(botocore_session=core)


@cache
def _loader(data_path: str | None) -> Loader:
    """Keep what botocore knows of AWS's services: reading it takes most of the time that a new session takes."""
    return create_loader(data_path)


class _Caller(ABC):
    """What both targets share: which client acts as whom, where the caller's own keys do not reach."""

    def __init__(self, project: str) -> None:
        self._accounts = _Accounts(project)

    @property
    @abstractmethod
    def account(self) -> str:
        """The account that the caller's credentials belong to."""

    @abstractmethod
    def client(self, service: str, environment: Environment) -> Client:
        """Make a client that acts as the caller in the environment's account and region."""

    @abstractmethod
    def _sts(self, region: str) -> Client:
        """Make the client by which the caller takes on roles."""

    @abstractmethod
    def _client(self, session: Session, service: str) -> Client:
        """Make a client of a session."""

    @abstractmethod
    def _looking_for_stacks(self, environment: Environment) -> Client:
        """Make the client that tells whether there is anything in an environment."""

    def account_of(self, environment: Environment) -> str:
        """Find the environment's account."""
        return environment.account or self.account

    def release_client(self, service: str, environment: Environment) -> Client:
        """Make a client of the environment's release role."""
        with self._accounts.told_apart(environment, lambda: self._looking_for_stacks(environment)):
            return self._as(self._accounts.release, service, environment)

    def stacks_client(self, environment: Environment) -> Client:
        """Make a client of CloudFormation; in another account, as the CDK's own deploy role there."""
        if self.account_of(environment) == self.account:
            return self.client("cloudformation", environment)
        return self._as(self._accounts.deploy, "cloudformation", environment)

    def reading_client(self, service: str, environment: Environment) -> Client:
        """Make a client that may look at what is live."""
        if self.account_of(environment) == self.account:
            return self.client(service, environment)
        return self.release_client(service, environment)

    def lookup_client(self, service: str, environment: Environment) -> Client:
        """Make a client that may look around; in another account, as the CDK's own lookup role there."""
        if self.account_of(environment) == self.account:
            return self.client(service, environment)
        return self._as(self._accounts.look_up, service, environment)

    def _as(
        self, role: Callable[[Client, Environment, str], Session], service: str, environment: Environment
    ) -> Client:
        session = role(self._sts(environment.region), environment, self.account_of(environment))
        return self._client(session, service)


class Sandbox(_Caller):
    """The AWS on this machine. Every account is there, with an administrator, as soon as it is used."""

    is_sandbox = True
    poll_s = 0.2

    def __init__(self, running: RunningSandbox, project: Project | None) -> None:
        super().__init__(project.name if project else "")
        self.running = running
        self._sessions: dict[tuple[str, str], Session] = {}
        self._account = (project.first.account if project else None) or SANDBOX_ACCOUNT

    @property
    def account(self) -> str:
        """The account of the first environment, whose administrator the caller is."""
        return self._account

    def client(self, service: str, environment: Environment) -> Client:
        """Make a client of the caller."""
        return self.client_in(service, self.account_of(environment), environment.region)

    def client_in(self, service: str, account: str, region: str) -> Client:
        """Make a client of an account's administrator."""
        place = (account, region)
        if place not in self._sessions:
            self._sessions[place] = _session(f"{SANDBOX_KEY}{account}", "sandbox", region=region)
        return self._client(self._sessions[place], service)

    def _sts(self, region: str) -> Client:
        return self.client_in("sts", self.account, region)

    def _looking_for_stacks(self, environment: Environment) -> Client:
        return self.client("cloudformation", environment)

    def _client(self, session: Session, service: str) -> Client:
        # No proxy stands between two processes of one machine, whatever HTTP_PROXY says.
        return session.client(service, endpoint_url=self.running.endpoint, config=Config(proxies={}))

    def environ(self, region: str) -> dict[str, str]:
        """Make the environment variables of a process."""
        return environ.without_aws() | self.variables(region, self.account)

    def variables(self, region: str, account: str) -> dict[str, str]:
        """Name what makes any AWS tool or SDK act in the sandbox, as an account's administrator."""
        return {
            "AWS_ENDPOINT_URL": self.running.endpoint,
            "AWS_ACCESS_KEY_ID": f"{SANDBOX_KEY}{account}",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }


class Aws(_Caller):
    """AWS itself, with the credentials that every AWS tool would find."""

    is_sandbox = False
    poll_s = 5.0

    def __init__(self, project: Project) -> None:
        super().__init__(project.name)
        self._project = project
        self._session: Session = _users_session()

    @cached_property
    def account(self) -> str:
        """The account of the credentials in use, which must be the first environment's."""
        return self._session.client("sts", region_name=self._project.first.region).get_caller_identity()["Account"]

    def client(self, service: str, environment: Environment) -> Client:
        """Make a client of the caller."""
        wanted = self.account_of(environment)
        if wanted != self.account:
            raise CommandError(
                f"The AWS credentials in use belong to account {self.account}, but environment '{environment.name}' is "
                f"in {wanted}. Use credentials of that account, for example with AWS_PROFILE."
            )
        return self._session.client(service, region_name=environment.region)

    def _sts(self, region: str) -> Client:
        return self._session.client("sts", region_name=region)

    def _looking_for_stacks(self, environment: Environment) -> Client:
        return self.stacks_client(environment)

    def _client(self, session: Session, service: str) -> Client:
        return session.client(service)

    def environ(self, region: str) -> dict[str, str]:
        """Make the environment variables of a process."""
        return {
            **os.environ,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }


def resolve(name: str | None, project: Project) -> Target:
    """Decide where to act: as told, else the sandbox that is up here; AWS is never a default."""
    if name == "aws":
        _refuse_sandbox_variables()
        return Aws(project)
    running = sandbox_process.find(project.root)
    if running is not None:
        return Sandbox(running, project)
    ended = sandbox_process.find_ended(project.root)
    if ended is not None:
        raise CommandError(ended.epitaph())
    if name == "sandbox":
        raise CommandError(f"No sandbox is up for {project.root}. Start one with `sagewright sandbox up`.")
    raise CommandError(
        "There is nothing to act on yet. Start an AWS on this machine with `sagewright sandbox up`, which then is the "
        "default here, or act on your AWS account with `--target aws`."
    )


def sandbox_of(folder: Path, project: Project | None = None) -> Sandbox | None:
    """Find the sandbox that is up for this folder, with or without a project."""
    running = sandbox_process.find(folder)
    return Sandbox(running, project) if running else None


def _refuse_sandbox_variables() -> None:
    """Refuse `--target aws` where the environment still points AWS's tools at a sandbox."""
    if "AWS_ENDPOINT_URL" in os.environ or os.environ.get("AWS_ACCESS_KEY_ID", "").startswith(SANDBOX_KEY):
        raise CommandError(
            "--target aws was asked for, but AWS_ENDPOINT_URL or AWS_ACCESS_KEY_ID still point to a sandbox. Unset "
            "them (`unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY`) and sign in to AWS."
        )
