import ast
import os
import pickle
import pkgutil
import platform
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import minidl

LAZY = ["minidl", *(f"minidl.{room}" for room in ("callbacks", "data", "layers", "losses"))]
LAZY += [f"minidl.{room}" for room in ("metrics", "optimizers", "plots", "recipes")]
LAZY += [f"minidl.{room}" for room in ("schedulers", "training", "transforms")]


def loaded_by(statement):
    code = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_importing_minidl_loads_numpy_and_nothing_heavier():
    every = ";".join(f"minidl.{name}" for name in minidl.__all__)
    extra = loaded_by(f"import minidl; {every}") - loaded_by("import numpy, numpy.random")
    extra = {name.partition(".")[0] for name in extra}
    third_party = {name for name in extra if not name.startswith("_")} - set(sys.stdlib_module_names)
    assert third_party <= {"minidl", "numpy"}
    assert not extra & {"tarfile", "gzip", "pickletools", "multiprocessing", "asyncio", "subprocess"}


def test_importing_minidl_loads_none_of_its_rooms():
    others = "import __future__, numpy"
    assert loaded_by(f"{others}, minidl") - loaded_by(others) == {"minidl", "minidl.lazy"}


def test_every_public_package_is_an_attribute_without_an_import_of_its_own():
    packages = {module.name for module in pkgutil.iter_modules(minidl.__path__) if module.ispkg}
    for name in packages - {"cli", "kernels"}:
        assert minidl.__getattr__(name) is import_module(
            f"minidl.{name}"
        )  # what was imported before is there


def test_a_room_is_loaded_as_far_as_it_is_used():
    found = loaded_by("import minidl; minidl.two_layer_net(4, 3, 2)")
    assert {"minidl.layers.affine", "minidl.losses.classification"} <= found
    assert not {"minidl.layers.convolution", "minidl.losses.margin", "minidl.data.catalog"} & found


@pytest.mark.parametrize("name", LAZY)
def test_what_is_offered_is_what_type_checkers_see(name):
    """The names, and the module of each, that stand ``if TYPE_CHECKING``."""
    package = import_module(name)
    body = ast.parse(Path(package.__file__).read_text()).body
    block = next(node for node in body if isinstance(node, ast.If) and node.test.id == "TYPE_CHECKING").body
    homes = {alias.asname: node.module for node in block for alias in node.names}
    assert package.__all__ == sorted(homes)
    for thing, home in homes.items():
        module = import_module(f"{name}.{thing}" if home == name else home)
        assert getattr(package, thing) is (module if home == name else getattr(module, thing)), thing


def test_every_package_of_public_names_is_lazy():
    eager = {"cli", "kernels", "storage", "sweep", "testing"}  # storage offers what one file holds
    packages = {module.name for module in pkgutil.iter_modules(minidl.__path__) if module.ispkg}
    assert {f"minidl.{name}" for name in packages - eager} == {*LAZY} - {"minidl"}


def test_a_star_brings_every_name_and_dir_tells_them():
    code = f"""
import minidl, sys
for name in {LAZY}:
    names = {{}}
    exec(f"from {{name}} import *", names)
    package = sys.modules[name]
    assert set(package.__all__) == set(names) - {{"__builtins__"}} and set(names) <= {{*dir(package)}}, name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_may_be_the_first_together():
    code = """
import threading, minidl
packages = minidl, minidl.layers, minidl.losses
names = [(package, name) for package in packages for name in package.__all__] * 2
start, found = threading.Barrier(len(names)), []
def first(package, name):
    start.wait()
    found.append(getattr(package, name))
threads = [threading.Thread(target=first, args=pair) for pair in names]
for thread in threads: thread.start()
for thread in threads: thread.join(60)
assert len(found) == len(names), len(found)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("statement, message", [
    ("minidl.ReLu", "module 'minidl' has no attribute 'ReLu'. Did you mean: 'ReLU'?"),
    ("minidl.losses.Hubert", "module 'minidl.losses' has no attribute 'Hubert'. Did you mean: 'Huber'?"),
    ("from minidl import ReLu", "ImportError: cannot import name 'ReLu' from 'minidl'"),
])  # fmt: skip
def test_a_wrong_name_is_pythons_own_error(statement, message):
    done = subprocess.run(
        [sys.executable, "-c", f"import minidl\n{statement}"], capture_output=True, text=True
    )
    assert message in done.stderr.splitlines()[-1]
    assert not hasattr(minidl, "ReLu")


def test_what_is_pickled_is_found_where_nothing_is_imported():
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
    for name in ("Trainer", "two_layer_net"):
        thing = getattr(minidl, name)
        done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(thing), capture_output=True)
        assert name in done.stdout.decode(), done.stderr


def test_every_public_name_is_there():
    assert sorted(minidl.__all__, key=str.lower) == sorted(set(minidl.__all__), key=str.lower)
    for name in minidl.__all__:
        assert hasattr(minidl, name), name


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how glibc gives memory back")
def test_inference_does_not_ask_the_system_for_the_same_memory_again_and_again():
    program = """
import resource, minidl

features = minidl.data.load("digits").train.features
for hidden, copies in ((32, 8), (300, 8), (300, 1)):
    net = minidl.mlp(64, [hidden], 10, standardize=minidl.Standardize(8, 6), rng=0)
    x = features.repeat(copies, axis=0)
    faults = []
    for _ in range(3):
        for _ in range(20):
            net.predict(x)
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    print((faults[2] - faults[0]) / 40)
"""
    command = [sys.executable, "-c", program]
    # What others of this process have set for theirs, as dask does, goes before what minidl does.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    faults = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert max(map(float, faults.split())) < 20, faults  # pages a call


@pytest.mark.parametrize(
    ("name", "home"),
    [("Adam", "optimizers"), ("Dropout", "layers"), ("he_normal", "initializers"), ("table_net", "recipes")],
)
def test_a_name_that_another_package_offers_is_found_there(name, home):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; it is minidl.{home}.{name}$"):
        getattr(minidl, name)
    with pytest.raises(AttributeError, match="module 'minidl' has no attribute 'Adan'$"):
        minidl.Adan  # noqa: B018
