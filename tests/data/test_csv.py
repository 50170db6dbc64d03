"""A table of one's own in a `.csv` file."""

import csv
import gzip
import io
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import lines, load
from minidl.data.csv import read_table
from minidl.data.layout import MISSING, read_layout
from minidl.errors import DataError

FLOWERS = "length,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n6.3,3.3,virginica\n4.9,3e0,setosa\n"


@pytest.fixture
def table(tmp_path):
    """Writes text or bytes into a file, and gives its path."""

    def write(content, name="mine.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(call, *arguments, **options):
    with pytest.raises(DataError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def check_flowers(data):
    assert data.target_names == ("setosa", "versicolor", "virginica")
    assert data.targets.tolist() == [0, 1, 2, 0]
    assert data.features.dtype == np.float32
    expected = np.array([[5.1, 3.5], [7, 3.2], [6.3, 3.3], [4.9, 3]], np.float32)
    np.testing.assert_array_equal(data.features, expected)
    assert data.features.flags.c_contiguous


@pytest.mark.parametrize(
    "content",
    [
        FLOWERS,
        FLOWERS.rstrip("\n"),
        FLOWERS.partition("\n")[2],
        FLOWERS.replace("\n", "\r\n"),
        FLOWERS.replace("\n", "\r"),
        FLOWERS.replace("\n", "\n\n") + "\n\n",
        b"\xef\xbb\xbf" + FLOWERS.encode(),
        b"\xef\xbb\xbf" + FLOWERS.partition("\n")[2].encode(),
        gzip.compress(FLOWERS.encode(), mtime=0),
        FLOWERS.replace(",", ";"),
        FLOWERS.replace(",", "\t"),
        FLOWERS.replace(",", "|"),
        FLOWERS.replace(",", ", "),
        FLOWERS.replace("setosa", '"setosa"').replace("length", '"length"').replace("5.1", '"5.1"'),
        FLOWERS.replace(",setosa", ', "setosa" '),
        FLOWERS.replace("length", '"length; or ""so"", of a leaf\nin cm, with its stalk"'),
    ],
)
def test_every_form_of_one_table(content, table):
    check_flowers(read_table(table(content)))


def test_words_of_any_alphabet_and_with_the_separator_in_them(table):
    data = read_table(table('x,y\n1,"größer; als, 0"\n2,猫\n3,"größer; als, 0"\n'))
    assert data.target_names == ("größer; als, 0", "猫")
    assert data.targets.tolist() == [0, 1, 0]


@pytest.mark.parametrize("target", ["species", 0, -3, np.int64(0), "0", " species "])
def test_the_target_column_by_name_and_position(target, table):
    path = table("species,length,width\nsetosa,5.1,3.5\nversicolor,7,3.2\nvirginica,6.3,3.3\nsetosa,4.9,3\n")
    check_flowers(read_table(path, target))


@pytest.mark.parametrize("target", ["Species", 3, -4, "3", 1.0, True, [0]])
def test_a_target_column_that_is_not_there(target, table):
    message = refused(load, table(FLOWERS), target=target)
    assert f"a target column {target!r}, got columns length, width, species" in message
    assert "a position from 0 to 2" in message
    headless = table(FLOWERS.partition("\n")[2])
    assert "3 columns without a header" in refused(load, headless, target="species")
    assert load(headless, target=2).train.num_classes == 3  # what the message says to do


def test_a_target_is_for_tables_only(tmp_path):
    for name in ("digits", "mnist", tmp_path / "mine.npz"):
        assert "a target column of a .csv file only, got 'y'; leave it out" in refused(load, name, target="y")


@pytest.mark.parametrize(
    ("words", "names", "labels"),
    [
        ("3 1 2 1", "1 2 3", [2, 0, 1, 0]),  # not counted from 0
        ("10 9 2 10", "2 9 10", [2, 1, 0, 2]),  # by number, not as words
        ("1.0 2 2.0 1", "1 2", [0, 1, 1, 0]),  # as pandas writes whole numbers
        ("-1 +1 1 -0", "-1 0 1", [0, 2, 2, 1]),
        ("b a 1 10", "1 10 a b", [3, 2, 0, 1]),
        ("02 1 2 01", "01 02 1 2", [1, 2, 3, 0]),  # codes
        ("Na None - +", "+ - Na None", [2, 3, 1, 0]),  # not missing
        ("1.5 v2 2.5 1.5", "1.5 2.5 v2", [0, 2, 1, 0]),
    ],
)
def test_classes_are_the_distinct_words_or_whole_numbers(words, names, labels, table):
    data = read_table(table("x,y\n" + "".join(f"1,{word}\n" for word in words.split())))
    assert data.target_names == tuple(names.split())
    assert data.targets.tolist() == labels


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a,b,c\n1,2,x\n2,1,y\n", ("a", "b", "c")),
        ("1,2,x\n2,1,y\n", None),
        ("1,2,3\n2,1,3\n", None),
        ("a,b,c\n?,,x\n1,2,y\n", ("a", "b", "c")),
        ("?,,3,x\n1,2,3,y\n", None),
        ("1,2,x\n2,1,7\n", None),  # a word above a number, beside numbers above numbers
        ("0,1,2,3,species\n5,3,1,2,x\n4,2,1,1,y\n", ("0", "1", "2", "3", "species")),
        (",0,1,2\n0,5,3,x\n1,4,2,y\n", ("", "0", "1", "2")),
        ("1,5;2,5;x\n1;1;y\n", None),
        ("1\t2\tx\n", None),
        ("2020,2021,class\nnan,1,x\n2,1,y\n3,4,x\n", None),  # rather a row of numbers than names
        ("colour,smell,class\nred,nan,a\nblue,sweet,b\nred,sour,a\n", ("colour", "smell", "class")),
        (",colour,class\nann,red,a\nbob,blue,b\n", ("", "colour", "class")),
        ("red,sour,a\nblue,sweet,b\ngreen,so,a\n", None),  # one of its cells comes again
        ("red,sour,a\n" + "blue,sweet,b\n" * 99 + "green,so,a\n", None),
        ("x,y,x\nu,v,w\nv,w,u\n", None),  # no names, for two of them are alike
        ("red,?,a\nblue,sweet,b\n", None),
    ],
)
def test_a_header_is_detected(content, names, table):
    assert read_layout(table(content)).names == names


