"""What tier 0 asks of one record, a file a kind of question; `between` asks several."""

from collections.abc import Callable

from memorax_bench.submission.checks.configuration import configuration
from memorax_bench.submission.checks.costs import costs
from memorax_bench.submission.checks.gates import gates
from memorax_bench.submission.checks.identities import identities
from memorax_bench.submission.checks.protocol import protocol
from memorax_bench.submission.checks.provenance import provenance
from memorax_bench.submission.checks.scores import scores
from memorax_bench.submission.checks.subject import Subject
from memorax_bench.submission.checks.tracks import tracks
from memorax_bench.submission.findings import Said

CHECKS: tuple[Callable[[Subject], Said], ...] = (
    identities,
    protocol,
    configuration,
    tracks,
    scores,
    gates,
    costs,
    provenance,
)
