"""Fixtures, and the hypothesis profile to run under: ``HYPOTHESIS_PROFILE=dev|ci|nightly``."""

import os
import signal

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before NumPy is imported, and for the processes that tests start, too: the threads of several
    # workers would wait for each other's cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

import minidl
from minidl import SGD, Affine, ReLU, Sequential, SoftmaxCrossEntropy, Trainer
from minidl.testing.strategies import register_profiles

register_profiles()
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

os.fsync = lambda descriptor: None  # no test's file has to survive a power cut; a call takes milliseconds

# What is started by nohup, or in the background, may ignore these; tests send them, to other processes, too.
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (getattr(signal, "SIGHUP", signal.SIGTERM), signal.SIG_DFL),
):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _handler)


@pytest.fixture(autouse=True)
def same_handlers():
    """No test leaves a signal's handler behind: the next one that sends the signal might end the process."""
    numbers = signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    left = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if left[number] != handler:
            signal.signal(number, handler)
    assert left == before


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist, nobody calls it
def pytest_xdist_make_scheduler(config, log):
    """Let a worker that is done take over tests of another's: in the deeper profiles, some take a minute."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture(scope="session")
def digits():
    return minidl.data.load("digits")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def make_net():
    """Builds a small net; the same seed gives the same net."""

    def build(features=6, hidden=5, classes=4, *, seed=0, dtype=np.float32):
        generator = np.random.default_rng(seed)
        return Sequential(
            Affine(features, hidden, rng=generator, dtype=dtype),
            ReLU(),
            Affine(hidden, classes, rng=generator, dtype=dtype),
            SoftmaxCrossEntropy(),
        )

    return build


@pytest.fixture
def make_batch():
    """Draws features and labels."""

    def draw(samples=8, features=6, classes=4, *, seed=0, dtype=np.float32):
        generator = np.random.default_rng(seed)
        x = generator.standard_normal((samples, features)).astype(dtype)
        return x, generator.integers(classes, size=samples)

    return draw


@pytest.fixture
def make_trainer(make_net):
    def build(*, seed=0, lr=0.1, momentum=0.9, **options):
        return Trainer(make_net(), SGD(lr, momentum=momentum), rng=seed, **options)

    return build
