"""Reading a native folder: which file is which table, and lines that cannot be read."""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.community import Rejection
from data.delimited import read_delimited
from data.folder import FORMATS, accepted_names, read_folder
from data.validate import read_community
from data.write import write_folder
from engine.domain import TABLES
from engine.errors import DataError

NOW = 1_700_000_000.0
SMALLEST: dict[str, bytes] = {
    "members.csv": b"id\nann\n",
    "groups.csv": b"id\ng1\n",
    "memberships.csv": b"member,group\nann,g1\n",
}


def dateless(content: bytes) -> bytes:
    """Return it as gzip of no date: a test's name must be the same each time."""
    return gzip.compress(content, mtime=0)


def make(path: Path, files: dict[str, bytes], *, without: str = "") -> Path:
    """Write the smallest folder, with some files replaced or added and one left out."""
    path.mkdir(parents=True, exist_ok=True)
    replaced = {name.partition(".")[0] for name in files}
    base = {n: b for n, b in SMALLEST.items() if n.partition(".")[0] not in {*replaced, without}}
    for name, content in {**base, **files}.items():
        (path / name).write_bytes(content)
    return path


def rows(path: Path, table: str) -> list[dict[str, object]]:
    return read_folder(path)[0][table].frame.to_dicts()


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_folder(path)
    return str(caught.value)


def encoded(frame: pl.DataFrame, ending: str) -> bytes:
    buffer = io.BytesIO()
    if ending == "parquet":
        frame.write_parquet(buffer)
    elif ending == "jsonl":
        frame.write_ndjson(buffer)
    else:
        frame.write_csv(buffer, separator="\t" if ending == "tsv" else ",")
    return buffer.getvalue()


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("ending", FORMATS)
def test_every_form_gives_the_same_community(ending: str, zipped: bool, tmp_path: Path) -> None:
    tables = {
        "members": pl.DataFrame({"id": ["5", 'a,"b"\tc'], "text": ["line\nbreak 👩‍🚀", ""]}),
        "groups": pl.DataFrame({"id": ["g1", "[odd"]}),
        "memberships": pl.DataFrame(
            {"member": ["5", "5"], "group": ["g1", "[odd"], "first_ts": [1.5e9, None]}
        ),
        "posts": pl.DataFrame({"id": ["p"], "member": ["5"], "groups": ['["g1","[odd"]']}),
    }
    for table, frame in tables.items():
        given_frame = frame
        if table == "posts" and ending in ("parquet", "jsonl"):
            given_frame = frame.with_columns(groups=pl.lit(["g1", "[odd"]))
        content = encoded(given_frame, ending)
        name = f"{table}.{ending}" + (".gz" if zipped else "")
        (tmp_path / name).write_bytes(gzip.compress(content) if zipped else content)
    read = read_community(tmp_path, now=NOW)
    assert read.rejections == ()
    assert read.members.select("id", "text").rows() == [
        ("5", "line\nbreak 👩‍🚀"),
        ('a,"b"\tc', ""),
    ]
    assert read.memberships.select("member", "group", "first_ts").rows() == [
        (0, 0, 1.5e9),
        (0, 1, None),
    ]
    assert read.authors.rows() == [(0, 0)]
    assert read.post_groups.rows() == [(0, 0), (0, 1)]


def test_a_written_folder_is_read_back_and_its_bytes_do_not_change(tmp_path: Path) -> None:
    tables = {
        "members": pl.DataFrame({"id": ["ann", "bob"], "text": ["a\tb\nc", '"quoted"']}),
        "groups": pl.DataFrame({"id": ["g1"], "name": ["Chess ♟"]}),
        "memberships": pl.DataFrame({"member": ["ann"], "group": ["g1"], "first_ts": [2.5]}),
        "posts": pl.DataFrame({"id": ["p"], "members": [["ann"]], "groups": [["g1"]]}),
        "participations": pl.DataFrame({"post": ["p"], "member": ["bob"]}),
        "blocks": pl.DataFrame({"member": ["bob"], "other": ["ann"]}),
    }
    for name in ("one", "two"):
        write_folder(tables, tmp_path / name)
    one = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}
    assert one == {file.name: file.read_bytes() for file in (tmp_path / "two").iterdir()}
    assert one["posts.jsonl.gz"][4:8] == bytes(4)  # gzip's own time of writing
    assert set(one) == {
        *("members.jsonl", "groups.jsonl", "memberships.tsv", "blocks.tsv"),
        *("posts.jsonl.gz", "participations.tsv.gz"),
    }
    read, _ = read_folder(tmp_path / "one")
    for table, frame in tables.items():
        back = read[table].frame.drop("_line")
        assert back.to_dicts() == frame.with_columns(pl.col(pl.Float64).cast(pl.String)).to_dicts()


