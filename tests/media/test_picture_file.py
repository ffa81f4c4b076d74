"""Whatever is in the file, the picture comes out upright, opaque, sRGB and 8-bit, or is refused."""

from __future__ import annotations

import io
import resource
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from portravox.errors import (
    FileMissing,
    PictureError,
    PictureTooLarge,
    PictureTooNarrow,
    PictureUnreadable,
    PictureUnsupported,
    SettingOutOfRange,
)
from portravox.media.picture_file import BACKDROP_RGB, PictureLimits, read_picture

CORNERS = np.array(
    [[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [250, 250, 20]]], dtype=np.uint8
)
"""Red and green above, blue and yellow below: shows every turn and flip."""


UNDO: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a, -1),
}
"""How a picture is stored whose Exif has each orientation."""


def flag(height_px: int = 32, width_px: int = 48) -> np.ndarray:
    return CORNERS.repeat(height_px // 2, axis=0).repeat(width_px // 2, axis=1)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def png(path: Path, width: int, height: int, depth: int, kind: int, rows: bytes) -> Path:
    """A PNG file written by hand, for what Pillow does not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".gif"])
def test_lossless_kinds_keep_every_pixel(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"flag{suffix}", flag(), **({"lossless": True} if "w" in suffix else {}))
    picture = read_picture(path)
    assert np.array_equal(picture.pixels, flag())
    assert picture.pixels.flags.c_contiguous and picture.pixels.dtype == np.uint8
    assert picture.notices == ()


def test_the_content_and_not_the_name_says_what_it_is(tmp_path: Path) -> None:
    path = save(tmp_path / "flag.jpg", flag(), format="PNG")
    assert np.array_equal(read_picture(path).pixels, flag())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_ends_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(UNDO[orientation](flag()))
    path = save(tmp_path / "turned.png", stored, exif=exif)
    assert np.array_equal(read_picture(path).pixels, flag())


def test_16_bit_grey_keeps_its_ramp(tmp_path: Path) -> None:
    ramp = np.arange(0, 65_536, 256, dtype=np.uint16)  # (256,)
    rows = b"".join(b"\0" + ramp.astype(">u2").tobytes() for _ in range(128))
    pixels = read_picture(png(tmp_path / "grey16.png", 256, 128, 16, 0, rows)).pixels
    assert np.all(np.diff(pixels[0, :, 0].astype(int)) >= 0)
    assert np.abs(pixels[0, :, 0] - np.arange(256)).max() <= 1


def test_16_bit_colour_does_not_wrap_around(tmp_path: Path) -> None:
    ramp = np.arange(0, 65_536, 256, dtype=np.uint16)
    row = np.stack([ramp, ramp[::-1], np.full(256, 65_535, np.uint16)], axis=1)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for _ in range(128))
    pixels = read_picture(png(tmp_path / "rgb16.png", 256, 128, 16, 2, rows)).pixels.astype(int)
    assert np.all(np.diff(pixels[0, :, 0]) >= 0)
    assert np.all(np.diff(pixels[0, :, 1]) <= 0)
    assert np.all(pixels[..., 2] == 255)


def test_one_bit_and_grey_pictures_become_grey_rgb(tmp_path: Path) -> None:
    for mode in ("1", "L", "P"):
        path = tmp_path / f"{mode}.png"
        Image.fromarray(flag()).convert("L").convert(mode).save(path)
        pixels = read_picture(path).pixels
        assert pixels.shape == (32, 48, 3)
        assert np.all(pixels == pixels[..., :1])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_show_the_backdrop(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.dstack([np.full((16, 16, 3), 90, np.uint8), flag(16, 16)[..., 1]]))
    image.putalpha(Image.fromarray(np.repeat([[0], [255]], 8, axis=0).repeat(16, 1).astype("u1")))
    path = tmp_path / "cutout.png"
    if mode == "P":
        palette = Image.fromarray(np.repeat([[0], [1]], 8, axis=0).repeat(16, 1).astype("u1"))
        palette.putpalette([1, 2, 3, 90, 90, 90])
        palette.save(path, transparency=0)
    else:
        image.convert(mode).save(path)
    pixels = read_picture(path).pixels
    assert np.all(pixels[:8] == BACKDROP_RGB)
    assert np.all(pixels[8:] == 90)


def test_hidden_colours_of_transparent_pixels_do_not_bleed_when_scaled(tmp_path: Path) -> None:
    rgba = np.zeros((200, 200, 4), np.uint8)
    rgba[:, :100] = (90, 90, 90, 255)
    rgba[:, 100:] = (255, 0, 0, 0)
    pixels = read_picture(save(tmp_path / "edge.png", rgba), max_side_px=50).pixels.astype(int)
    assert np.abs(pixels[..., 0] - pixels[..., 1]).max() <= 1


def test_an_embedded_profile_is_honoured(tmp_path: Path) -> None:
    # LAB needs no file: its profile comes with the library. A profile with another white and
    # other primaries than sRGB is made by saying that red and blue are swapped.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(srgb)
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    swapped = bytearray(
        bytes(swapped).replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    )
    path = save(tmp_path / "swapped.png", flag(), icc_profile=bytes(swapped))
    picture = read_picture(path)
    assert picture.notices == ()
    assert np.abs(picture.pixels.astype(int) - flag()[..., ::-1]).max() <= 3


def test_a_broken_profile_is_left_out_with_a_notice(tmp_path: Path) -> None:
    picture = read_picture(save(tmp_path / "p.png", flag(), icc_profile=b"no profile at all"))
    assert np.array_equal(picture.pixels, flag())
    assert "profile" in picture.notices[0]


def test_cmyk_comes_out_in_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "cmyk.jpg"
    Image.fromarray(flag(64, 64)).convert("CMYK").save(path, quality=95)
    pixels = read_picture(path).pixels.astype(int)
    assert np.abs(pixels[8:24, 8:24] - CORNERS[0, 0]).max() < 30
    assert np.abs(pixels[40:56, 8:24] - CORNERS[1, 0]).max() < 30


def test_a_moving_picture_gives_its_first_frame_and_a_notice(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    first, second = Image.fromarray(flag()), Image.fromarray(255 - flag())
    first.save(path, save_all=True, append_images=[second])
    picture = read_picture(path)
    assert np.array_equal(picture.pixels, flag())
    assert "first frame" in picture.notices[0]


def test_a_moving_picture_cut_off_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    whole, cut = tmp_path / "moving.gif", tmp_path / "cut.gif"
    first, second = Image.fromarray(flag(8, 8)), Image.fromarray(255 - flag(8, 8))
    first.save(whole, save_all=True, append_images=[second])
    content = whole.read_bytes()
    refused = 0
    for size in range(1, len(content)):
        cut.write_bytes(content[:size])
        try:
            read_picture(cut)
        except (PictureUnreadable, PictureUnsupported):
            refused += 1
    assert 0 < refused < len(content) - 1


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_large_picture_is_scaled_with_a_notice_or_refused(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"large{suffix}", flag(2_100, 4_200))
    picture = read_picture(path)
    assert picture.pixels.shape == (2_048, 4_096, 3)
    assert "4200x2100" in picture.notices[0]
    assert np.abs(picture.pixels[500, 1_000].astype(int) - CORNERS[0, 0]).max() < 6
    with pytest.raises(PictureTooLarge, match="4200x2100"):
        read_picture(path, PictureLimits.service())


def test_the_service_takes_the_kinds_of_the_contract_only(tmp_path: Path) -> None:
    for suffix, taken in ((".jpg", True), (".png", True), (".bmp", True), (".webp", True),
                          (".gif", False), (".avif", False)):  # fmt: skip
        path = save(tmp_path / f"flag{suffix}", flag(64, 64))
        assert read_picture(path).pixels.shape == (64, 64, 3)
        if taken:
            assert read_picture(path, PictureLimits.service()).width_px == 64
        else:
            with pytest.raises(PictureUnsupported, match="wanted a JPEG, PNG, BMP or WebP picture"):
                read_picture(path, PictureLimits.service())


@pytest.mark.parametrize("suffix", [".avif", ".webp"])
def test_lossy_kinds_keep_colours_and_orientation(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / f"flag{suffix}", np.rot90(flag(64, 96)).copy(), quality=95, exif=exif)
    pixels = read_picture(path).pixels.astype(int)
    assert pixels.shape == (64, 96, 3)
    assert np.abs(pixels[8:24, 8:40] - CORNERS[0, 0]).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_of_phones_is_read_upright(tmp_path: Path, orientation: int) -> None:
    """Phones say how they were held twice: in the file and in its Exif."""
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "phone.heic"
    stored = Image.fromarray(np.ascontiguousarray(UNDO[orientation](flag(64, 96))))
    heif.from_pillow(stored).save(path, quality=-1, exif=exif.tobytes())
    pixels = read_picture(path).pixels.astype(int)
    assert pixels.shape == (64, 96, 3)
    assert np.abs(pixels - flag(64, 96)).mean() < 4.0
    with pytest.raises(PictureUnsupported, match="HEIC"):
        read_picture(path, PictureLimits.service())


def test_a_heic_that_is_none_is_damaged(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(PictureUnreadable):
        read_picture(path)


def test_heic_without_its_reader_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(PictureUnsupported) as refused:
        read_picture(path)
    assert "portravox[heif]" in refused.value.hint


def test_the_caller_may_ask_for_a_smaller_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "flag.jpg", flag(600, 800))
    assert read_picture(path, max_side_px=100).pixels.shape == (75, 100, 3)
    assert read_picture(path, max_side_px=1_000).pixels.shape == (600, 800, 3)
    with pytest.raises(SettingOutOfRange):
        read_picture(path, max_side_px=0)


def test_long_thin_pictures_are_refused(tmp_path: Path) -> None:
    wide, wider = (save(tmp_path / f"{w}.png", flag(40, w)) for w in (120, 122))
    assert read_picture(wide).width_px == 120
    with pytest.raises(PictureTooNarrow, match="122x40"):
        read_picture(wider)
    with pytest.raises(PictureTooNarrow):
        read_picture(wide, PictureLimits.service())


def test_bytes_are_limited(tmp_path: Path) -> None:
    path = save(tmp_path / "flag.png", flag())
    size = path.stat().st_size
    assert read_picture(path, PictureLimits(max_bytes=size)).height_px == 32
    with pytest.raises(PictureTooLarge, match="MiB"):
        read_picture(path, PictureLimits(max_bytes=size - 1))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg", ".webp", ".gif"])
def test_files_cut_off_anywhere_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    whole = save(tmp_path / f"whole{suffix}", rng.integers(0, 256, (64, 64, 3), np.uint8))
    content = whole.read_bytes()
    for share in (0.02, 0.1, 0.5, 0.8):
        cut = tmp_path / f"cut{suffix}"
        cut.write_bytes(content[: max(4, int(len(content) * share))])
        with pytest.raises((PictureUnreadable, PictureUnsupported), match="cut"):
            read_picture(cut)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg", ".webp", ".gif"])
def test_damaged_files_give_a_picture_or_one_of_our_errors(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(2)
    whole = save(tmp_path / f"whole{suffix}", rng.integers(0, 256, (40, 40, 3), np.uint8))
    content = np.frombuffer(whole.read_bytes(), np.uint8)
    path = tmp_path / f"damaged{suffix}"
    for _ in range(60):
        damaged = content.copy()
        places = rng.integers(0, min(len(content), 200), 4)
        damaged[places] = rng.integers(0, 256, 4)
        path.write_bytes(damaged.tobytes())
        try:
            assert read_picture(path).pixels.ndim == 3
        except PictureError as error:
            assert path.name in str(error)


def test_what_it_is_instead_is_named(tmp_path: Path) -> None:
    for content, name in (
        (b"hello\n", "text"),
        (b"II*\0", "TIFF"),
    ):
        path = tmp_path / "other.jpg"
        path.write_bytes(content)
        with pytest.raises(PictureUnsupported, match=name):
            read_picture(path)


def test_empty_missing_and_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(PictureUnreadable, match="empty"):
        read_picture(tmp_path / "empty.png")
    with pytest.raises(FileMissing, match="no such file"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(FileMissing, match="not a file"):
        read_picture(tmp_path)


def test_a_huge_picture_in_few_bytes_is_refused_from_its_header(tmp_path: Path) -> None:
    path = png(tmp_path / "bomb.png", 30_000, 30_000, 1, 0, b"")
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with pytest.raises(PictureTooLarge, match="30000x30000"):
        read_picture(path)
    assert time.perf_counter() - start < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 50_000


@pytest.mark.parametrize(
    "options",
    [
        {"max_bytes": 0},
        {"max_side_px": 0},
        {"max_ratio": 0.5},
        {"max_pixels": 0},
        {"oversize": "x"},
    ],
)
def test_limits_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(SettingOutOfRange):
        PictureLimits(**options)  # type: ignore[arg-type]


def test_all_sample_portraits_are_read(samples: Path) -> None:
    for path in sorted((samples / "portraits").iterdir()):
        picture = read_picture(path, max_side_px=640)
        assert 0 < max(picture.pixels.shape) <= 640
        assert picture.pixels.std() > 10  # something is to be seen


def test_files_that_are_no_good_pictures_get_their_outcome(samples: Path) -> None:
    expected = {
        "truncated.jpg": PictureUnreadable,
        "text_renamed.jpg": PictureUnsupported,
        "empty.png": PictureUnreadable,
        "huge_dimensions_30000x30000.png": PictureTooLarge,
    }
    for path in sorted((samples / "refused").iterdir()):
        start = time.perf_counter()
        if path.name in expected:
            with pytest.raises(expected[path.name]):
                read_picture(path)
        else:
            read_picture(path)
        assert time.perf_counter() - start < 5.0


def test_a_rotated_sample_is_upright(samples: Path) -> None:
    # A man before an even blue background: sky-coloured above, a dark suit below.
    pixels = read_picture(samples / "portraits" / "man_exif_orientation_6.jpg").pixels
    assert pixels[:100].mean() > pixels[-100:].mean() + 30


def test_reading_from_memory_equals_pillow(samples: Path) -> None:
    path = samples / "portraits" / "man_stubble_frontal_closed_mouth.jpg"
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert np.array_equal(read_picture(path).pixels, np.asarray(image.convert("RGB")))
