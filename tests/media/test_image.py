"""Image files of every format and mode, to upright RGB."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from recognize_cli.errors import FileFailure
from recognize_cli.media import image as image_module
from recognize_cli.media.image import decode_image
from recognize_cli.records import Reason
from tests.media.pictures import FLIPS, distance, encoded, photo, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


MORE = {"save_all": True, "append_images": [Image.new("RGB", (300, 200))]}


def _two_colours() -> Image.Image:
    image = Image.new("P", (9, 9), 1)
    image.putpalette((0, 0, 0, 9, 9, 9))
    return image


def failure(path: str, **options: Any) -> FileFailure:
    """How a file fails. The message is a sentence without Python in it."""
    with pytest.raises(FileFailure) as caught:
        decode_image(path, **{"min_side": 200, **options})
    message = caught.value.message
    assert not any(sign in message for sign in ("<", "Error", "Traceback", "\n", "b'", '"'))
    return caught.value


@pytest.mark.parametrize(
    ("format_", "mode", "options", "tolerance"),
    [
        ("JPEG", "RGB", {"quality": 95}, 3),
        ("JPEG", "RGB", {"quality": 95, "progressive": True}, 3),
        ("JPEG", "CMYK", {"quality": 95}, 3),
        ("PNG", "RGB", {}, 0),
        ("PNG", "RGBA", {}, 0),
        ("WEBP", "RGB", {"quality": 95}, 4),
        ("WEBP", "RGBA", {"lossless": True}, 0),
        ("BMP", "RGB", {}, 0),
        ("DIB", "RGB", {}, 0),
        ("TIFF", "RGB", {}, 0),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}, 0),
        ("TIFF", "RGB", {"compression": "jpeg", "quality": 95}, 3),
        ("TIFF", "RGBA", {}, 0),
        ("TIFF", "CMYK", {}, 0),
        ("TIFF", "YCbCr", {"compression": "tiff_lzw"}, 2),
        ("TIFF", "LAB", {}, 4),
        ("JPEG2000", "RGB", {}, 1),
        ("AVIF", "RGB", {"quality": 95}, 4),
        ("MPO", "RGB", {"quality": 95, "save_all": True, "append_images": [Image.new("RGB", (300, 200))]}, 3),
        ("TIFF", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (90, 90))]}, 0),
        ("PNG", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (300, 200))]}, 0),
        (
            "WEBP",
            "RGB",
            {"save_all": True, "lossless": True, "append_images": [Image.new("RGB", (300, 200))]},
            0,
        ),
    ],
)
def test_a_format_gives_its_first_picture(
    tmp_path: Path, format_: str, mode: str, options: dict[str, Any], tolerance: float
) -> None:
    path = written(tmp_path, encoded(_in_mode(photo(), mode), format_, **options))
    picture = decode_image(path, min_side=200)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert distance(picture, photo()) <= tolerance


@pytest.mark.parametrize(
    ("format_", "mode", "tolerance"),
    [
        ("JPEG", "L", 4),
        ("PNG", "L", 0),
        ("PNG", "LA", 0),
        ("PNG", "I;16", 0),
        ("TIFF", "I;16", 0),
        ("JPEG2000", "L", 1),
        ("AVIF", "L", 4),
        ("TIFF", "L", 0),
        ("BMP", "L", 0),
        ("GIF", "L", 0),
    ],
)
def test_grey_pictures_have_three_equal_bands(
    tmp_path: Path, format_: str, mode: str, tolerance: float
) -> None:
    grey = photo().convert("L")
    picture = decode_image(written(tmp_path, encoded(_in_mode(grey, mode), format_)), min_side=200)
    assert distance(picture, grey.convert("RGB")) <= tolerance
    assert (picture[..., :1] == picture).all()


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        lab = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
        assert lab is not None
        return lab
    return image.convert(mode)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "BMP", "TIFF", "WEBP"])
def test_palettes_become_colours(tmp_path: Path, format_: str) -> None:
    paletted = photo().quantize(32)
    path = written(tmp_path, encoded(paletted, format_, **({"lossless": True} if format_ == "WEBP" else {})))
    assert distance(decode_image(path, min_side=200), paletted.convert("RGB")) == 0


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "BMP", "GIF"])
def test_one_bit_is_black_and_white(tmp_path: Path, format_: str) -> None:
    dithered = photo().convert("1")
    picture = decode_image(written(tmp_path, encoded(dithered, format_)), min_side=200)
    assert distance(picture, dithered.convert("RGB")) == 0


def test_the_first_frame_of_a_gif_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode_image(written(tmp_path, content), min_side=200) == (255, 0, 0)).all()


def test_adobe_ycck_is_understood(tmp_path: Path) -> None:
    """Pillow writes CMYK only, so the planes of a YCCK file are stored as CMYK and relabelled."""
    colour = (200, 100, 50)
    inks = Image.new("RGB", (64, 64), tuple(255 - value for value in colour))
    planes = [plane.point(lambda value: 255 - value) for plane in inks.convert("YCbCr").split()]
    content = encoded(Image.merge("CMYK", [*planes, Image.new("L", (64, 64), 0)]), "JPEG", quality=100)
    marker = content.index(b"Adobe")
    assert content[marker + 11] == 0
    relabelled = content[: marker + 11] + b"\x02" + content[marker + 12 :]
    picture = decode_image(written(tmp_path, relabelled), min_side=200)
    assert distance(picture, Image.new("RGB", (64, 64), colour)) < 3


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    values = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    expected = (values / 257).round()
    for name, content in {
        "a.png": encoded(Image.fromarray(values), "PNG"),
        "a.tif": encoded(Image.fromarray(values), "TIFF"),
        "b.tif": encoded(Image.frombytes("I;16B", (32, 32), values.astype(">u2").tobytes()), "TIFF"),
    }.items():
        assert (decode_image(written(tmp_path, content, name), min_side=200)[..., 0] == expected).all()


@pytest.mark.parametrize("scale", [1.0, 1000.0, 1e-6])
def test_floats_reach_from_their_least_to_their_greatest_value(tmp_path: Path, scale: float) -> None:
    values = (np.linspace(-1, 1, 256, dtype=np.float32) * scale).reshape(16, 16)
    picture = decode_image(written(tmp_path, encoded(Image.fromarray(values), "TIFF")), min_side=200)
    assert (picture[..., 0] == np.arange(256).reshape(16, 16)).all()


def test_floats_that_are_no_numbers_do_not_matter(tmp_path: Path) -> None:
    values = np.array([[0, 1, np.nan], [np.inf, -np.inf, 0.5]], np.float32)
    picture = decode_image(written(tmp_path, encoded(Image.fromarray(values), "TIFF")), min_side=200)
    assert picture[..., 0].tolist() == [[0, 255, 0], [255, 0, 128]]
    nothing = encoded(Image.fromarray(np.full((2, 2), np.nan, np.float32)), "TIFF")
    assert not decode_image(written(tmp_path, nothing), min_side=200).any()


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (Image.new("RGBA", (9, 9), (255, 0, 0, 0)), {}),
        (Image.new("LA", (9, 9), (0, 0)), {}),
        (Image.new("RGB", (9, 9), (1, 2, 3)), {"transparency": (1, 2, 3)}),
        (Image.new("L", (9, 9), 7), {"transparency": 7}),
        (_two_colours(), {"transparency": 1}),
        (_two_colours(), {"transparency": b"\xff\x00"}),
        (Image.new("1", (9, 9), 0), {"transparency": 0}),
    ],
)
def test_what_is_transparent_becomes_white(
    tmp_path: Path, image: Image.Image, options: dict[str, Any]
) -> None:
    assert (decode_image(written(tmp_path, encoded(image, "PNG", **options)), min_side=200) == 255).all()


def test_half_transparent_red_on_white_is_pink_at_any_size(tmp_path: Path) -> None:
    for side in (9, 900):
        content = encoded(Image.new("RGBA", (side, side), (255, 0, 0, 128)), "PNG")
        picture = decode_image(written(tmp_path, content), min_side=200, max_side=100)
        assert distance(picture, np.broadcast_to((255, 127, 127), picture.shape)) < 1


@pytest.mark.parametrize(
    ("min_side", "size"),
    [
        (292, (500, 375)),  # 1/8
        (375, (500, 375)),
        (376, (1000, 750)),  # 1/4
        (1, (500, 375)),
        (751, (1024, 768)),  # 1/2, then shrunk to the long side
        (5000, (1000, 750)),  # 1/4, which is nearly all
    ],
)
def test_a_jpeg_is_decoded_at_the_least_scale_that_suffices(
    tmp_path: Path, min_side: int, size: tuple[int, int]
) -> None:
    path = written(tmp_path, encoded(photo().resize((4000, 3000)), "JPEG"))
    picture = decode_image(path, min_side=min_side)
    assert picture.shape == (size[1], size[0], 3)
    assert distance(picture, photo().resize(size, Image.Resampling.BICUBIC)) < 4


@pytest.mark.parametrize(
    ("width", "shown"),
    [(3590, 1024), (3620, 905), (4096, 1024), (1790, 1024), (1810, 905), (1024, 1024), (900, 900)],
)
def test_a_whole_jpeg_keeps_nearly_the_longest_side(tmp_path: Path, width: int, shown: int) -> None:
    """Of 1024 pixels it keeps 901 and more, where half the size or a quarter of it has as many."""
    path = written(tmp_path, encoded(photo().resize((width, width * 3 // 4)), "JPEG"))
    assert decode_image(path, min_side=5000).shape[1] == shown


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    min_side=st.integers(0, 1500),
    max_side=st.integers(1, 1500),
    format_=st.sampled_from(["JPEG", "PNG"]),
)
def test_sizes_keep_their_bounds(
    tmp_path_factory: pytest.TempPathFactory,
    width: int,
    height: int,
    min_side: int,
    max_side: int,
    format_: str,
) -> None:
    path = written(tmp_path_factory.mktemp("size"), encoded(Image.new("L", (width, height), 99), format_))
    rows, columns, bands = decode_image(path, min_side=min_side, max_side=max_side).shape
    assert bands == 3
    assert 1 <= max(rows, columns) <= max_side
    shrunk = min(1, max_side / max(width, height))
    whole = int(min(width, height) * shrunk)
    assert min(rows, columns) >= (min_side if min_side < whole else int(0.88 * whole))
    if shrunk == 1 and format_ == "PNG":
        assert (columns, rows) == (width, height)


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 1)])
def test_a_thread_keeps_a_pixel_of_width(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = decode_image(written(tmp_path, encoded(Image.new("RGB", size, "red"), "PNG")), min_side=200)
    assert sorted(picture.shape) == [1, 3, 1024]


@pytest.mark.parametrize("orientation", FLIPS)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_pictures_come_upright(tmp_path: Path, format_: str, orientation: int) -> None:
    stored = Image.fromarray(np.ascontiguousarray(FLIPS[orientation](np.asarray(photo()))))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"save_all": True, "append_images": [stored]} if format_ == "MPO" else {}
    path = written(tmp_path, encoded(stored, format_, exif=exif, **options))
    assert distance(decode_image(path, min_side=200), photo()) < 8


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = written(tmp_path, encoded(photo(), "PNG", exif=exif))
    assert distance(decode_image(path, min_side=200), photo()) == 0


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x09", b"junk"]
)
def test_damaged_exif_data_costs_nothing(
    tmp_path: Path, exif: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, encoded(photo(), "JPEG", exif=exif, quality=95))
    assert distance(decode_image(path, min_side=200), photo()) < 3
    assert capfd.readouterr() == ("", "")


def test_colour_profiles_are_ignored(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    for icc in (profile, b"no profile at all"):
        path = written(tmp_path, encoded(photo(), "PNG", icc_profile=icc))
        assert distance(decode_image(path, min_side=200), photo()) == 0


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    for name in ("a.png", "a.heic", "no extension", os.fsdecode(b"not utf-8 \xff.jpg")):
        path = written(tmp_path, encoded(photo(), "JPEG", quality=95), name)
        assert distance(decode_image(path, min_side=200), photo()) < 3


def test_heif_is_read_with_the_extra(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(photo()).save(tmp_path / "a.heic", quality=95)
    assert distance(decode_image(str(tmp_path / "a.heic"), min_side=200), photo()) < 4


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if pillow-heif were not installed."""
    with monkeypatch.context() as patch:
        patch.setitem(__import__("sys").modules, "pillow_heif", None)
        image_module._formats.cache_clear()
        yield
    image_module._formats.cache_clear()