@pytest.mark.parametrize(
    "options",
    [
        {"target": "class"},
        {"drop": ["smell"]},
        {"categories": ["colour"]},
        {"categories": {"colour": ["red"], "smell": ["sour"]}},
    ],
)
def test_a_row_with_a_name_that_is_given_is_a_header(options, table):
    # By themselves these rows would be samples, for a smell is called as its column is.
    path = table("colour,smell,class\n" + "red,smell,a\nblue,sour,b\n" * 3)
    assert read_layout(path).names is None
    data = read_table(path, **options)
    assert data.target_names == ("a", "b")
    assert data.columns[0].name == "colour"
    assert len(read_table(path, target="2")) == len(data) + 1  # a position is no name


def test_the_index_that_pandas_writes_is_left_out(table):
    for content in (
        ",length,species\n7,5.1,x\n3,4.9,y\n",
        "Unnamed: 0,length,species\nann,5.1,x\nbob,4.9,y\n",
    ):
        layout, data = read_layout(table(content)), read_table(table(content))
        assert layout.feature_names == ["length"]
        assert data.features.ravel().tolist() == np.float32([5.1, 4.9]).tolist()
        assert data.target_names == ("x", "y")


@pytest.mark.parametrize("missing", sorted(MISSING))
def test_missing_values_are_refused_by_line_and_column(missing, table):
    path = table(f"length,width,species\n1,2,x\n\n3,{missing},y\n4,5,x\n")
    where = f"csv file {str(path)!r}, line 4, column 'width': expected a number, got a missing value"
    assert where in refused(load, path)
    message = refused(load, table(f"1,2,x\n3,4,{missing}\n5,6,y\n"))
    assert "line 2, column 2 (counted from 0): expected a class, got a missing value" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["a row a sample, got a file without rows"]),
        ("\n\r\n", ["a file without rows"]),
        ("a,b\n", ["a row or more below the header, got none"]),
        (
            "a\n1\n2\n",
            ["a column of classes and one or more of numbers, got one", "commas, semicolons or tabs"],
        ),
        ("1 2 x\n2 3 y\n", ["commas, semicolons or tabs"]),
        ("a,b,a,c\n1,2,3,x\n", ["every column once, got 'a' more than once"]),
        ("a,b,c\n1,2,x\n3,y\n", ["line 3: expected 3 cells, as in the first row, got 2"]),
        ("a,b,c\n1,2,x\n3,4,5,y\n", ["line 3: expected 3 cells", "got 4"]),
        ("a,b\n1,2,x\n3,4,y\n", ["line 2: expected 2 cells", "got 3"]),
        ("a,b,c\n1,2,x\n1,red,y\n", ["line 3, column 'b': expected a number, got 'red'", "--target"]),
        ("a,b,c\n1,2,x\n1,1_0,y\n", ["got '1_0'"]),
        ("a,b,c\n1,2,x\n1,-inf,y\n", ["a number of at most 3.4e+38, got '-inf'"]),
        ("a,b,c\n1,2,x\n1,1e39,y\n", ["column 'b': expected a number of at most 3.4e+38, got '1e39'"]),
        ("a;b;c\n1,5;2;x\n1;2;y\n", ["line 2, column 'a'", "got '1,5'; write decimals with a point"]),
        ('a,b,c\n"1,234",2,x\n1,2,y\n', ["got '1,234'", "thousands without a comma"]),
        ('a,b,c\n1,2,"x\n3,4,y\n5,6,x\n', ["column 'c'", "is there a quote that is not closed?"]),
        ('a,b,c\n1,"2,x\n3,4,y\n5,6,x\n', ["expected 3 cells", "got 2"]),
        ("a,price\n1,2.5\n2,2.5\n", ["column 'price': expected numbers that differ", "got 2.5 in each row"]),
        ("a,price\n1,2.5\n2,?\n", ["line 3, column 'price': expected a number to predict, got a missing"]),
        (
            "a,price\n1,2.5\n" * 1 + "2,3\n" * 300 + "2,x\n",
            ["line 303", "to predict, got 'x'", "without a unit", "task 'classes'"],
        ),
        ("a,b\n1,x\n2,x\n", ["column 'b': expected two classes or more", "got 1 in 2 rows (x)", "--target"]),
        (
            "a,b\n" + "".join(f"1,x{n}\n" for n in range(50)),
            ["got 50 in 50 rows (x0, x1, x10", "and 30 more)"],
        ),
        (
            "a,price\n" + "".join(f"1,EUR {n}\n" for n in range(50)),
            ["got 50 in 50 rows (EUR 0,", "numbers to predict are written without a unit"],
        ),
        (
            "a,b,c\n1,2,1\n,2,1\n3,,0\n4,,0\n5,,1\n6,7,0\n",
            [
                "line 3, column 'a': expected a number, got a missing value ('')",
                "4 of 6 rows lack values ('b' in 3, 'a' in 1): drop these rows or columns",
            ],
        ),
        ("a,b,c\n1,2,1\n1,2,\n", ["line 3, column 'c': expected a class or a number, got a missing"]),
        ("a,b\n" + "".join(f"1,x{n}\n" for n in range(70_000)), ["more than 65,536 different words"]),
        ("a,b\n1,é\n2,x\n".encode("latin-1"), ["text in UTF-8, got byte 0xe9, which is none", "save it as"]),
        (b"a,b\n" + b"1,x\n" * 9000 + b"2,\xff\n", ["text in UTF-8, got byte 0xff"]),
        ("a,b\n1,x\n".encode("utf-16"), ["text in UTF-8"]),
        (b"PK\x03\x04\xb5\x99" + bytes(range(256)), ["text in UTF-8"]),
        (
            gzip.compress(np.random.default_rng(0).bytes(9999).hex().encode(), mtime=0)[:-99],
            ["a readable file"],
        ),
        (gzip.compress(FLOWERS.encode(), mtime=0)[:10] + b"\xff" * 50, ["a readable file"]),
    ],
)
def test_refusals_say_where_and_what_to_do(content, words, table):
    path = table(content)
    message = refused(load, path)
    assert all(word in message for word in [f"csv file {str(path)!r}", *words]), message
    assert len(message) < 600


