"""Tables of numbers and words: what is to be predicted, and categories as features."""

import csv
import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minidl.data import Column, Dataset, Splits, load
from minidl.data.classes import match_classes
from minidl.data.columns import categories_of
from minidl.data.csv import describe_table, read_table
from minidl.data.kinds import MOST_WHOLE_CLASSES, task_of
from minidl.data.layout import read_layout
from minidl.errors import DataError

HOUSES = "size,town,rooms,price\n50,Ulm,2,120.5\n70,Bonn,3,160\n90,,4,210\n"


@pytest.fixture
def table(tmp_path):
    """Writes text into a file, and gives its path."""

    def write(content, name="mine.csv"):
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


def column_of(cells):
    return "x,y\n" + "".join(f"1,{cell}\n" for cell in cells)


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["red", "blue", "red"], "classes"),
        (["1.5", "v2", "2.5", "1.5"], "classes"),
        (["1", "2", "1"], "classes"),
        ([0, 1] * 40, "classes"),
        (list(range(MOST_WHOLE_CLASSES)) * 2, "classes"),
        ([f"{code:03}" for code in range(40)] * 3, "classes"),  # codes such as 007
        ([1.0, 2.5, 3.0], "numbers"),
        ([3.0, 1e-3, 3.0], "numbers"),
        (list(range(MOST_WHOLE_CLASSES + 1)) * 2, "numbers"),
        ([5, 7, 9, 11], "numbers"),  # no two alike
        ([1] * 300 + [1.5], "numbers"),  # what the first rows do not show
        (list(range(100_000, 170_000)), "numbers"),
    ],
)
def test_what_a_target_column_is(cells, task, table):
    path = table(column_of(cells))
    data = read_table(path)
    assert task_of(set(map(str, cells)), len(cells)) == task
    if task == "classes":
        words = [data.target_names[label] for label in data.targets]
        assert words == list(map(str, cells))
        return
    assert not data.has_labels
    assert data.targets.dtype == np.float32
    np.testing.assert_array_equal(data.targets, np.array(cells, np.float32)[:, None])
    assert load(path).train.targets.shape[1:] == (1,)


def test_the_task_may_be_given(table):
    path = table(column_of([3, 4, 3, 4]))
    numbers, classes = read_table(path, task="numbers"), read_table(path, task="classes")
    np.testing.assert_array_equal(numbers.targets, [[3], [4], [3], [4]])
    assert classes.targets.tolist() == [0, 1, 0, 1]
    ages = read_table(table(column_of(list(range(40)) * 2)), task="classes")
    assert ages.num_classes == 40
    assert read_table(table(column_of([0.5, 1.5, 0.5])), task="classes").target_names == ("0.5", "1.5")
    for task in ("regression", 1, ["numbers"]):
        with pytest.raises(DataError, match="expected task to be 'classes' or 'numbers', got"):
            load(path, task=task)


def test_targets_that_float32_would_blur_stay_apart(table):
    seconds = 1_700_000_000 + np.arange(40) / 4
    targets = read_table(table(column_of(seconds))).targets
    assert targets.dtype == np.float64
    np.testing.assert_array_equal(targets[:, 0], seconds)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (
            column_of([1.5, "", 2.5]),
            {},
            ["line 3, column 'y'", "a number to predict, got a missing value ('')"],
        ),
        (column_of([1.5] * 300 + ["two"]), {}, ["line 302", "got 'two'", "task 'classes'"]),
        (
            column_of(["1,5", "2,5"]).replace("x,y\n1,", "x;y\n1;").replace("\n1,", "\n1;"),
            {},
            ["with a point"],
        ),
        (column_of([1.5, "inf"]), {}, ["line 3, column 'y': expected a number of at most 3.4e+38"]),
        (column_of([7, 7, 7]), {"task": "numbers"}, ["numbers that differ, to predict, got 7 in each row"]),
        (column_of(["a", "b"]), {"task": "numbers"}, ["line 2", "a number to predict, got 'a'"]),
        (
            "name,x,y\n" + "".join(f"ann {row},1,{row % 2}\n" for row in range(60)),
            {},
            [
                "column 'name'",
                "60 in 60 rows (ann 0, ann 1",
                "free text teach nothing",
                "drop the column 'name'",
            ],
        ),
        (
            "id,x,y\n" + "".join(f"n{row},1,{row % 2}\n" for row in range(70_000)),
            {},
            ["column 'id'", "more than 65,536", "drop the column 'id'"],
        ),
        (
            'a,b,y\n1,red,1.5\n1,"blue\ngreen",2\n2,red,3\n1,red,2\n',
            {},
            ["column 'b'", "a quote that is not"],
        ),
        (HOUSES, {"categories": ["garden"]}, ["a categories column 'garden', got columns size, town"]),
        (HOUSES, {"categories": ["price"]}, ["categories of features only, got column 'price'"]),
        (HOUSES, {"categories": "town"}, ["categories to be a list of columns, got 'town'", "['town']"]),
        (HOUSES, {"categories": {"town": []}}, ["Column: expected 'town' to have categories"]),
        (HOUSES, {"drop": ["garden"]}, ["a drop column 'garden', got columns size, town"]),
        (HOUSES, {"drop": ["size,town"]}, ["a drop column 'size,town'", "by spaces: size town"]),
        (
            "text,y\n" + "".join(f"a text of words {row},{row % 2}\n" for row in range(60)),
            {},
            ["column 'text'", "turn texts into bags of words (see docs/tables.md)"],
        ),
        (HOUSES, {"drop": "town"}, ["drop to be a list of columns", "drop=['town']"]),
        (HOUSES, {"drop": ["price"]}, ["a target column and one of features or more, got ['price']"]),
        (HOUSES, {"drop": [0, 1, 2]}, ["a target column and one of features or more"]),
    ],
)
def test_refusals_say_where_and_what_to_do(content, options, words, table):
    path = table(content)
    with pytest.raises(DataError) as caught:
        load(path, **options)
    message = str(caught.value)
    assert all(word in message for word in [*words]), message
    assert len(message) < 600


