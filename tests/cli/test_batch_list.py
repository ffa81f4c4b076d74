"""Lists as people and programs write them."""

from __future__ import annotations

import pytest

from portravox.cli.batch_list import BadRow, Row, read_list
from portravox.errors import FileMissing, ListUnreadable, OutputNotWritable, SettingOutOfRange


@pytest.fixture
def rows_of(tmp_path):
    def read(text):
        path = tmp_path / "list"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_list(path)

    return read


def test_csv_and_json_lines_say_the_same(rows_of, tmp_path):
    csv = (
        "portrait,voice,output,video-fps,paste_back,seed\n"
        "a.png,b.wav,one,15,no,3\n"
        "c.png,d.wav,,,,\n"
    )
    lines = (
        '{"portrait": "a.png", "voice": "b.wav", "output": "one.mp4", "video_fps": 15,'
        ' "paste_back": false, "seed": 3}\n\n{"portrait": "c.png", "voice": "d.wav"}\n'
    )
    wanted = [
        Row(
            number=1,
            portrait=tmp_path / "a.png",
            voice=tmp_path / "b.wav",
            output="one.mp4",
            settings={"video_fps": 15, "paste_back": False, "seed": 3},
        ),
        Row(2, tmp_path / "c.png", tmp_path / "d.wav", "c-d.mp4", {}),
    ]
    assert rows_of(csv) == rows_of(lines) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffportrait;voice\r\na.png;b.wav\r\n",  # a German spreadsheet
        "portrait\tvoice\na.png\tb.wav\n\n",
        'voice, portrait\n"b.wav", a.png\n',
    ],
)
def test_spreadsheets_differ_and_are_understood(rows_of, text):
    (row,) = rows_of(text)
    assert (row.portrait.name, row.voice.name) == ("a.png", "b.wav")


def test_absolute_paths_stay(rows_of, tmp_path):
    (row,) = rows_of(f"portrait,voice\n{tmp_path}/x/a.png,b.wav\n")
    assert row.portrait == tmp_path / "x" / "a.png"


def test_names_are_unique_and_those_asked_for_come_first(rows_of):
    rows = rows_of("portrait,voice,output\na.png,v.wav,\na.png,v.wav,\na.png,v.wav,a-v\n")
    assert [row.output for row in rows] == ["a-v-2.mp4", "a-v-3.mp4", "a-v.mp4"]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("a.png,,,", ListUnreadable),
        (",b.wav,,", ListUnreadable),
        ("a.png,b.wav,../x,", OutputNotWritable),
        ("a.png,b.wav,/tmp/x,", OutputNotWritable),
        ("a.png,b.wav,..,", OutputNotWritable),
        ("a.png,b.wav,.hidden,", OutputNotWritable),
        ("a.png,b.wav,first,", OutputNotWritable),
        ("a.png,b.wav,,fast", SettingOutOfRange),
        ("a.png,b.wav,,15.5", SettingOutOfRange),
        ("a.png,b.wav,,15,more", ListUnreadable),
    ],
)
def test_a_bad_row_is_told_and_the_others_stay(rows_of, row, error):
    text = f"portrait,voice,output,video_fps\na.png,b.wav,first,\n{row}\nc.png,d.wav,last,\n"
    first, bad, last = rows_of(text)
    assert (first.output, last.output) == ("first.mp4", "last.mp4")
    assert isinstance(bad, BadRow)
    assert bad.number == 2
    assert isinstance(bad.error, error)


