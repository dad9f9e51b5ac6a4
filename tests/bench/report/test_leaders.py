"""The first of a ranking, as the terminal has it."""

from memorax_bench.report.leaders import leaders_text
from memorax_bench.report.standings import standings
from memorax_bench.report.tables import build_table
from tests.bench.report.conftest import FINALS
from tests.bench.synthetic import fill

TOP = """\
 rank     torso     mean           P(best)  gain  solved  steps/s  torso params  state B
 1 [1,1]  lru       .90 [.90,.90]  1.0      .90   1/2     31k      25k           512
 2 [2,3]  gru       .60 [.53,.67]  .00      .58   0/2     84k      25k           256      baseline
 4 [4,4]  mlp-prev  .04 [.01,.07]  .00      -     0/2     185k     4.2k          0        control
 5 [5,5]  mlp       .00 [.00,.00]  .00      -     0/2     190k     4.2k          0        control"""


def test_the_first_the_baseline_and_the_controls(table, found):
    head, *lines = leaders_text(table, found, 1).splitlines()
    assert head.startswith("tiny@1  normalised return at") and "n=5" in head
    assert "\n".join(lines) == f"{TOP}\n and 1 more"


def test_all_of_them(table, found):
    lines = leaders_text(table, found, 5).splitlines()
    assert [line.split()[2] for line in lines[2:]] == ["lru", "gru", "mamba2", "mlp-prev", "mlp"]


def test_nobody_is_complete(tmp_path, ranked):
    half = build_table(ranked, fill(tmp_path, ranked, {key: FINALS[key] for key in FINALS if key[0] == "higher-lower"}))
    assert leaders_text(half, standings(half), 3) == "tiny@1: no row has every ranked task yet"
