"""Mutants that no clause can catch, and why."""

SURVIVORS = {
    "NeverRescales": "whether training should agree with inference on average is the layer's own affair",
    "FiresAtZero": "at a kink any slope between the one-sided ones is right; which is taken is a convention",
}
"""By name, the reason why the check cannot see the fault."""
