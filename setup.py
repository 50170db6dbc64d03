"""The compiled kernels, which a machine without a C compiler does without; the rest is in pyproject.toml."""

import platform
import zlib
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

NAME = "minidl.kernels._compiled"
NATIVE = sorted(Path("minidl/kernels/native").glob("*.[ch]"))
# Neither errno nor floating-point exceptions are looked at, which would keep loops from becoming vector
# instructions. What a formula gives is not changed: no -ffast-math, and a product and a sum are rounded
# together, as only some CPUs can, where the code says so and nowhere else.
GNU = [
    "-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-fvisibility=hidden", "-pthread",
]  # fmt: skip
if platform.machine() in ("x86_64", "AMD64"):
    GNU.append("-mprefer-vector-width=512")  # both GCC and clang would use half of a register of AVX-512
COMPILER_FLAGS = {"unix": GNU, "mingw32": GNU, "msvc": ["/std:c11", "/O2"]}


def in_parallel(compile_all: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """The compiler's method, for several files at a time: one after the other they take a minute."""

    def compile_each(sources: list[str], *arguments: Any, **options: Any) -> list[str]:
        with ThreadPool() as pool:
            objects = pool.map(lambda source: compile_all([source], *arguments, **options), sources)
        return [name for names in objects for name in names]

    return compile_each


class BuildKernels(build_ext):
    """As setuptools builds, with the flags of the compiler that it has found."""

    def build_extension(self, extension: Extension) -> None:
        """Compile it; where that fails, leave nothing of it, nor what an earlier build has left."""
        extension.extra_compile_args = COMPILER_FLAGS.get(self.compiler.compiler_type, [])
        self.compiler.compile = in_parallel(self.compiler.compile)
        try:
            super().build_extension(extension)
        except (BaseError, CCompilerError) as error:
            Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
            self.warn(f"the kernels stay in NumPy, which is slower, since they cannot be compiled: {error}")


class Wheel(bdist_wheel):
    """One wheel for all versions of Python; for all machines, too, where nothing was compiled."""

    def get_tag(self) -> tuple[str, str, str]:
        """The tags of Python, of its binary interface, and of the machine."""
        build = self.get_finalized_command("build_ext")
        if Path(build.build_lib, build.get_ext_filename(NAME)).exists():
            return "cp311", "abi3", super().get_tag()[2]
        self.root_is_pure = True
        return "py3", "none", "any"


setup(
    cmdclass={"build_ext": BuildKernels, "bdist_wheel": Wheel},
    ext_modules=[
        Extension(
            NAME,
            [str(path) for path in NATIVE if path.suffix == ".c"],
            depends=[str(path) for path in NATIVE],
            include_dirs=[np.get_include()],
            define_macros=[
                ("Py_LIMITED_API", "0x030b0000"),
                ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
                # By which an import knows a module that was built from other sources.
                ("MINIDL_SOURCES", str(zlib.crc32(b"".join(path.read_bytes() for path in NATIVE)) >> 1)),
            ],
            py_limited_api=True,
            optional=True,
        )
    ],
)
