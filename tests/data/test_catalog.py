"""`load`: what it finds where, in which order, and what it says when it finds nothing."""

import functools
import gc
import gzip
import hashlib
import http.server
import socket
import struct
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from minidl.data import catalog, digits, load
from minidl.errors import DataError
from tests.data.readers import test_cifar

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def nothing_of_this_machine(tmp_path, monkeypatch):
    """Point every place where `load` looks into `tmp_path`."""
    monkeypatch.delenv("MINIDL_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(catalog, "SYSTEM", tmp_path / "system")


@pytest.fixture
def no_pooch(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)


def idx_files(mark=0, train=40, test=10, zipped=True):
    """The four files of an IDX data set whose first pixel is `mark`."""
    contents = {}
    for part, count in (("train", train), ("t10k", test)):
        images = np.random.default_rng(count).integers(0, 256, (count, 4, 4), np.uint8)
        images[0, 0, 0] = mark
        labels = (np.arange(count) % 10).astype(np.uint8)
        sizes = struct.pack(">3I", *images.shape)
        contents[f"{part}-images-idx3-ubyte"] = b"\0\0\x08\3" + sizes + images.tobytes()
        contents[f"{part}-labels-idx1-ubyte"] = b"\0\0\x08\1" + struct.pack(">I", count) + labels.tobytes()
    if zipped:
        return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in contents.items()}
    return contents


def place(folder, contents):
    return test_cifar.write(folder, contents)


def mark_of(splits):
    return int(splits.train.features[0, 0, 0])


def refused(*arguments):
    with pytest.raises(DataError) as caught:
        load(*arguments)
    return str(caught.value)


# --- digits


def test_digits_are_bundled():
    splits = load("digits")
    assert splits.sample_shape == (8, 8)
    assert splits.train.features.dtype == np.uint8
    assert splits.train.features.max() == 16
    assert splits.test.target_names == tuple("0123456789")
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (1266, 178, 353)


def test_the_split_of_digits_is_fixed_and_stratified():
    images, labels = digits.read_digits()
    seen = dict.fromkeys(range(10), 0)
    expected = {"train": [], "validation": [], "test": []}
    for sample, label in enumerate(labels.tolist()):
        turn = seen[label] % 10
        expected["train" if turn < 7 else "validation" if turn == 7 else "test"].append(sample)
        seen[label] += 1
    splits = load("digits")
    for part, samples in expected.items():
        assert np.array_equal(getattr(splits, part).features, images[samples])
        assert np.array_equal(getattr(splits, part).targets, labels[samples])


