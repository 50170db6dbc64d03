"""Mutants that no clause can catch, and why."""

SURVIVORS = {
    "NeverRescales": "whether training should agree with inference on average is the layer's own affair",
    "FiresAtZero": "at a kink any slope between the one-sided ones is right; which is taken is a convention",
    "NesterovSwapped": "both are right optimizers; which one a flag selects, a comparison with others tells",
    "NoCorrection": "it is a right optimizer, of another name; the comparison with PyTorch tells",
    "OneEpochEarly": "it is a right schedule, of other boundaries; its own tests say where they should be",
    "BiasedRunningVariance": "running statistics are no part of a derivative; a comparison with others tells",
    "MomentumTheOtherWay": "as above: the check does not know which statistics inference is meant to use",
}
"""By name, the reason why the check cannot see the fault."""