@pytest.mark.usefixtures("without_heif")
def test_heif_without_the_extra_names_the_extra(tmp_path: Path) -> None:
    for brand in (b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic"):
        found = failure(written(tmp_path, b"\0\0\0\x18ftyp" + brand + bytes(99)))
        assert found.reason == Reason.UNSUPPORTED
        assert "install recognize-cli[heif]" in found.message


@pytest.mark.usefixtures("without_heif")
def test_avif_needs_no_extra(tmp_path: Path) -> None:
    assert distance(decode_image(written(tmp_path, encoded(photo(), "AVIF")), min_side=200), photo()) < 8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\x0a" + bytes(64), Reason.UNSUPPORTED),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(64), Reason.UNSUPPORTED),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", Reason.DECODE),
        (b"%PDF-1.7\n" + bytes(64), Reason.DECODE),
        (b"P6 2 2 255 " + bytes(12), Reason.DECODE),
        (b"<html>not found</html>", Reason.DECODE),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + bytes(64), Reason.DECODE),
        (b"x", Reason.DECODE),
        (bytes(4096), Reason.DECODE),
        (b"", Reason.DECODE),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes, reason: Reason) -> None:
    assert failure(written(tmp_path, content)).reason == reason


def test_what_is_no_readable_file_is_an_io_failure(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for name in ("absent.jpg", "pipe.jpg", "loop.jpg", ".", "a.jpg/b.jpg"):
        assert failure(str(tmp_path / name)).reason == Reason.IO
    assert failure("/dev/zero").reason == Reason.IO


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_an_io_failure(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo(), "JPEG"))
    os.chmod(path, 0)
    assert failure(path).message == "it cannot be read: Permission denied"


def test_a_png_with_much_text_is_read(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "history " * 500_000, zip=True)
    path = written(tmp_path, encoded(photo(), "PNG", pnginfo=text))
    assert distance(decode_image(path, min_side=200), photo()) == 0


def test_the_pixel_limit_is_inclusive(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(photo(), "JPEG"))
    assert decode_image(path, min_side=100, max_pixels=60_000).shape == (100, 150, 3)
    found = failure(path, max_pixels=59_999)
    assert found.reason == Reason.TOO_LARGE
    assert found.message == "it has 300×200 pixels, more than the limit of 59999"


def test_large_integers_reach_from_their_least_to_their_greatest_value(tmp_path: Path) -> None:
    values = np.array([[-(2**31), 0], [2**30, 2**31 - 1]], np.int32)
    picture = decode_image(written(tmp_path, encoded(Image.fromarray(values), "TIFF")), min_side=200)
    assert picture[..., 0].tolist() == [[0, 128], [191, 255]]
