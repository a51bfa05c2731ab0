"""moto's EC2 is imported late, in a process of its own here: what another test has imported stays imported."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError
from moto.backends import get_backend

from sagewright.sandbox.server import start

ACCOUNT, REGION = "111111111111", "eu-west-1"
sandbox = start(Path(sys.argv[1]))


def client(service):
    return sandbox.clients.get(service, ACCOUNT, REGION)


def tell_whether_it_is_read():
    print("moto.ec2" in sys.modules)


def refusal(_=None):
    try:
        client("ec2").create_security_group(GroupName="sg-mine", Description="mine")
    except ClientError as error:
        return error.response["Error"]["Message"]

"""
REFUSAL = "Invalid group name: it cannot begin with sg-."


def told(folder: Path, source: str) -> list[str]:
    command = [sys.executable, "-c", f"{PROGRAM}\n{source}\nsandbox.stop()", str(folder)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def test_a_sandbox_reads_ec2_when_somebody_asks_for_a_network_and_refuses_them_what_ec2_refuses(tmp_path: Path) -> None:
    source = """
client("ssm").put_parameter(Name="/a", Value="b", Type="String")
print(client("ssm").get_parameter(Name="/a")["Parameter"]["Value"])
client("s3").list_buckets()
tell_whether_it_is_read()
with ThreadPoolExecutor(8) as threads:
    print(*threads.map(refusal, range(8)), sep="\\n")
tell_whether_it_is_read()
"""

    assert told(tmp_path, source) == ["b", "False", *[REFUSAL] * 8, "True"]


def test_a_network_that_moto_asks_itself_for_refuses_what_ec2_refuses(tmp_path: Path) -> None:
    source = """
print(client("ssm").send_command(DocumentName="AWS-RunShellScript", InstanceIds=["i-1"])["Command"]["Status"])
tell_whether_it_is_read()
try:
    get_backend("ec2")[ACCOUNT][REGION].create_security_group("sg-mine", "mine")
except Exception as error:
    print(error.message)
"""

    assert told(tmp_path, source)[1:] == ["True", REFUSAL]
