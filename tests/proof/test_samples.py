"""Every sample is proved, without an engine, under the assumptions that its `expected/proof` lists, and each of them is told."""

from pathlib import Path

import pytest

from migrate.proof.model import Verdict
from tests.proof.sides import analysed, prove_trees
from tests.trios import NAMES

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize("sample", NAMES)
def test_a_sample_is_proved_under_what_it_lists(sample: str) -> None:
    analysis = analysed(SAMPLES / sample / "legacy")
    assert analysis.proof is not None
    codes = sorted({d.rule.code for d in analysis.proof.assumptions})
    assert analysis.proof.difference is None
    assert codes == (SAMPLES / sample / "expected/proof").read_text().split()
    assert analysis.proof.verdict is (Verdict.ASSUMING if codes else Verdict.PROVED)
    assert set(codes) <= {d.rule.code for d in analysis.diagnostics}
    assert all(d.primary is not None for d in analysis.proof.assumptions)


ROOT_OWNED = {
    "copy-tar-run",
    "github-steps",
    "gitlab-job",
    "href-counter",
    "jenkins-pipeline",
    "foreign-image",
    "make-script",
    "many-builders",
    "many-containers",
    "many-cps",
    "many-runtimes",
    "npm-script",
    "references",
    "seed-trio",
}
"""Their `expected` leaves `--chown=0:0` out, since an engine said that the artifact is root's: nothing in the texts says so."""


@pytest.mark.parametrize("sample", NAMES)
def test_what_is_expected_is_proved_as_it_stands(sample: str) -> None:
    """The tree that a person reads, not what this tool makes of the other one."""
    proof = prove_trees(SAMPLES / sample / "legacy", SAMPLES / sample / "expected")
    if sample in ROOT_OWNED:
        assert proof.difference is not None
        assert "with the owners that it has" in proof.difference.message
    else:
        assert proof.difference is None