def test_what_is_no_file(tmp_path):
    assert "No such file" in refused(load, tmp_path / "mine.csv")
    (tmp_path / "mine.csv").mkdir()
    assert "a readable file" in refused(load, tmp_path / "mine.csv")


def test_what_gzip_unpacks_to_is_bounded(table, monkeypatch):
    path = table(gzip.compress(FLOWERS.encode() + b"1,2,setosa\n" * 9_000, mtime=0), "mine.csv.gz")
    assert len(read_table(path)) == 9_004
    monkeypatch.setattr(lines, "MAX_TEXT_BYTES", 50_000)
    assert "at most 50,000 bytes unpacked, got more; unpack it" in refused(load, path)


@pytest.mark.parametrize("delimiter", [",", "|", "\t", ";"])
@pytest.mark.parametrize("quote", ['"{}\n"', '"a"{}', 'a"{}', '"a""\n{}"', '""{}', "{}"])
def test_a_row_is_bounded_and_ends_where_the_csv_reader_ends_it(delimiter, quote, monkeypatch):
    monkeypatch.setattr(lines, "MAX_ROW", 60)
    row = delimiter.join([quote.format("bc"), "1", quote.format(""), '"x"']) + "\n"
    rows = list(csv.reader(lines.read_lines(io.StringIO(row * 9), delimiter), delimiter=delimiter))
    assert rows == list(csv.reader(io.StringIO(row * 9), delimiter=delimiter))
    assert len(rows) == 9
    for long in ('"' + "\n" * 70, "a" * 70, ('"\n"' + delimiter) * 30, "\n" * 70):
        with pytest.raises(csv.Error, match="a row of more than 60 characters"):
            list(lines.read_lines(io.StringIO(row + long), delimiter))


