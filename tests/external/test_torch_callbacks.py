"""PyTorch as the judge of what callbacks do to rates, parameters and running statistics."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.callbacks import Average, ReduceOnPlateau
from tests.callbacks.runs import Script, data, trainer_with
from tests.external.torch_twins import cross_entropy, judge, parameters_agree, tensor, torch, twin_of

FIGURES = st.lists(
    st.one_of(st.sampled_from([0.0, 1.0, 1 - 1e-4, 0.5, math.nan, math.inf]), st.floats(-2, 2)),
    min_size=1,
    max_size=16,
)
OPTIONS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["min", "max"]),
        "factor": st.sampled_from([0.1, 0.5]),
        "patience": st.integers(0, 3),
        "threshold": st.sampled_from([0.0, 1e-4, 0.3, 1.0]),
        "threshold_mode": st.sampled_from(["rel", "abs"]),
        "cooldown": st.integers(0, 3),
        "min_lr": st.sampled_from([0.0, 0.02]),
        "eps": st.sampled_from([1e-8, 0.01]),
    }
)
ONE = data(4)


@given(FIGURES, OPTIONS)
def test_rates_on_a_plateau(figures, options):
    plateau = ReduceOnPlateau(monitor="validation_loss", **options)
    trainer = trainer_with(Script(figures), plateau, lr=0.1)
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    expected = []
    for figure in figures:
        expected.append(theirs.param_groups[0]["lr"])
        schedule.step(figure)
    history = trainer.fit(ONE, epochs=len(figures), validation=ONE)
    judge.agrees(history.epochs["lr"], expected, "rates")
    assert trainer.optimizer.lr == theirs.param_groups[0]["lr"]
    judge.judged("plateaus")


@pytest.mark.parametrize("decay", [None, 0.9])
def test_averages_and_their_statistics(decay):
    """`torch.optim.swa_utils`, a step an epoch so that the order of the samples does not matter."""
    dataset = data(30)
    trainer = trainer_with(Average(decay), lr=0.1, dtype=np.float64)
    net = trainer.net
    twin = twin_of(net)
    utils = torch.optim.swa_utils
    mean_of = {} if decay is None else {"multi_avg_fn": utils.get_ema_multi_avg_fn(decay)}
    averaged = utils.AveragedModel(twin, **mean_of)
    theirs = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    x, labels = tensor(dataset.features), torch.from_numpy(dataset.targets)
    for _ in range(10):
        theirs.zero_grad()
        cross_entropy(twin(x), labels).backward()
        theirs.step()
        averaged.update_parameters(twin)
    utils.update_bn([x], averaged)
    trainer.fit(dataset, epochs=4, batch_size=30)
    trainer.fit(dataset, epochs=6, batch_size=30)
    parameters_agree(net, averaged.module, "value")
    statistics_agree(net, averaged)
    judge.judged("averages")


def test_statistics_over_several_batches():
    trainer = trainer_with(Average(), dtype=np.float64)
    dataset = data(30)
    trainer.fit(dataset, epochs=3, batch_size=8)
    twin = twin_of(trainer.net)
    torch.optim.swa_utils.update_bn(tensor(dataset.features).split(8), twin)
    statistics_agree(trainer.net, twin)
    judge.judged("averages")


def statistics_agree(net, twin):
    (theirs,) = (each for each in twin.modules() if isinstance(each, torch.nn.BatchNorm1d))
    judge.agrees(net[1].running_mean.value, theirs.running_mean.numpy(), "running means")
    judge.agrees(net[1].running_var.value, theirs.running_var.numpy(), "running variances")