def test_the_credit_of_digits_lies_beside_them():
    credit = digits.BUNDLED.with_name("digits.txt").read_text()
    assert all(word in credit for word in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49"))
    assert all(word in digits.__doc__ for word in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49"))


@pytest.mark.parametrize(
    "content", [b"1,2,3\n", b"a" * 9, b"17," * 64 + b"1\n", b"1," * 64 + b"10\n", b"1,\n2\n"]
)
def test_damaged_digits(tmp_path, content):
    (tmp_path / "digits.csv.gz").write_bytes(content)
    assert str(tmp_path / "digits.csv.gz") in refused("digits", tmp_path)
    whole = digits.BUNDLED.read_bytes()
    (tmp_path / "digits.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "install minidl anew" in refused("digits", tmp_path)


# --- names


@pytest.mark.parametrize("name", ["imagenet", "", "Digits", "mine.npy", "mnist/"])
def test_unknown_names(name):
    message = refused(name)
    assert "digits, fashion-mnist, mnist, cifar10 or a path that ends in .npz, .csv or .csv.gz" in message
    assert repr(name) in message


def test_a_missing_npz_file(tmp_path):
    assert str(tmp_path / "mine.npz") in refused(tmp_path / "mine.npz")


# --- MNIST and Fashion-MNIST


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(("name", "first"), [("mnist", "0"), ("fashion-mnist", "T-shirt/top")])
def test_idx_data_sets(tmp_path, name, first, zipped):
    splits = load(name, place(tmp_path / "here", idx_files(zipped=zipped)))
    assert repr(splits) == (f"Splits('{name}': train 36, validation 4, test 10 of (4, 4) uint8, 10 classes)")
    assert splits.train.target_names[0] == first
    assert splits.validation.targets.tolist() == [6, 7, 8, 9]
    assert np.shares_memory(splits.train.features.base, splits.validation.features.base)


FORMS = {
    "dots": lambda name: name.replace("-idx", ".idx"),
    "capitals": str.upper,
    "mixed": lambda name: name.replace("-idx", ".IDX").replace("train-images", "Train_Images"),
    "zipped dots": lambda name: name.replace("-idx", ".idx") + ".gz",
    "zipped capitals": lambda name: f"{name}.gz".upper(),
    "each its own": lambda name: name.replace("-idx", ".idx") if "train" in name else f"{name.upper()}.gz",
}


@pytest.mark.parametrize("form", FORMS)
def test_idx_files_under_the_names_found_in_the_wild(tmp_path, form):
    zipped, plain = idx_files(5), idx_files(5, zipped=False)
    written = {}
    for name, content in plain.items():
        new = FORMS[form](name)
        written[new] = zipped[f"{name}.gz"] if new.lower().endswith(".gz") else content
    splits = load("mnist", place(tmp_path / "here", written))
    assert mark_of(splits) == 5
    assert (len(splits.train), len(splits.test)) == (36, 10)


def test_of_two_files_of_one_name_the_unpacked_one_is_taken(tmp_path):
    plain = idx_files(1, zipped=False)
    for number, form in enumerate((str, FORMS["dots"], FORMS["capitals"])):
        files = idx_files(2) | {form(name): content for name, content in plain.items()}
        assert mark_of(load("mnist", place(tmp_path / str(number), files))) == 1


def test_torchvisions_folders(tmp_path, monkeypatch, no_pooch):
    """Its root holds a folder for each data set, and the gzipped files beside the unpacked ones."""
    for mark, folder in enumerate(("MNIST", "FashionMNIST"), 1):
        place(tmp_path / "root" / folder / "raw", {**idx_files(mark), **idx_files(mark, zipped=False)})
    for mark, name, folder in ((1, "mnist", "MNIST"), (2, "fashion-mnist", "FashionMNIST")):
        root = tmp_path / "root"
        for directory in (root, root / folder, root / folder / "raw"):
            assert mark_of(load(name, directory)) == mark
            monkeypatch.setenv("MINIDL_DATA", str(directory))
            assert mark_of(load(name)) == mark
        other = ({"mnist", "fashion-mnist"} - {name}).pop()
        for directory in (root / folder, root / folder / "raw"):
            monkeypatch.setenv("MINIDL_DATA", str(directory))
            assert "MINIDL_DATA" in refused(other)  # the files are named alike


def test_validation_is_5000_of_a_large_training_part(tmp_path):
    splits = load("mnist", place(tmp_path / "here", idx_files(train=50_010)))
    assert (len(splits.train), len(splits.validation)) == (45_010, 5_000)


@pytest.mark.parametrize("missing", range(4))
def test_a_directory_without_all_files_is_an_error_at_once(tmp_path, monkeypatch, missing):
    place(tmp_path / "cache" / "minidl" / "mnist", idx_files())
    monkeypatch.setitem(sys.modules, "pooch", None)
    contents = idx_files()
    del contents[sorted(contents)[missing]]
    message = refused("mnist", place(tmp_path / "here", contents))
    assert all(word in message for word in (str(tmp_path / "here"), IMAGES, LABELS, "t10k", "https://"))
    assert f"got one that holds {', '.join(sorted(contents))};" in message
    assert "no such directory" in refused("mnist", tmp_path / "nowhere")


def test_what_a_directory_holds_is_listed_and_bounded(tmp_path, monkeypatch, no_pooch):
    assert "got one that holds nothing;" in refused("mnist", tmp_path)
    (tmp_path / "raw").mkdir()
    place(tmp_path / "own", {f"file{number:04}": b"" for number in range(1000)})
    assert "got one that holds own/, raw/;" in refused("mnist", tmp_path)
    assert "got one that holds own/, raw/;" in refused("cifar10", tmp_path)
    listing = f"one that holds {', '.join(f'file{number:04}' for number in range(20))} and 980 more"
    assert f"got {listing}; get them" in refused("mnist", tmp_path / "own")
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "own"))
    assert f"$MINIDL_DATA ({listing})" in refused("mnist")


def test_swapped_and_unlike_files_are_named(tmp_path):
    contents = idx_files(zipped=False)
    swapped = contents | {IMAGES: contents[LABELS], LABELS: contents[IMAGES]}
    message = refused("mnist", place(tmp_path / "here", swapped))
    assert "is the labels file in the place of the images file?" in message
    short = contents | {LABELS: b"\0\0\x08\1" + struct.pack(">I", 3) + b"abc"}
    message = refused("mnist", place(tmp_path / "here", short))
    assert all(word in message for word in (str(tmp_path / "here" / IMAGES), LABELS, "40 targets", "got 3"))
    foreign = contents | {LABELS: contents[LABELS][:-1] + b"\x0a"}
    assert "label 10 at sample 39" in refused("mnist", place(tmp_path / "here", foreign))


def test_the_order_of_the_places(tmp_path, monkeypatch, no_pooch):
    for mark, folder in enumerate(("here", "own/mnist", "own", "cache/minidl/mnist", "system/mnist"), 1):
        place_files = tmp_path / folder
        place_files.mkdir(parents=True, exist_ok=True)
        for name, content in idx_files(mark).items():
            (place_files / name).write_bytes(content)
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "own"))

    def empty(folder):
        for file in (tmp_path / folder).glob("*.gz"):
            file.unlink()

    assert mark_of(load("mnist", tmp_path / "here")) == 1
    assert mark_of(load("mnist")) == 2
    empty("own/mnist")
    assert mark_of(load("mnist")) == 3
    empty("own")
    assert mark_of(load("mnist")) == 4
    empty("cache/minidl/mnist")
    assert mark_of(load("mnist")) == 5
    empty("system/mnist")
    message = refused("mnist")
    words = ("MINIDL_DATA", str(tmp_path / "cache" / "minidl" / "mnist"), IMAGES, "https://", "minidl[data]")
    assert all(word in message for word in words), message


