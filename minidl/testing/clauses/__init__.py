"""The clauses themselves: each a function of a case, whose docstring says what it demands."""