def test_an_unlimited_capacity_is_not_written_as_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"groups\.capacity holds an infinite number"):
        write_folder({"groups": pl.DataFrame({"id": ["g"], "capacity": [float("inf")]})}, tmp_path)


def test_a_number_and_a_string_are_the_same_id_whatever_came_first(tmp_path: Path) -> None:
    many = b"".join(b'{"id": %d}\n' % number for number in range(200))
    make(tmp_path, {"members.jsonl": many + b'{"id": "0x"}\n{"id": "7b"}\n{"id": 300.0}\n'})
    found = [row["id"] for row in rows(tmp_path, "members")]
    assert found == [*map(str, range(200)), "0x", "7b", "300"]


def test_lines_are_counted_past_blank_lines_and_line_breaks_in_quotes(tmp_path: Path) -> None:
    members = b'\xef\xbb\xbfid,text\r\n\r\nann,"one\r\ntwo"\r\nbob,three\r\n'
    make(tmp_path, {"members.csv": members, "groups.jsonl": b'\n{"id":"g1"}\n\n{"id":"g2"}'})
    assert rows(tmp_path, "members") == [
        {"id": "ann", "text": "one\ntwo", "_line": 3},
        {"id": "bob", "text": "three", "_line": 5},
    ]
    assert [row["_line"] for row in rows(tmp_path, "groups")] == [2, 4]


def test_blank_lines_and_half_a_line_break_are_no_values_in_a_plain_file(tmp_path: Path) -> None:
    make(tmp_path, {"members.csv": b"id\nann\n\nbob\r"})
    assert rows(tmp_path, "members") == [{"id": "ann", "_line": 2}, {"id": "bob", "_line": 4}]
    make(tmp_path, {"members.csv": b"id\r\nann\r\nbob\r"})
    assert rows(tmp_path, "members") == [{"id": "ann", "_line": 2}, {"id": "bob", "_line": 3}]


def test_json_of_several_shapes_becomes_text_or_lists_of_text(tmp_path: Path) -> None:
    posts = (
        b'{"id":1,"groups":["a",2,null],"title":{"en":"x"},"ts":{"s":1},"tags":["t"],"score":2}\n'
        b'{"id":2.0,"groups":"b","title":true,"ts":1e3,"tags":null,"lang":null}\n'
    )
    make(tmp_path, {"posts.jsonl": posts})
    assert rows(tmp_path, "posts") == [
        {
            **{"id": "1", "groups": ["a", "2", None], "title": None, "ts": "{...}"},
            **{"score": "2", "lang": None, "_line": 1},
        },
        {
            **{"id": "2", "groups": ["b"], "title": "true", "ts": "1000"},
            **{"score": None, "lang": None, "_line": 2},
        },
    ]


def test_a_number_too_long_to_be_exact_is_no_id(tmp_path: Path) -> None:
    many = b'{"id":%s1}\n{"id":%s2}\n{"id":"ann"}\n' % (b"1234567890" * 2, b"1234567890" * 2)
    make(tmp_path, {"members.jsonl": many})
    read = read_community(tmp_path, now=NOW)
    assert [(one.line, one.reason) for one in read.rejections] == [
        (1, "has no id"),
        (2, "has no id"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "line", "reason"),
    [
        ("members.csv", b"id,text\na,b\nc,d\xff\n", 3, "not UTF-8 (byte 0xff at column 4)"),
        (
            "members.tsv",
            "id\tt\na\tb\nü\té".encode() + b"\x80",
            3,
            "not UTF-8 (byte 0x80 at column 4)",
        ),
        ("members.jsonl", b'{"id":"a"}\n{"id":"\xfe"}\n', 2, "not UTF-8 (byte 0xfe at column 8)"),
        ("members.jsonl", b'{"id":"a"}\n["b"]\n', 2, "not a JSON object"),
        (
            "members.jsonl",
            b'{"id":"a"}\n{"id":\n',
            2,
            "not a JSON object (unexpected end of data at column 7)",
        ),
        ("members.csv", b"id,a,b,c\n1,2,3,4\n1,2,3,4,5\n", 3, "has 5 fields, the header has 4"),
        ("members.tsv", b"id\ta\n1\t2\n3\n", 3, "has 1 field, the header has 2"),
        ("members.csv", b'id,a\nx,"open\ny,z\n', 2, "broken quotes (a quote is never closed)"),
        ("members.csv", b'id,a\nx,"y"z\nv,w\n', 2, "broken quotes (',' expected after '\"')"),
    ],
)
def test_a_bad_line_is_set_aside_and_the_others_are_kept(
    name: str, content: bytes, line: int, reason: str, tmp_path: Path
) -> None:
    tables, rejections = read_folder(make(tmp_path, {name: content}))
    assert rejections == [Rejection(name, line, reason)]
    assert tables["members"].frame.height == 1


