"""The compiled kernels, which a machine without a C compiler does without; the rest is in pyproject.toml."""

from pathlib import Path

import numpy as np
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NATIVE = Path("minidl/kernels/native")
# Neither errno nor floating-point exceptions are looked at, which would keep loops from becoming vector
# instructions. What a sum is, is not changed: no -ffast-math.
GNU = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-pthread"]
COMPILER_FLAGS = {"unix": GNU, "mingw32": GNU, "msvc": ["/std:c11", "/O2"]}


class BuildKernels(build_ext):
    """As setuptools builds, with the flags of the compiler that it has found."""

    def build_extension(self, extension: Extension) -> None:
        """Compile it, if there is a compiler."""
        extension.extra_compile_args = COMPILER_FLAGS.get(self.compiler.compiler_type, [])
        super().build_extension(extension)


setup(
    cmdclass={"build_ext": BuildKernels},
    ext_modules=[
        Extension(
            "minidl.kernels._compiled",
            sorted(map(str, NATIVE.glob("*.c"))),
            depends=sorted(map(str, NATIVE.glob("*.[ch]"))),
            include_dirs=[np.get_include()],
            define_macros=[("Py_LIMITED_API", "0x030b0000"), ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION")],
            py_limited_api=True,
            optional=True,
        )
    ],
)
