"""What another system needs between the steps: how a job tells the next one, who has to be asked, what is stopped.

These lines are about that system alone; what they hand on, the steps have decided.
"""

from collections.abc import Mapping, Sequence

from sagewright.project import Project, names
from sagewright.stacks.delivery import jobs, steps


def lines(project: Project, *, bucket: str, told: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Write them, by what they are for."""
    return {
        "gates": _gates(project),
        "tell": _tell(told),
        "tell_back": _tell(["Proceed", "Version"]),
        "stop": _stop(),
        "look": _look(bucket),
        "begin": _begin(),
        "venv": [f"python{steps.PYTHON} -m venv .venv", _ACTIVATE],
        "activate": [_ACTIVATE],
        "look_promotion": _take(jobs.PROMOTION, "VERSION", "Version"),
        "look_rollback": _take(jobs.ROLLBACK, "ENVIRONMENT", "Environment", "Version", "Leaving", "Who", "Reason"),
    }


_ACTIVATE = '. "$WORKSPACE/.venv/bin/activate"'


def _gates(project: Project) -> list[str]:
    """Make sure of the gates: an environment of GitHub's asks nobody until somebody has said whom to ask.

    https://docs.github.com/en/rest/deployments/environments
    """
    rules = '[.protection_rules[].type] | index("required_reviewers") != null'
    wrong = "Environment $gate has no required reviewers: name them in the repository's settings, Environments."
    return [
        f"for gate in {' '.join(jobs.gates(project))}; do",
        f"  asks=$(gh api \"repos/$GITHUB_REPOSITORY/environments/$gate\" --jq '{rules}')",
        f'  [ "$asks" = true ] || {{ echo "::error::{wrong}"; exit 1; }}',
        "done",
    ]


def _tell(told: Sequence[str]) -> list[str]:
    """Hand on what was decided; a summary also goes where people see it."""
    return [
        f". ./{steps.VARIABLES}",
        f"for name in {' '.join(told)}; do",
        '  printf "%s=%s\\n" "$name" "${!name:-none}"',
        'done >> "$GITHUB_OUTPUT"',
        'printf "%s\\n\\n%s\\n" "$Summary" "https://$Evidence" >> "$GITHUB_STEP_SUMMARY"',
    ]


def _stop() -> list[str]:
    """Stop the promotions whose job is in the environment now; those that wait elsewhere go on."""
    inside = '.jobs[] | select(.status == "in_progress") | .name'
    listed = "--workflow promotion.yml --status in_progress --json databaseId --jq '.[].databaseId'"
    return [
        f'for run in $(gh run list --repo "$GITHUB_REPOSITORY" {listed}); do',
        f'  inside=$(gh run view "$run" --repo "$GITHUB_REPOSITORY" --json jobs --jq \'{inside}\')',
        '  if grep -qx "$ENVIRONMENT" <<< "$inside"; then',
        '    gh run cancel "$run" --repo "$GITHUB_REPOSITORY"',
        '    gh run watch "$run" --repo "$GITHUB_REPOSITORY" --interval 10 > /dev/null',
        "  fi",
        "done",
    ]


def _look(bucket: str) -> list[str]:
    """Tell by names alone whether anything waits: the runner has AWS's command line, and the tool is not needed."""
    asked = f"--bucket {bucket} --prefix {names.WAITING}/ --query 'Contents[].Key' --output text"
    return [
        f"aws s3api list-objects-v2 {asked} > listed.txt",
        "waits=$(tr '\\t' '\\n' < listed.txt | sed -n 's/\\.\\(json\\|begun\\)$//p' | sort | uniq -u)",
        'if [ -n "$waits" ]; then echo "waits=yes" >> "$GITHUB_OUTPUT"; fi',
    ]


def _begin() -> list[str]:
    """Start a workflow for each thing that waits: this one is allowed to, as GitHub's own token."""
    start = 'gh workflow run --repo "$GITHUB_REPOSITORY" --ref "$GITHUB_REF_NAME"'
    wish = '-f environment="$Environment" -f version="$Version" -f leaving="$Leaving" -f who="$Who" -f reason="$Reason"'
    looked = steps.look()
    return [
        *looked,
        'while [ "$Waiting" != none ]; do',
        f'  if [ "$What" = {jobs.PROMOTION} ]; then',
        f'    {start} promotion.yml -f version="$Version"',
        "  else",
        f"    {start} rollback.yml {wish}",
        "  fi",
        *(f"  {line}" for line in steps.begin()),
        *(f"  {line}" for line in looked),
        "done",
    ]


def _take(what: str, unless: str, *variables: str) -> list[str]:
    """Take what waits where the job was told nothing, as the role that may look for it."""
    return [
        f'if [ "${unless}" = none ]; then',
        '  resolving_role=$AWS_ROLE_ARN; export AWS_ROLE_ARN="$WAITING_ROLE"',
        *(f"  {line}" for line in steps.look(what)),
        f'  if [ "$Waiting" != none ]; then {steps.begin()[0]}; fi',
        '  export AWS_ROLE_ARN="$resolving_role"',
        *(f'  export {each.upper()}="${each}"' for each in variables),
        "fi",
    ]
