"""Every contestant computes what the others do; what they take is not tested here."""

import dataclasses
import pickle

import pytest

from benchmarks.contestants import CONTESTANTS
from benchmarks.contestants.classic import ClassicNet, reference_losses
from benchmarks.problems import Program, Training
from benchmarks.processes import WorkerError, started
from benchmarks.results import Report
from benchmarks.rounds import AnswersDiffer, Session, check, measure, take_turns
from benchmarks.suites import SUITES
from minidl.cores import usable_cores
from minidl.kernels import way
from tests.classic import ClassicTwoLayerNet
from tests.deep import deep

pytestmark = deep

TINY = Training("tiny", (5,), features=12, classes=3, batch=8, samples=40, learning_rate=0.1)
DEEP = dataclasses.replace(TINY, label="deep", hidden=(6, 5, 4))
STEP = SUITES["step"]
INSTALLED = [name for name in STEP.contestants if not CONTESTANTS[name].missing]


@pytest.fixture(scope="module")
def checked():
    """Differences and refusals of every contestant installed, in one process each for all tests."""
    with started(STEP.contestants, usable_cores()) as (processes, skipped):
        found = {problem.label: check(STEP, problem, processes) for problem in (TINY, DEEP)}
        yield found, skipped


@pytest.mark.parametrize("name", STEP.contestants)
@pytest.mark.parametrize("label", ["tiny", "deep"])
def test_losses_agree_with_the_classic_program(checked, name, label):
    if CONTESTANTS[name].missing:
        pytest.skip(CONTESTANTS[name].missing)
    found, skipped = checked
    assert name not in skipped, skipped[name]
    differences, refused = found[label]
    assert name not in refused, refused[name]
    if name == "floor":
        assert differences[name] is None
    else:
        assert differences[name] <= STEP.tolerance


def test_one_that_is_not_installed_is_left_out_by_name(checked):
    _, skipped = checked
    assert set(skipped) == set(STEP.contestants) - set(INSTALLED)


def test_the_reference_is_the_classic_two_layer_net():
    features, labels = TINY.data()
    batches = iter(TINY.checked_batches())
    net = ClassicTwoLayerNet(12, 5, 3)
    weights = dict(zip(["W1", "b1", "W2", "b2"], sum(TINY.weights(), ()), strict=True))
    net.params = {name: values.astype(float) for name, values in weights.items()}
    net.rng = type("Replay", (), {"choice": lambda self, count, size: next(batches)})()
    options = {"learning_rate": TINY.learning_rate, "learning_rate_decay": 1.0, "reg": TINY.reg}
    history = net.train(
        features.astype(float), labels, features[:1], labels[:1], num_iters=5, batch_size=8, **options
    )
    assert reference_losses(TINY) == pytest.approx(history["loss_history"], rel=1e-13)


@pytest.mark.parametrize("problem", [TINY, DEEP], ids=["tiny", "deep"])
@pytest.mark.parametrize("change", [{"learning_rate": 0.101}, {"reg": 1.01e-3}, {"seed": 1}], ids=str)
def test_the_checked_losses_would_show_a_wrong_step(problem, change):
    wrong = reference_losses(dataclasses.replace(problem, **change))
    right = reference_losses(problem)
    assert max(abs(a - b) / b for a, b in zip(wrong, right, strict=True)) > 2 * STEP.tolerance


@pytest.mark.parametrize("which", ["W", "b"])
@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_the_checked_losses_would_show_a_layer_that_is_not_trained(monkeypatch, which, layer):
    right = reference_losses(DEEP)
    step = ClassicNet.step

    def forgetful(net, *arguments, **options):
        kept = getattr(net, which)[layer].copy()
        loss = step(net, *arguments, **options)
        getattr(net, which)[layer][...] = kept
        return loss

    monkeypatch.setattr(ClassicNet, "step", forgetful)
    wrong = reference_losses(DEEP)
    assert max(abs(a - b) / b for a, b in zip(wrong, right, strict=True)) > 10 * STEP.tolerance