@pytest.mark.parametrize("option", [{"task": "numbers"}, {"categories": ["x"]}, {"drop": ["x"]}])
def test_options_of_tables_are_for_tables_only(option):
    with pytest.raises(DataError, match="for a .csv file only"):
        load("digits", **option)


def test_words_become_codes_in_order(table):
    data = read_table(table(HOUSES))
    assert data.columns == (Column("size"), Column("town", ("", "Bonn", "Ulm")), Column("rooms"))
    np.testing.assert_array_equal(data.features, [[50, 3, 2], [70, 2, 3], [90, 1, 4]])
    assert data.features.dtype == np.float32
    assert categories_of(data.columns) == {"town": ["", "Bonn", "Ulm"]}
    assert categories_of(None) == {}


def test_whole_numbers_are_categories_where_it_is_said(table):
    path = table("zip,size,y\n10,1,a\n9,2,b\n,3,a\n10,4,b\n")
    with pytest.raises(DataError, match="line 4, column 'zip': expected a number, got a missing value"):
        read_table(path)
    for name in ("zip", 0, "0"):
        data = read_table(path, categories=[name])
        assert data.columns[0].categories == ("", "9", "10")  # by number
        assert data.features[:, 0].tolist() == [3, 2, 1, 3]


def test_a_word_in_a_column_of_numbers_is_none_of_a_category(table):
    """A typing error among numbers is found, where pandas would make a column of words of it."""
    path = table("size,y\n1,a\n2,b\n3,a\nfour,b\n")
    with pytest.raises(DataError, match=r"line 5, column 'size': .*'four'.*among the categories"):
        read_table(path)
    assert read_table(path, categories=["size"]).columns[0].num_codes == 5


@pytest.mark.parametrize("missing", ["", "nan", "?", " NA "])
def test_a_column_of_words_may_lack_most_of_them(missing, table):
    rows = "".join(f"{row},{'ab'[row % 2] if row > 27 else missing},u{row % 2}\n" for row in range(30))
    data = read_table(table(f"x,word,y\n{rows}"))
    assert data.columns[1].categories == ("", "a", "b")
    assert data.features[:, 1].tolist() == [1] * 28 + [2, 3]


def test_another_table_is_coded_alike(table):
    trained_on = read_table(table(HOUSES))
    path = table("size,town,rooms,price\n60,Bonn,1,100\n60,Rom,1,90\n60,?,1,95\n", "new.csv")
    new = read_table(path, task="numbers", categories=categories_of(trained_on.columns))
    assert new.columns == trained_on.columns
    assert new.features[:, 1].tolist() == [2, 0, 1]
    with pytest.raises(DataError, match="column 'town': expected a number"):
        read_table(path, categories={})  # a table without categories has none


def test_a_table_without_a_header_names_its_columns_by_position(table):
    content = HOUSES.partition("\n")[2]
    data = read_table(table(content))
    assert [column.name for column in data.columns] == ["0", "1", "2"]
    again = read_table(table(content), categories=categories_of(data.columns), task="numbers")
    assert again.holds_the_same(data)


def test_columns_are_dropped(table):
    data = load(table("id,note,x,y\na1,so,1,u\nb2,so,1,v\n"), drop=["note", "id"]).train
    assert [column.name for column in data.columns] == ["x"]
    assert read_layout(table(",id,x,y\n0,a,1,u\n1,b,2,v\n"), drop=["id"]).feature_names == ["x"]


