"""Prove that a layer, loss, net, optimizer, scheduler, metric or transform is right.

`check_gradients` compares backward with differences of forward; `check_layer` and its like check
the whole contract, clause by clause. Random nets for tests are in `minidl.testing.strategies`,
which needs the extra ``testing``; everything else needs NumPy alone.
"""

from minidl.testing.batch_contract import check_metric, check_transform
from minidl.testing.clauses import (
    CLAUSES,
    LOSS_CLAUSES,
    METRIC_CLAUSES,
    NET_CLAUSES,
    OPTIMIZER_CLAUSES,
    SCHEDULER_CLAUSES,
    TRANSFORM_CLAUSES,
)
from minidl.testing.contract import check_layer, check_loss, check_net
from minidl.testing.gradients import check_gradients, check_loss_gradients, check_net_gradients
from minidl.testing.reports import (
    ContractError,
    GradientError,
    GradientReport,
    LayerContractError,
    Report,
    Result,
)
from minidl.testing.update_contract import check_optimizer, check_scheduler

__all__ = [
    "CLAUSES",
    "LOSS_CLAUSES",
    "METRIC_CLAUSES",
    "NET_CLAUSES",
    "OPTIMIZER_CLAUSES",
    "SCHEDULER_CLAUSES",
    "TRANSFORM_CLAUSES",
    "ContractError",
    "GradientError",
    "GradientReport",
    "LayerContractError",
    "Report",
    "Result",
    "check_gradients",
    "check_layer",
    "check_loss",
    "check_loss_gradients",
    "check_metric",
    "check_net",
    "check_net_gradients",
    "check_optimizer",
    "check_scheduler",
    "check_transform",
]
