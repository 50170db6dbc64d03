"""How the hot loops are computed: the one room for tricks.

A kernel is a function of plain arrays with a name from the field. Beside it stands ``NAME_definition``, what
it computes in a few lines of plain NumPy; tests hold the two equal.
"""