def test_what_is_said_of_a_table_reads_it_again(table):
    for content, target, drop in [
        (HOUSES, "price", ["size"]),
        (HOUSES.replace(",,", ",Ulm,"), "town", []),
        (HOUSES.partition("\n")[2], -1, [0]),
        (column_of([3, 4, 3, 4]), None, []),
    ]:
        path = table(content)
        data = read_table(path, target, drop=drop)
        said = json.loads(json.dumps(describe_table(path, data, target, drop)))
        assert said.pop("columns") == read_layout(path, target, drop).feature_names
        again = read_table(path, **said)
        assert again.holds_the_same(data)
        assert (again.columns, again.target_names) == (data.columns, data.target_names)


def test_columns_stay_with_the_samples(table):
    data = read_table(table(HOUSES.replace("120.5", "a").replace("160", "b").replace("210", "a")))
    assert data[1:].columns == data[[0]].columns == data.columns
    assert match_classes("it", data, ("c", "b", "a")).columns == data.columns
    plain = Dataset(data.features, data.targets, target_names=("a", "b"))
    assert plain.columns is None
    with pytest.raises(DataError, match="expected the same columns in the test part as in the training part"):
        Splits("mine", data, test=plain)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([Column("a")], "columns, a Column for each, got 1 of them for samples of shape \\(2,\\)"),
        (["a", "b"], "columns, a Column for each, got"),
        (3, "columns, a Column for each, got 3"),
        ([Column("a", ["u"]), Column("b")], "codes from 0 to 1 in column 'a', got 2.0 in sample 1"),
        ([Column("a"), Column("b", ["u"])], "codes from 0 to 1 in column 'b', got 0.5 in sample 0"),
        ([Column("c"), Column("b", ["u", "v", "w"])], "codes from 0 to 3 in column 'b', got 0.5"),
    ],
)
def test_columns_are_checked(columns, words):
    with pytest.raises(DataError, match=f"Dataset: expected {words}"):
        Dataset([[1, 0.5], [2, -1]], [0, 1], columns=columns)


@pytest.mark.parametrize("categories", ["ab", [], [1], {"a"}, ["a", "a"], 3])
def test_categories_are_words_in_an_order(categories):
    with pytest.raises(DataError, match="Column: expected 'a' to have categories, words in an order"):
        Column("a", categories)
    with pytest.raises(DataError, match="expected name"):
        Column(3)


word = st.text("abcdefgh ;,|äß", min_size=1, max_size=5).filter(lambda word: word == " ".join(word.split()))
MISSING_CELLS = st.sampled_from(["", "?", "NA", "nan"])


@st.composite
def tables(draw):
    """The kind of each column, "words" or "numbers", their cells, and how they are written."""
    samples = draw(st.integers(3, 9))
    kinds = draw(st.lists(st.sampled_from(["words", "numbers"]), min_size=1, max_size=4))

    def cells(kind):
        if kind == "numbers":
            return [draw(st.floats(-1e6, 1e6, width=32)) for _ in range(samples)]
        some = [draw(word) for _ in range(samples)]
        at = draw(st.integers(0, samples - 1))
        return [draw(MISSING_CELLS) if row == at else each for row, each in enumerate(some)]

    return kinds, [cells(kind) for kind in kinds], [draw(st.integers(0, 99)) + 0.5 for _ in range(samples)]


@given(tables(), st.sampled_from(",;\t|"), st.booleans(), st.booleans(), st.booleans())
def test_round_trip(drawn, delimiter, zipped, quoted, with_header):
    kinds, columns, targets = drawn
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    names = [f"column {place}" for place in range(len(kinds))]
    if with_header:
        writer.writerow([*names, "price"])
    writer.writerows(zip(*columns, targets, strict=True))
    content = text.getvalue().encode()
    with TemporaryDirectory() as folder:
        path = Path(folder, "mine.csv")
        path.write_bytes(gzip.compress(content) if zipped else content)
        layout = read_layout(path)
        assume(layout.delimiter == delimiter and bool(layout.names) == with_header)  # a few rows may mislead
        whole = [place for place, kind in enumerate(kinds) if kind == "words"]
        data = read_table(path, categories=whole, task="numbers")
        again = read_table(path, categories=categories_of(data.columns), task="numbers")
    assert again.holds_the_same(data)
    assert again.columns == data.columns
    np.testing.assert_array_equal(data.targets[:, 0], np.float32(targets))
    for place, (kind, cells) in enumerate(zip(kinds, columns, strict=True)):
        found, column = data.features[:, place], data.columns[place]
        assert column.name == (names[place] if with_header else str(place))
        if kind == "numbers":
            np.testing.assert_array_equal(found, np.float32(cells))
            continue
        meant = ["" if cell in ("", "?", "NA", "nan") else cell for cell in cells]
        assert [column.categories[int(code) - 1] for code in found] == meant
        assert column.categories == tuple(sorted(set(meant)))