def test_values_that_float32_would_blur_stay_apart(table):
    seconds = 1_700_000_000 + np.arange(40)
    rows = "".join(f"{second},{second % 7},1,{second % 2}\n" for second in seconds)
    features = read_table(table(f"time,day,one,odd\n{rows}")).features
    assert features.dtype == np.float64
    np.testing.assert_array_equal(features[:, 0], seconds)
    exact = read_table(table("year,one,class\n2020,5,a\n2021,5,b\n2020,5,b\n")).features
    assert exact.dtype == np.float32


def test_a_training_and_a_validation_part_of_the_same_classes_every_time(table):
    rows = "".join(f"{row},{'cab'[row // 100]}\n" for row in range(300))  # sorted by class
    path = table(f"x,y\n{rows}", "There.CSV.gz")
    splits, again = load(path), load(path.name, path.parent)
    assert repr(splits) == "Splits('There': train 270, validation 30 of (1,) float32, 3 classes)"
    for part in ("train", "validation"):
        one, other = getattr(splits, part), getattr(again, part)
        assert np.bincount(one.targets).tolist() == [len(one) // 3] * 3
        assert one.holds_the_same(other)
        assert one.target_names == ("a", "b", "c")
        words = [one.target_names[label] for label in one.targets]
        assert words == ["cab"[int(x) // 100] for x in one.features.ravel()]
    both = np.concatenate([splits.train.features, splits.validation.features]).ravel()
    assert sorted(both) == list(range(300))


def test_few_rows_have_no_validation_part(table):
    assert load(table(FLOWERS)).validation is None


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=9).filter(
    lambda name: name and '"' not in name and name == " ".join(name.split()) and name not in MISSING
)


@st.composite
def tables(draw):
    """Features, words, and how they are written."""
    columns, samples = draw(st.integers(1, 4)), draw(st.integers(2, 12))
    number = st.floats(-1e6, 1e6, width=32)
    features = draw(
        st.lists(st.lists(number, min_size=columns, max_size=columns), min_size=samples, max_size=samples)
    )
    word = names.filter(
        lambda name: not any(map(str.isdigit, name)) and not name.lower().startswith(("inf", "nan"))
    )
    words = draw(st.lists(word, min_size=samples, max_size=samples))
    header = draw(st.none() | st.permutations([f"column {chr(97 + n)}" for n in range(columns + 1)]))
    return (
        np.array(features, np.float32),
        words,
        header,
        draw(st.integers(0, columns)),
        draw(st.sampled_from(",;\t|")),
    )


@given(
    tables(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_round_trip(drawn, line_end, quoting, zipped):
    features, words, header, target, delimiter = drawn
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    if header:
        writer.writerow(header)
    for row, word in zip(features.tolist(), words, strict=True):
        writer.writerow([*row[:target], word, *row[target:]])
    with TemporaryDirectory() as folder:
        path = Path(folder, "mine.csv")
        content = text.getvalue().encode()
        path.write_bytes(gzip.compress(content) if zipped else content)
        data = read_table(path, header[target] if header else target)
    np.testing.assert_array_equal(data.features, features)
    assert [data.target_names[label] for label in data.targets] == words
    assert data.target_names == tuple(sorted(set(words)))


def test_memory_is_bounded_by_the_numbers(table):
    """Python's own strings and floats would take ten times as much."""
    numbers = np.random.default_rng(0).standard_normal((40_000, 20)).astype(np.float32)
    lines = [",".join(f"{number:.4f}" for number in row) for row in numbers.tolist()]
    path = table("\n".join(f"{line},{'xyz'[n % 3]}" for n, line in enumerate(lines)))
    tracemalloc.start()
    try:
        data = read_table(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert data.features.nbytes == numbers.nbytes
    assert peak < 4 * numbers.nbytes
