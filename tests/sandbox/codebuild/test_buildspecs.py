"""A buildspec that CodeBuild would not run is refused, and what the sandbox does not have is named."""

import pytest

from sagewright.sandbox.codebuild.buildspec import BuildspecError, parse

BUILD = "phases: {build: {commands: [echo]}}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 0.2", "phases is required"),
        (f"version: 0.1\n{BUILD}", "Invalid buildspec version: 0.1"),
        (BUILD, "Invalid buildspec version: none"),
        ("version: 0.2\nphases: [", "Unable to parse the buildspec"),
        ("version: 0.2\nphases: {deploy: {commands: [echo]}}", "phases has no key deploy"),
        ("version: 0.2\nphases: {build: {}}", "phases/build/commands is required"),
        (
            "version: 0.2\nphases: {build: {commands: [{echo: a}]}}",
            r"Expected Commands\[0\] to be of string type: found subkeys",
        ),
        ("version: 0.2\nphases: {build: {commands: [echo], run-as: me}}", "does not have `phases/build/run-as`"),
        ("version: 0.2\nphases: {build: {commands: [echo], on-failure: RETRY}}", "ABORT and CONTINUE, not RETRY"),
        (f"version: 0.2\nrun-as: me\n{BUILD}", "does not have `run-as`"),
        (f"version: 0.2\nbatch: {{}}\n{BUILD}", "does not have `batch`"),
        (f"version: 0.2\nenv: {{git-credential-helper: yes}}\n{BUILD}", "does not have `env/git-credential-helper`"),
        (f"version: 0.2\nenv: {{shell: zsh}}\n{BUILD}", "Invalid shell: zsh"),
        (f"version: 0.2\nenv: {{variables: {{CODEBUILD_X: 1}}}}\n{BUILD}", "CODEBUILD_X is reserved"),
        (f"version: 0.2\nenv: {{variables: {{a-b: 1}}}}\n{BUILD}", "a-b is no name of an environment variable"),
        (f"version: 0.2\n{BUILD}\nartifacts: {{name: a}}", "artifacts/files is required"),
        (
            f"version: 0.2\n{BUILD}\nartifacts: {{files: [a], enable-symlinks: yes}}",
            "does not have `artifacts/enable-symlinks`",
        ),
        (
            f"version: 0.2\n{BUILD}\nreports: {{a: {{files: [a], file-format: CUCUMBERJSON}}}}",
            "does not have reports of the format CUCUMBERJSON; it has JUNITXML, COBERTURAXML, CLOVERXML",
        ),
        (f"version: 0.2\n{BUILD}\ncaches: {{}}", "the buildspec has no key caches"),
    ],
)
def test_a_wrong_buildspec_is_refused_with_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(BuildspecError, match=problem):
        parse(text)


def test_scalars_of_yaml_are_texts_to_a_shell() -> None:
    spec = parse(f"version: 0.2\nenv: {{variables: {{A: true, B: 3, C: 'x y'}}}}\n{BUILD}")
    assert spec.variables == {"A": "true", "B": "3", "C": "x y"}
    assert spec.shell == "sh"