def wrong(reference):
    """The suite with a reference that nobody meets."""
    return dataclasses.replace(STEP, reference=lambda problem: reference, problems=lambda quick: [TINY])


@pytest.mark.parametrize("reference", [[1.0] * 5, [float("nan")] * 5, [1.0]], ids=["other", "NaN", "fewer"])
def test_a_peer_that_computes_something_else_is_refused(reference):
    with started(["floor", "classic"], 1) as (processes, _):
        differences, refused = check(wrong(reference), TINY, processes)
    assert differences == {"floor": None}
    assert isinstance(refused["classic"], AnswersDiffer)
    assert "classic NumPy: expected" in str(refused["classic"])


def test_a_peer_that_is_refused_has_no_figures_and_minidl_ends_the_run():
    session = Session(wrong([1.0] * 5), ["floor", "classic"], 1, Report({}), rounds=1, seconds=1e-9)
    results = list(measure(session))
    assert [result.contestant for result in results] == ["floor"]
    (record,) = session.report.skipped
    assert (record["contestant"], record["row"]) == ("classic", "tiny")
    with pytest.raises(AnswersDiffer, match="minidl: expected"):
        list(measure(dataclasses.replace(session, names=["floor", "minidl"])))


def test_a_program_tells_its_own_figure_and_is_refused_where_it_learns_too_little():
    printed = {"floor": "1, 42", "minidl": "0.9, 43", "classic": "0.89, 44"}
    commands = tuple((name, ("-c", f"print({text})")) for name, text in printed.items())
    problem = Program("tiny", commands, least=0.9)
    suite = dataclasses.replace(SUITES["memory"], problems=lambda quick: [problem])
    session = Session(suite, list(printed), 1, Report({}), rounds=2)
    found = {result.contestant: result.values for result in measure(session)}
    assert found == {"floor": [42, 42], "minidl": [43, 43]}
    (record,) = session.report.skipped
    assert (record["contestant"], record["row"]) == ("classic", "tiny")
    assert "expected a test accuracy of 90.0%, got 89.0%" in record["reason"]


def test_both_ways_of_the_kernels_take_part():
    asked = "from minidl.kernels import way; print(1, int(way.level() is None))"
    commands = tuple((name, ("-c", asked)) for name in ("minidl", "numpy"))
    suite = dataclasses.replace(SUITES["cold-start"], problems=lambda quick: [Program("kernels", commands)])
    session = Session(suite, ["minidl", "numpy"], 1, Report({}), rounds=1)
    found = {result.contestant: result.values for result in measure(session)}
    assert found == {"minidl": [way.level() is None], "numpy": [1]}


def test_an_error_in_a_worker_comes_back_by_name():
    with started(["floor"], 1) as (processes, _):
        with pytest.raises(WorkerError, match="floor: TypeError"):
            processes["floor"].ask("prepare", nonsense=1)
        processes["floor"].ask("prepare", task="Step", problem=TINY)  # and it goes on


def test_a_worker_has_as_many_cores_and_threads_as_it_should():
    for threads in sorted({1, usable_cores()}):
        with started(["floor"], threads) as (processes, _):
            records = processes["floor"].ask("libraries")
            assert records
            assert {record["threads"] for record in records} == {threads}


def test_a_round_begins_with_another_contestant_each_time():
    order = []
    values = take_turns("abc", 3, lambda name: order.append(name) or len(order), lambda: None)
    assert "".join(order) == "abcbcacab"
    assert values == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_a_slow_contestant_sits_out_later_rounds():
    values = take_turns("ab", 5, lambda name: 1.0, lambda: None, slow={"b"})
    assert [len(values[name]) for name in "ab"] == [5, 3]


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
def test_problems_have_labels_of_their_own_and_survive_the_way_to_a_worker(name, quick):
    suite = SUITES[name]
    problems = suite.problems(quick)
    assert len({problem.label for problem in problems}) == len(problems) > 0
    for problem in problems:
        assert pickle.loads(pickle.dumps(problem)) == problem
        if suite.task == "Step":  # whose contestants reshape an epoch into whole batches
            assert problem.samples % problem.batch == 0
            assert problem.units >= 2
