"""A push is tried before anything is deployed: its code fails here, and not in an account."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.loop.accounts import Lifts, table

pytestmark = pytest.mark.slow
CODE = """
    from sklearn.linear_model import LogisticRegression


    def fit(X, y, hyperparameters):
        if (X["age"] < 0).any():
            raise ValueError("no lift is as young as that")
        return LogisticRegression().fit(X, y)
    """


@pytest.fixture(scope="module")
def lifts(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Lifts:
    """A project without any sandbox around it, and its assembly."""
    outside: Any = type("Outside", (), {"folder": tmp_path_factory.mktemp("rehearsal")})
    planted = Lifts.planted("lifts", outside, command_line)
    (planted.cli.folder / "lifts" / "__init__.py").write_text(textwrap.dedent(CODE))
    # Its data is elsewhere, of which the repository holds a sample; and no model is as good as that.
    (planted.cli.folder / "lifts.csv").rename(planted.cli.folder / "sample.csv")
    planted.declare(
        repository={"provider": "codecommit", "name": "lifts"},
        delivery={"sample": "sample.csv"},
        data={"source": "s3://lifts-of-the-city/raw/", "problem": "binary_classification", "label": "stuck"},
        evaluation={"metric": "roc_auc", "minimum": 0.9999},
    )
    planted.cli.ok("delivery", "synth")
    return planted


def test_a_sample_that_is_too_small_for_a_good_model_passes_where_all_steps_ran(lifts: Lifts) -> None:
    (lifts.cli.folder / "sample.csv").write_text(table())
    told = lifts.cli.ok("delivery", "rehearse")["rehearsal"]
    assert told.startswith("Rehearsed a training on 200 rows: every step ran; the gate refused the model")
    assert not (lifts.cli.folder / ".sagewright" / "sandbox.json").exists()


def test_code_that_fails_fails_the_rehearsal_with_its_last_words(lifts: Lifts) -> None:
    negative = re.sub(r"^\d", r"-\g<0>", table(), flags=re.MULTILINE)
    (lifts.cli.folder / "sample.csv").write_text(negative)
    done = lifts.cli.run("delivery", "rehearse")
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert "The rehearsal of the training on 200 rows failed, as the training itself would" in told
    assert "step Train" in told
    assert "no lift is as young as that" in told
