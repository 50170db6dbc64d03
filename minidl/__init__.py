"""minidl: a small, fast deep-learning framework on NumPy for nets that fit a CPU."""

from importlib import import_module
from typing import TYPE_CHECKING

from minidl.lazy import lazy

__version__ = "0.1.0"

if TYPE_CHECKING:
    from minidl import callbacks as callbacks
    from minidl import data as data
    from minidl import initializers as initializers
    from minidl import layers as layers
    from minidl import losses as losses
    from minidl import metrics as metrics
    from minidl import optimizers as optimizers
    from minidl import regularizers as regularizers
    from minidl import schedulers as schedulers
    from minidl import transforms as transforms
    from minidl.callbacks import Callback as Callback
    from minidl.callbacks import Checkpoint as Checkpoint
    from minidl.callbacks import ClipNorm as ClipNorm
    from minidl.callbacks import EarlyStopping as EarlyStopping
    from minidl.callbacks import ProgressBar as ProgressBar
    from minidl.classic import TwoLayerNet as TwoLayerNet
    from minidl.cores import usable_cores as usable_cores
    from minidl.data import Dataset as Dataset
    from minidl.errors import MinidlError as MinidlError
    from minidl.layers import Affine as Affine
    from minidl.layers import Flatten as Flatten
    from minidl.layers import Layer as Layer
    from minidl.layers import ReLU as ReLU
    from minidl.layers import Sequential as Sequential
    from minidl.layers import Standardize as Standardize
    from minidl.losses import Loss as Loss
    from minidl.losses import MeanSquaredError as MeanSquaredError
    from minidl.losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from minidl.metrics import R2 as R2
    from minidl.metrics import Accuracy as Accuracy
    from minidl.metrics import MeanAbsoluteError as MeanAbsoluteError
    from minidl.metrics import Metric as Metric
    from minidl.net import Net as Net
    from minidl.optimizers import SGD as SGD
    from minidl.optimizers import Optimizer as Optimizer
    from minidl.parameters import Parameter as Parameter
    from minidl.parameters import State as State
    from minidl.recipes import mlp as mlp
    from minidl.recipes import two_layer_net as two_layer_net
    from minidl.regularizers import L2 as L2
    from minidl.regularizers import Regularizer as Regularizer
    from minidl.schedulers import Constant as Constant
    from minidl.schedulers import Scheduler as Scheduler
    from minidl.schedulers import StepDecay as StepDecay
    from minidl.storage import load as load
    from minidl.storage import save as save
    from minidl.training import History as History
    from minidl.training import Trainer as Trainer
    from minidl.training import evaluate as evaluate
    from minidl.training import find_lr as find_lr
else:
    _PACKAGES = (
        "callbacks data initializers layers losses metrics optimizers regularizers schedulers transforms"
    )
    _get, __dir__, __all__ = lazy(
        globals(),
        {
            "": _PACKAGES,
            "callbacks": "Callback Checkpoint ClipNorm EarlyStopping ProgressBar",
            "classic": "TwoLayerNet",
            "cores": "usable_cores",
            "data": "Dataset",
            "errors": "MinidlError",
            "layers": "Affine Flatten Layer ReLU Sequential Standardize",
            "losses": "Loss MeanSquaredError SoftmaxCrossEntropy",
            "metrics": "R2 Accuracy MeanAbsoluteError Metric",
            "net": "Net",
            "optimizers": "SGD Optimizer",
            "parameters": "Parameter State",
            "plots": "",
            "recipes": "mlp two_layer_net",
            "regularizers": "L2 Regularizer",
            "schedulers": "Constant Scheduler StepDecay",
            "storage": "load save",
            "sweep": "",
            "testing": "",
            "training": "History Trainer evaluate find_lr",
        },
    )

    def __getattr__(name):
        """As `lazy` has it; where another package of minidl offers the name, the error says so."""
        try:
            return _get(name)
        except AttributeError as error:
            packages = () if name.startswith("_") else (*_PACKAGES.split(), "recipes")
            homes = (import_module(f"minidl.{home}") for home in packages)
            found = next((f"; it is {home.__name__}.{name}" for home in homes if name in home.__all__), "")
            raise AttributeError(f"{error}{found}") from None
