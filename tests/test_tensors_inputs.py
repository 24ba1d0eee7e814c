"""Inputs from arrays and images: what fits is taken, what does not is told with what would."""

from __future__ import annotations

import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convcalc.diagnostics import Misuse, SpecError, Unreadable
from convcalc.expand import expand
from convcalc.graph import Graph
from convcalc.source import Source
from convcalc.spec import read_spec
from convcalc.tensors import first_not_finite, read_inputs
from convcalc.tensors.images import IMAGENET, treatment

if TYPE_CHECKING:
    from pathlib import Path

Saved = Any


def net(text: str = "input: [3, H, 2*W]", **values: int) -> Graph:
    return expand(read_spec(Source("net.yaml", f"vars: {{H: 4, W: 3, G: H}}\n{text}\nlayers: [relu]\n")), values)


def two() -> Graph:
    graph = Graph()
    graph.add("concat", graph.input((2, 4), "left"), graph.input((2, 4), "right"))
    return graph


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    def write(array: Any, name: str = "x.npy", **named: Any) -> str:
        path = tmp_path / name
        if named:
            np.savez(path, **named)
        else:
            np.save(path, array)
        return str(path)

    return write


def wrong(paths: list[str], graph: Graph, **options: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(SpecError) as caught:
        read_inputs(paths, graph, **options)
    return [(d.code, d.message, d.fix) for d in caught.value.diagnostics]


OR = ", or add --input {} if the net can take that"
OR9 = OR.format("1x9x9")
AXES = "give 3 axes, channels first, or 4 with the batch"
X = np.arange(72.0).reshape(3, 4, 6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_missing_batch_axis_is_added(saved: Saved, dtype: str) -> None:
    ready = read_inputs([saved(X)], net(), dtype=dtype)
    assert ready["input"].shape == (1, 3, 4, 6)
    assert ready["input"].dtype == dtype
    assert np.array_equal(ready["input"][0], X)


def test_a_batch(saved: Saved) -> None:
    path = saved(np.stack([X, X]))
    assert read_inputs([path], net())["input"].shape == (2, 3, 4, 6)
    assert read_inputs([path], net(), batch=2)["input"].shape == (2, 3, 4, 6)
    assert wrong([path], net(), batch=3) == [
        ("input-batch", "the array for 'input' has 2 samples, the batch is 3", "use --batch 2")
    ]
    assert wrong([saved(np.zeros((0, 3, 4, 6)))], net()) == [
        ("input-batch", "the array for 'input' has 0 samples, a run needs one", "give at least one sample")
    ]


def test_orders_in_memory_and_other_dtypes(saved: Saved) -> None:
    for array in (np.asfortranarray(X), X.astype(">f4"), X.astype("uint8"), X.astype("float16"), X.astype("int64")):
        ready = read_inputs([saved(array)], net())["input"]
        assert np.array_equal(ready[0], X)
        assert ready.dtype == np.float32
        assert ready.flags.c_contiguous


def test_several_inputs(saved: Saved) -> None:
    left, right = np.ones((2, 4)), np.zeros((2, 4))
    both = saved(None, "both.npz", left=left, right=right)
    one = saved(left, "a=b.npy")
    for options in ([both], [f"left={one}", "right=" + saved(right, "r.npy")], [f"left={both}", f"right={both}"]):
        ready = read_inputs(options, two())
        assert list(ready) == ["left", "right"]
        assert ready["left"].sum() == 8
        assert ready["right"].sum() == 0


def test_the_only_array_is_for_the_only_input(saved: Saved) -> None:
    assert read_inputs([saved(None, "x.npz", whatever=X)], net())["input"].shape == (1, 3, 4, 6)
    assert read_inputs(["input=" + saved(X)], net())["input"].shape == (1, 3, 4, 6)


def test_requests_that_make_no_sense(saved: Saved, tmp_path: Path) -> None:
    path = saved(np.ones((2, 4)), "a.npy")
    both = saved(None, "both.npz", left=np.ones((2, 4)), wright=np.ones((2, 4)))
    named = str(tmp_path)
    for options, told in [
        ([path], f"{path}: which input is it for? Write NAME={path}, with one of left, right"),
        ([f"left={path}"], "there is no array for the input 'right': give one as right=FILE"),
        ([f"left={path}", f"left={path}"], "there are two arrays for the input 'left'"),
        ([f"lift={path}"], "there is no input 'lift': did you mean 'left'?"),
        ([both], f"{both}: 'wright' is no input of the net: did you mean 'right'?"),
        ([f"right={both}"], f"{both}: there is no array 'right' in it: did you mean 'wright'?"),
        ([], "there is no array for the input 'left': give one as left=FILE"),
    ]:
        with pytest.raises(Misuse) as caught:
            read_inputs(options, two())
        assert str(caught.value) == told.replace("NAMED", named)
    with pytest.raises(Misuse, match="differ in their number of samples: left has 1, right has 2"):
        read_inputs([f"left={path}", "right=" + saved(np.ones((2, 2, 4)), "r.npy")], two())
    empty = tmp_path / "none.npz"
    np.savez(empty)
    with pytest.raises(Misuse, match="there is no array in it"):
        read_inputs([str(empty)], net())
    with pytest.raises(Misuse, match="--resize and --normalize are for images"):
        read_inputs([saved(X)], net(), resize="4x6")


@pytest.mark.parametrize(
    ("text", "shape", "message", "fix"),
    [
        ("[3, H, W]", (3, 5, 7), "3x5x7, the input is 3x4x3, or Nx3x4x3", "use --set H=5,W=7"),
        ("[3, H, W]", (2, 3, 4, 7), "2x3x4x7, the input is 3x4x3, or Nx3x4x3", "use --set W=7"),
        ("[3, H, H]", (3, 5, 7), "3x5x7, the input is 3x4x4, or Nx3x4x4", "resize it to 4x4" + OR.format("3x5x7")),
        ("[3, H, G]", (3, 5, 5), "3x5x5, the input is 3x4x4, or Nx3x4x4", "use --set H=5,G=5"),
        ("[3, H, 2*H]", (3, 5, 10), "3x5x10, the input is 3x4x8, or Nx3x4x8", "use --set H=5"),
        ("[3, H, 2*H]", (3, 5, 11), "3x5x11, the input is 3x4x8, or Nx3x4x8", "resize it to 4x8" + OR.format("3x5x11")),
        ("[3, 9, 9]", (1, 9, 9), "1x9x9, the input is 3x9x9, or Nx3x9x9", "give an array of 3x9x9" + OR9),
        (
            "[3, 8, 9]", (8, 9, 3), "8x9x3, the input is 3x8x9, or Nx3x8x9",
            "put the channels first, as np.moveaxis(x, -1, -3) does",
        ),
        ("[1, 8, 8]", (8, 8), "8x8, the input is 1x8x8, or Nx1x8x8", AXES),
        (
            "[3, 8, 8]", (1, 1, 3, 8, 8), "1x1x3x8x8, the input is 3x8x8, or Nx3x8x8",
            AXES,
        ),
        ("[3]", (), "a single number, the input is 3, or Nx3", "give 1 axis, channels first, or 2 with the batch"),
    ],
)  # fmt: skip
def test_another_shape(saved: Saved, text: str, shape: tuple[int, ...], message: str, fix: str) -> None:
    graph = net(f"input: {text}")
    path = saved(np.zeros(shape))
    assert wrong([path], graph) == [("input-shape", f"the array for 'input' is {message}", fix)]
    if fix.startswith("use --set "):
        values = {name: int(value) for name, value in (pair.split("=") for pair in fix[10:].split(","))}
        assert read_inputs([path], graph.bind(values))["input"].shape[-len(shape) :] == shape


def test_every_input_that_does_not_fit_is_told(saved: Saved) -> None:
    path = saved(None, "both.npz", left=np.ones((2, 5)), right=np.full((2, 4), np.nan))
    assert [code for code, _, _ in wrong([path], two())] == ["input-shape", "not-finite"]


def test_inputs_of_whole_numbers_stay_so(saved: Saved) -> None:
    graph = Graph()
    graph.add("relu", graph.input((3,), dtype="uint8"))
    for array in (np.array([1, 2, 255]), np.array([1.0, 2, 255])):
        ready = read_inputs([saved(array)], graph)["input"]
        assert ready.dtype == np.uint8
        assert ready.tolist() == [[1, 2, 255]]
    for odd in (256, -1, 2.5, np.nan, np.inf):
        ((code, message, fix),) = wrong([saved(np.array([1, 2, odd]))], graph)
        assert (code, fix) == ("input-dtype", "give numbers that uint8 can hold")
        assert message.endswith(" at [0, 2], and the input is of uint8")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_are_finite_unless_asked(saved: Saved, value: float) -> None:
    array = X.copy()
    array[2, 1, 5] = array[2, 3, 0] = value
    path = saved(array)
    assert wrong([path], net()) == [
        ("not-finite", f"the array for 'input' is {value:g} at [0, 2, 1, 5]", "give finite numbers")
    ]
    ready = read_inputs([path], net(), allow_not_finite=True)["input"]
    assert np.array_equal(ready[0], array, equal_nan=True)


def test_numbers_fit_in_the_run_s_dtype(saved: Saved) -> None:
    array = X.copy()
    array[1, 1, 1] = -1e300
    path = saved(array)
    ((_, message, fix),) = wrong([path], net())
    assert message == "the array for 'input' is -1e+300 at [0, 1, 1, 1], which does not fit in float32"
    assert fix == "scale it, or run in float64"
    assert read_inputs([path], net(), dtype="float64")["input"].min() == -1e300


@pytest.mark.parametrize("array", [np.array(["text"]), np.zeros((3, 4, 6), complex), np.array([None])])
def test_what_is_no_number(saved: Saved, array: Any) -> None:
    ((code, _, _),) = wrong([saved(array)], net())
    assert code == "input-dtype"


def test_first_not_finite() -> None:
    assert first_not_finite(np.full(3, 60000, "float16")) is None
    assert first_not_finite(np.array([1, 2])) is None
    assert first_not_finite(np.array([[0, np.inf], [-np.inf, 0]])) == ((0, 1), np.inf)


def test_files_that_cannot_be_used(tmp_path: Path, saved: Saved) -> None:
    path = tmp_path / "x.npy"
    saved(X)
    whole = path.read_bytes()
    for data, told in [
        (None, "no such file or directory"),
        (b"", "an empty file"),
        (b"text", "not an .npy or .npz file or an image (.png, .jpg)"),
        (whole[:100], "not a whole .npy file: its header is damaged"),
        (whole[:-1], "not a whole .npy file: 703 bytes, and its header speaks of 704"),
        (whole + b"\0", "not a whole .npy file: 705 bytes, and its header speaks of 704"),
        (b"\x80\x04N.", "a pickle, which can run code when it is read"),
    ]:
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(Unreadable) as caught:
            read_inputs([str(path)], net())
        assert str(caught.value).startswith(f"{path}: {told}")


def test_a_header_that_claims_more_than_there_is_makes_no_room(tmp_path: Path) -> None:
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 3, 4, 6), }"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
    with pytest.raises(Unreadable, match="its header speaks of 57,600,000,000,0"):
        read_inputs([str(tmp_path / "x.npy")], net())