@pytest.mark.parametrize(
    "line", ["not json", "[1]", '{"portrait": 3, "voice": "b.wav"}', '{"voice": "b.wav"}',
             '{"portrait": "a", "voice": "b", "sed": 3}',
             '{"portrait": "a", "voice": "b", "seed": true}',
             '{"portrait": "a", "voice": "b", "paste_back": "maybe"}',
             '{"portrait": "a", "voice": "b", "quality": 3}'],
)  # fmt: skip
def test_a_bad_line_of_json_is_told_and_the_others_stay(rows_of, line):
    good = '{"portrait": "a.png", "voice": "b.wav"}'
    rows = rows_of(f"{good}\n{line}\n{good}\n")
    assert [type(row) for row in rows] == [Row, BadRow, Row]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "voice|portrait|rows"),
        ("portrait,voice\n", "no rows"),
        ("picture,voice\na,b\n", "'portrait'"),
        ("portrait,voice,fsp\na,b,c\n", "'fsp'"),
        (b"portrait,voice\n\xff\xfe,b\n", "UTF-8"),
        ('portrait,voice\n"a,b\n', "line"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_as_a_whole(rows_of, text, names):
    with pytest.raises(ListUnreadable, match=names):
        rows_of(text)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(FileMissing):
        read_list(tmp_path / "none.csv")
    with pytest.raises(FileMissing):
        read_list(tmp_path)


def test_a_row_with_a_wrong_option_keeps_its_name(rows_of):
    rows = rows_of("portrait,voice,output,seed\na.png,b.wav,x,-1\na.png,b.wav,,1e99\n")
    assert [row.output for row in rows] == ["x.mp4", "a-b.mp4"]
    assert all(isinstance(row, BadRow) for row in rows)


def test_a_text_in_a_json_row_is_read_as_a_text(rows_of):
    (row,) = rows_of('{"portrait": "a", "voice": "b", "video_fps": "15", "paste_back": "no"}')
    assert row.settings == {"video_fps": 15, "paste_back": False}


CHINESE = "portrait,voice,output\r\n张三.bmp,你好.wav,结果一.mp4\r\n"


@pytest.mark.parametrize(
    "text",
    [
        CHINESE.encode("gbk"),
        CHINESE.encode("utf-8-sig"),
        CHINESE.replace(",", "\t").encode("utf-16"),
        CHINESE.replace(",", "\t").encode("utf-16-le"),
        CHINESE.encode("utf-16-be"),
        ("sep=,\r\n" + CHINESE).encode("gbk"),
        ('"sep=;"\n' + CHINESE.replace(",", ";")).encode(),
        ("SEP=|\r\n" + CHINESE.replace(",", "|")).encode("utf-16"),
    ],
)
def test_every_encoding_that_spreadsheets_write_is_read(rows_of, tmp_path, text):
    (row,) = rows_of(text)
    assert row == Row(1, tmp_path / "张三.bmp", tmp_path / "你好.wav", "结果一.mp4", {})


def test_the_code_page_is_that_whose_names_are_files(rows_of, tmp_path):
    western = "portrait;voice\r\nMädchen.png;Grüße.wav\r\n".encode("cp1252")
    (tmp_path / "Mädchen.png").touch()
    (row,) = rows_of(western)
    assert (row.portrait.name, row.voice.name) == ("Mädchen.png", "Grüße.wav")


def test_other_bytes_say_what_to_do(rows_of):
    with pytest.raises(ListUnreadable) as refused:
        rows_of(b"portrait,voice\n\xff\xfe,b\n")
    assert "CSV UTF-8" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "portrait"), [("gbk.csv", "张三.bmp"), ("utf16.csv", "张三.bmp"), ("sep.csv", "a.bmp")]
)
def test_the_reported_lists_are_read(samples, name, portrait):
    (row,) = read_list(samples / "reported" / name)
    assert row.portrait.name == portrait


def test_a_picture_behind_lies_beside_the_list_and_other_backgrounds_are_words(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(
        "portrait,voice,background,output\n"
        "a.png,v.wav,wall.jpg,\n"
        "a.png,v.wav,#102030,\n"
        "a.png,v.wav,transparent,clear.webm\n"
    )
    behind = [(row.settings["background"], row.output) for row in read_list(path)]
    assert behind == [
        (str(tmp_path / "wall.jpg"), "a-v.mp4"),
        ("#102030", "a-v-2.mp4"),
        ("transparent", "clear.webm"),
    ]
