"""Mutants that no clause catches, and why: ``SURVIVORS`` cannot be seen, ``PENDING`` can and should."""

SURVIVORS = {
    "NeverRescales": "whether training should agree with inference on average is the layer's own affair",
    "FiresAtZero": "at a kink any slope between the one-sided ones is right; which is taken is a convention",
    "NesterovSwapped": "both are right optimizers; which one a flag selects, a comparison with others tells",
    "OneEpochEarly": "it is a right schedule, of other boundaries; its own tests say where they should be",
}
"""By name, the reason why the check cannot see the fault."""

PENDING: dict[str, str] = {
    "LetsOneThrough": "of what draws at random, no gradient is compared at a batch of 1",
}
"""By name, what the clauses leave undone. An entry that is caught fails its test: take it out."""