# Images


@pytest.fixture
def image(tmp_path: Path) -> Any:
    library = pytest.importorskip("PIL.Image")

    def write(pixels: Any, name: str = "x.png", **options: Any) -> str:
        library.fromarray(np.asarray(pixels)).save(tmp_path / name, **options)
        return str(tmp_path / name)

    return write


def picture(height: int = 4, width: int = 6) -> Any:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_an_image_is_channels_first_in_0_1(image: Any) -> None:
    pixels = picture()
    ready = read_inputs([image(pixels)], net(), dtype="float64")["input"]
    np.testing.assert_array_equal(ready[0], pixels.transpose(2, 0, 1) / 255)
    raw = read_inputs([image(pixels)], net(), normalize="0..255")["input"]
    np.testing.assert_array_equal(raw[0], pixels.transpose(2, 0, 1))


def test_normalisation(image: Any) -> None:
    pixels = picture()
    unit = pixels.transpose(2, 0, 1) / 255
    mean, deviation = (np.reshape(part, (3, 1, 1)) for part in (IMAGENET[:3], IMAGENET[3:]))
    for text, expected in [
        ("imagenet", (unit - mean) / deviation),
        ("0.5,0.25", (unit - 0.5) / 0.25),
        ("0.1,0.2,0.3,1,2,3", (unit - [[[0.1]], [[0.2]], [[0.3]]]) / [[[1]], [[2]], [[3]]]),
    ]:
        ready = read_inputs([image(pixels)], net(), dtype="float64", normalize=text)["input"]
        np.testing.assert_allclose(ready[0], expected, rtol=1e-12, atol=1e-12)
    with pytest.raises(Misuse, match=r"--normalize has 2 means, .* has 3 channels"):
        read_inputs([image(pixels)], net(), normalize="1,1,1,1")