@pytest.mark.parametrize("setting", ["", "relative/cache", None])
def test_the_cache_is_below_home_without_an_absolute_xdg_cache_home(tmp_path, monkeypatch, no_pooch, setting):
    if setting is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", setting)
    place(tmp_path / "home" / ".cache" / "minidl" / "mnist", idx_files(9))
    assert mark_of(load("mnist")) == 9


def test_the_directory_of_another_data_set_is_not_taken_for_this_one(tmp_path, monkeypatch, no_pooch):
    place(tmp_path / "mnist", idx_files())
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "mnist"))
    assert load("mnist").name == "mnist"
    assert "MINIDL_DATA" in refused("fashion-mnist")


# --- CIFAR-10


def test_cifar10_from_everything_that_may_be_given(tmp_path, monkeypatch, no_pooch):
    contents = test_cifar.files([30, 20, 5], "binary")
    folder = place(tmp_path / "data" / "cifar-10-batches-bin", contents)
    (tmp_path / "packed" / "cifar10").mkdir(parents=True)
    tar = test_cifar.archived(tmp_path / "packed" / "cifar10" / "cifar-10-binary.tar.gz", contents)
    own = test_cifar.archived(tmp_path / "own.tar.gz", contents)
    given = [load("cifar10", path) for path in (folder, folder.parent, tar, str(tar.parent), own)]
    for path in (folder, folder.parent, tar.parent.parent, tar.parent, own):
        monkeypatch.setenv("MINIDL_DATA", str(path))
        given.append(load("cifar10"))
    for splits in given:
        assert repr(splits) == (
            "Splits('cifar10': train 45, validation 5, test 5 of (3, 32, 32) uint8, 10 classes)"
        )
        assert np.array_equal(splits.train.features, given[0].train.features)
        assert splits.train.target_names[:2] == ("airplane", "automobile")


def test_cifar10_in_the_directory_that_torchvision_makes(tmp_path, monkeypatch):
    contents = test_cifar.files([30, 20, 5], "python")
    place(tmp_path / "cifar-10-batches-py", contents)
    test_cifar.archived(tmp_path / "cifar-10-python.tar.gz", contents)
    assert len(load("cifar10", tmp_path).train) == 45
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    assert len(load("cifar10").train) == 45


def test_cifar10_that_is_not_there(tmp_path):
    message = refused("cifar10", tmp_path)
    assert all(
        word in message for word in (str(tmp_path), "cifar-10-binary.tar.gz", "https://www.cs.toronto.edu")
    )


# --- downloads