def test_a_required_table_that_is_missing_is_named_with_the_files_it_may_be(
    tmp_path: Path,
) -> None:
    said = refused(make(tmp_path, {}, without="groups"))
    assert (
        f"has no table groups; one of these is needed: {', '.join(accepted_names('groups'))}"
        in (said)
    )


def test_two_files_for_one_table_are_both_named(tmp_path: Path) -> None:
    said = refused(make(tmp_path, {"members.csv": b"id\na\n", "members.jsonl.gz": b""}))
    assert "holds members.csv and members.jsonl.gz; keep one file" in said


def test_a_table_in_an_unknown_form_is_not_passed_over(tmp_path: Path) -> None:
    said = refused(make(tmp_path, {"blocks.json": b"[]"}))
    assert "blocks.json is in no form Belong reads" in said


def test_a_folder_that_is_none_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "nowhere").startswith("there is no folder")
    assert "is a file; give the folder" in refused(tmp_path / "file")
    assert "is empty; it needs at least members, groups, memberships" in refused(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("members.csv", b"", "members.csv is empty"),
        ("members.jsonl", b"\n\n", "members.jsonl is empty"),
        ("members.csv", b"\n", "members.csv is empty; it needs a header"),
        ("members.csv", b"name,age\na,1\n", "no column 'id'; the columns found are: name, age"),
        ("members.csv", b"name,age\n", "no column 'id'; the columns found are: name, age"),
        ("members.jsonl", b'{"name":"a"}\n', "no column 'id'; the columns found are: name"),
        ("members.csv", b"id,x,x\na,1,2\n", "names the column 'x' twice"),
        ("members.csv", b"id,_line\na,1\n", "a column '_line', a name Belong needs itself"),
        ("members.csv", b"id\xff\na\n", "the header is not UTF-8 (byte 0xff at column 3)"),
        ("members.jsonl", b"{\n", "members.jsonl has no row that can be read; line 1: not a JSON"),
        ("members.parquet", b"PAR1 nothing", "members.parquet cannot be read as parquet"),
        (
            "members.csv.gz",
            dateless(b"id\n" * 99)[:-9],
            "ends too early, so rows are lost",
        ),
        ("members.csv.gz", b"id\nann\n", "members.csv.gz is damaged or no gzip file"),
        (
            "members.csv.gz",
            dateless(b"id\na\n")[:10] + b"\xff" * 30,
            "is damaged or no gzip",
        ),
        ("members.csv.gz", dateless(b"id\na\n") + b"x", "is damaged or no gzip file"),
        (
            "members.csv.gz",
            dateless(b"id\na\n")[:-8] + bytes(8),
            "is damaged or no gzip",
        ),
    ],
)
def test_a_file_that_cannot_be_a_table_stops_the_run(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    assert said in refused(make(tmp_path, {name: content}))


def test_text_stored_as_bytes_in_parquet_is_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [b"ann"], "photo": [b"\xff\xd8"]})
    make(tmp_path, {"members.parquet": encoded(frame, "parquet")})
    assert rows(tmp_path, "members") == [{"id": "ann", "_line": 1}]


CELL = st.text(st.characters(codec="utf-8", exclude_characters='\r\n,"'), max_size=4)


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=6))
def test_a_clean_file_and_its_quoted_twin_are_read_alike(cells: list[tuple[str, str, str]]) -> None:
    header = "id,x,y"
    clean = "\n".join([header, *(",".join(row) for row in cells)])
    quoted = "\n".join([header, *('"' + '","'.join(row) + '"' for row in cells)])
    read = [read_delimited("a.csv", text.encode(), TABLES["members"]) for text in (clean, quoted)]
    assert read[0][0].equals(read[1][0])
    assert read[0][0].drop("_line").rows() == cells
    assert read[0][1] == read[1][1] == []


BYTES = [
    *(b"id", b"member", b"group", b"post", b"members", b"first_ts", b"ann", b"g1", b"1e999"),
    *(b",", b"\t", b"\n", b"\r\n", b'"', b"[", b'{"id":', b"}", b":", b"\xff", b"\x00"),
]


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from([name for table in TABLES for name in accepted_names(table)]),
    content=st.binary(max_size=60)
    | st.lists(
        st.sampled_from(BYTES),
        max_size=30,
    ).map(b"".join),
    zipped=st.booleans(),
)
def test_any_bytes_are_read_or_refused_by_a_data_error(
    name: str, content: bytes, zipped: bool
) -> None:
    content = gzip.compress(content) if zipped else content
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), {name: content})
        with contextlib.suppress(DataError):
            assert read_community(Path(folder), now=NOW).members.height > 0