@pytest.mark.parametrize("text", ["x", "1", "1,2,3", "0.5,0", "0.5,-1", "nan,1", "1,inf", ","])
def test_normalisation_that_makes_no_sense(text: str) -> None:
    with pytest.raises(Misuse, match=r"--normalize takes 0\.\.1"):
        treatment(normalize=text)


@pytest.mark.parametrize("text", ["0", "0x4", "4x0", "4x4x4", "-4", "4.5", "999999", "big"])
def test_sizes_that_make_no_sense(text: str) -> None:
    with pytest.raises(Misuse, match="--resize takes a size like 224x224"):
        treatment(resize=text)


def test_resizing(image: Any) -> None:
    from PIL import Image

    pixels = picture(8, 20)
    exact = read_inputs([image(pixels)], net(), dtype="float64", resize="4x6")["input"]
    expected = np.asarray(Image.fromarray(pixels).resize((6, 4), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(exact[0], expected.transpose(2, 0, 1) / 255)
    # The shorter side first, then the middle of the size that the net declares.
    cut = read_inputs([image(pixels)], net(), dtype="float64", resize="4")["input"]
    expected = np.asarray(Image.fromarray(pixels).resize((10, 4), Image.Resampling.BILINEAR))[:, 2:8]
    np.testing.assert_array_equal(cut[0], expected.transpose(2, 0, 1) / 255)


def test_an_image_of_another_size(image: Any) -> None:
    path = image(picture(5, 8))
    assert wrong([path], net()) == [
        (
            "input-shape",
            "the array for 'input' is 3x5x8, the input is 3x4x6, or Nx3x4x6",
            "resize it to 4x6, or add --input 3x5x8 if the net can take that",
        )
    ]
    ((_, _, fix),) = wrong([path], net("input: [3, H, W]"))
    assert fix == "use --set H=5,W=8"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colour_follows_the_channels(image: Any, channels: int) -> None:
    graph = net(f"input: [{channels}, 4, 6]")
    grey = picture()[..., 0]
    for pixels in (grey, picture(), np.dstack([picture(), grey])):
        ready = read_inputs([image(pixels)], graph)["input"]
        assert ready.shape == (1, channels, 4, 6)
    ready = read_inputs([image(grey)], graph, dtype="float64")["input"]
    np.testing.assert_array_equal(ready[0, 0], grey / 255)


def test_sixteen_bits_and_integer_inputs(image: Any) -> None:
    deep = np.linspace(0, 65535, 24).astype(np.uint16).reshape(4, 6)
    ready = read_inputs([image(deep)], net("input: [1, 4, 6]"), dtype="float64")["input"]
    np.testing.assert_array_equal(ready[0, 0], deep / 65535)
    with pytest.raises(Unreadable, match="a grey image of 16 bits, and the net's input has 3 channels"):
        read_inputs([image(deep)], net())
    graph = Graph()
    graph.add("relu", graph.input((3, 4, 6), dtype="uint8"))
    pixels = picture()
    np.testing.assert_array_equal(read_inputs([image(pixels)], graph)["input"][0], pixels.transpose(2, 0, 1))


def test_a_photograph_is_turned_as_the_camera_says(image: Any) -> None:
    from PIL import Image

    pixels = np.zeros((6, 4, 3), dtype=np.uint8)
    pixels[:3] = 255
    turn = Image.Exif()
    turn[0x0112] = 6  # turn by 90 degrees to the right
    ready = read_inputs([image(pixels, "x.jpg", exif=turn, quality=100)], net())["input"]
    assert ready.shape == (1, 3, 4, 6)
    assert ready[0, :, :, :2].max() < 0.1
    assert ready[0, :, :, 4:].min() > 0.9


def test_images_for_inputs_that_are_none(image: Any) -> None:
    for text in ("[2, 4, 6]", "[3, 4]", "[3, 4, 6, 6]"):
        with pytest.raises(Misuse, match="an image has 1, 3 or 4 channels and two axes"):
            read_inputs([image(picture())], net(f"input: {text}"))


def test_damaged_images(image: Any, tmp_path: Path) -> None:
    for name in ("x.png", "x.jpg"):
        path = image(picture(40, 60), name)
        whole = (tmp_path / name).read_bytes()
        for cut in (5, 30, len(whole) // 2):
            (tmp_path / name).write_bytes(whole[:cut])
            with pytest.raises(Unreadable, match="not a whole image: "):
                read_inputs([path], net("input: [3, 40, 60]"))


def test_an_image_bomb_is_not_decompressed(tmp_path: Path) -> None:
    pytest.importorskip("PIL")

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    )
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(Unreadable, match="not a whole image: "):
        read_inputs([str(tmp_path / "x.png")], net())
    head = struct.pack(">IIBBBBB", 9_990, 10_020, 8, 2, 0, 0, 0)
    (tmp_path / "x.png").write_bytes(data[:8] + chunk(b"IHDR", head) + data[33:])
    with pytest.raises(Unreadable, match="9990x10020 pixels are too many"):
        read_inputs([str(tmp_path / "x.png")], net())


def test_images_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(Misuse, match=r"needs the package Pillow: pip install 'convcalc\[images\]'"):
        read_inputs([str(tmp_path / "x.png")], net())