# What pooch uses leaves the socket of a failed download to the garbage collector.
lenient = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve `tmp_path/web` as MNIST's source; gives the files' contents and the paths asked for."""
    pytest.importorskip("pooch", reason="downloads need pooch: pip install 'minidl[data]'")
    pytest.importorskip("tqdm", reason="pooch's progress bar needs tqdm: pip install 'minidl[data]'")
    contents = idx_files(7)
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=str(place(tmp_path / "web", contents)))
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    source = catalog.SOURCES["mnist"]._replace(url=f"http://127.0.0.1:{httpd.server_port}/", files=files)
    monkeypatch.setitem(catalog.SOURCES, "mnist", source)
    yield contents, asked
    httpd.shutdown()
    httpd.server_close()
    thread.join()
    gc.collect()  # here, where these warnings are ignored


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "minidl" / "mnist"


@lenient
def test_a_download_is_kept_in_the_cache(server, cache):
    contents, asked = server
    assert mark_of(load("mnist")) == 7
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == contents
    assert sorted(asked) == sorted(f"/{name}" for name in contents)
    load("mnist")
    assert len(asked) == 4


@lenient
def test_a_file_placed_in_the_cache_is_neither_checked_nor_replaced(server, cache):
    contents, asked = server
    name = f"{IMAGES}.gz"
    own = idx_files(3)[name]
    place(cache, {name: own})
    assert mark_of(load("mnist")) == 3
    assert (cache / name).read_bytes() == own != contents[name]
    assert f"/{name}" not in asked


@lenient
def test_a_download_with_another_hash_is_refused_and_not_kept(server, cache, tmp_path):
    (tmp_path / "web" / f"{LABELS}.gz").write_bytes(b"tampered with")
    for _ in range(2):
        message = refused("mnist")
        assert all(word in message for word in ("hash", LABELS, "127.0.0.1", str(cache), "MINIDL_DATA"))
        assert not (cache / f"{LABELS}.gz").exists()


@lenient
def test_a_download_that_is_cut_off_is_not_kept(server, cache, tmp_path):
    whole = (tmp_path / "web" / f"{IMAGES}.gz").read_bytes()
    (tmp_path / "web" / f"{IMAGES}.gz").write_bytes(whole[:-20])
    assert "hash" in refused("mnist")
    assert not (cache / f"{IMAGES}.gz").exists()


@lenient
def test_a_file_that_the_server_lacks(server, cache, tmp_path):
    (tmp_path / "web" / f"{IMAGES}.gz").unlink()
    message = refused("mnist")
    assert all(word in message for word in ("404", IMAGES, str(cache)))


@lenient
def test_no_network(server, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    source = catalog.SOURCES["mnist"]._replace(url=f"http://127.0.0.1:{port}/")
    monkeypatch.setitem(catalog.SOURCES, "mnist", source)
    assert "a download that failed" in refused("mnist")


@lenient
def test_a_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "a download that failed" in refused("mnist")


def test_a_raw_file_of_the_published_size_and_other_content_is_read_with_a_warning(tmp_path, monkeypatch):
    contents = idx_files(zipped=False)
    folder = place(tmp_path / "own", {name.replace("-idx", ".idx"): each for name, each in contents.items()})
    unpacked = {name: (len(each), hashlib.md5(each).hexdigest()) for name, each in contents.items()}
    monkeypatch.setitem(catalog.SOURCES, "mnist", catalog.SOURCES["mnist"]._replace(unpacked=unpacked))
    load("mnist", folder)
    path = folder / IMAGES.replace("-idx", ".idx")
    path.write_bytes(contents[IMAGES][:-1] + b"\0")
    with pytest.warns(UserWarning, match=f"{path.name}' is not the file of mnist that was published"):
        assert mark_of(load("mnist", folder)) == 0
    path.write_bytes(idx_files(train=41, zipped=False)[IMAGES])
    (folder / LABELS.replace("-idx", ".idx")).write_bytes(idx_files(train=41, zipped=False)[LABELS])
    load("mnist", folder)  # somebody's own


def test_the_bundled_digits_are_compared_with_their_hash(tmp_path, monkeypatch):
    lines = gzip.decompress(digits.BUNDLED.read_bytes())
    (tmp_path / "digits.csv.gz").write_bytes(gzip.compress(lines.replace(b"16", b"15", 1), mtime=0))
    load("digits", tmp_path)  # somebody's own
    monkeypatch.setattr(digits, "BUNDLED", tmp_path / "digits.csv.gz")
    assert "others than were bundled; install minidl anew" in refused("digits")


def test_hashes_look_like_sha256():
    for source in catalog.SOURCES.values():
        assert source.url.endswith("/")
        assert all(len(bytes.fromhex(digest)) == 32 for digest in source.files.values())
    assert Path(catalog.__file__).with_name("digits.csv.gz").is_file()
