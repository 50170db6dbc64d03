"""What the compiled kernels are compared by: ``python -m minidl.kernels --check``, and the tests."""
