"""What `--smoke` asks: the same command run in both images of a pair."""

from migrate.compare.allowances import Normalising
from migrate.compare.smoke import Output, SmokeComparison, compare_outputs
from migrate.engine.client import EngineClient, Ran
from migrate.engine.sandbox import Run
from migrate.engine.steps import Report
from migrate.outcome import SmokeCheck
from migrate.pipeline.comparing import ImagePair


class Smoke:
    """Runs commands in images; `seconds` is the time limit of each run. `normalising` is None where nothing is allowed for."""

    def __init__(self, client: EngineClient, run: Run, seconds: int, report: Report) -> None:
        self._client = client
        self._run = run
        self._seconds = seconds
        self._report = report

    def check(self, pair: ImagePair, words: tuple[str, ...], normalising: Normalising | None) -> SmokeCheck:
        """Both runs, and a second one in the legacy image where they differ. What doesn't even start there tells nothing, and
        counts as a difference."""
        legacy, migrated = (self._ran(i.image_id, words) for i in (pair.legacy, pair.migrated))
        if not legacy.started:
            comparison = SmokeComparison(deltas=(f"it does not start in the legacy image: {legacy.error}",))
        else:
            comparison = compare_outputs(self._output(legacy), None, self._output(migrated), normalising)
            if comparison.deltas and normalising is not None:
                again = self._output(self._ran(pair.legacy.image_id, words))
                comparison = compare_outputs(self._output(legacy), again, self._output(migrated), normalising)
        self._report("smoke", f"{pair.reference}: {comparison.verdict.value}")
        return SmokeCheck(
            reference=pair.reference, words=words, ended=self._output(legacy).ended, comparison=comparison
        )

    def _ran(self, image_id: str, words: tuple[str, ...]) -> Ran:
        return self._client.run(image_id, words, self._run.container_name("smoke"), self._seconds)

    def _output(self, ran: Ran) -> Output:
        if not ran.started:
            ended = f"did not start ({ran.error})"
        elif ran.exit_code is None:
            ended = f"ended at the time limit of {self._seconds} s"
        else:
            ended = f"exit status {ran.exit_code}"
        return Output(ended=ended, stdout=ran.stdout, stderr=ran.stderr)
