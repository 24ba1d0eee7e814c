"""Weights from files: what fits is read whole, what does not is told in one message, hostile files harm nobody."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convcalc.diagnostics import Misuse, SpecError, Unreadable
from convcalc.report.tensors import match_text
from convcalc.tensors import Match, flat, read_arrays, read_weights, save
from convcalc.tensors import npz as npz_module

if TYPE_CHECKING:
    from pathlib import Path

WANTED = {
    "conv_1.weight": (4, 3, 3, 3),
    "batch_norm_1.weight": (4,),
    "batch_norm_1.bias": (4,),
    "batch_norm_1.running_mean": (4,),
    "batch_norm_1.running_var": (4,),
    "stage2/3/linear_1.weight": (2, 4),
    "stage2/3/linear_1.bias": (2,),
}
PYTORCH = ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "4.weight", "4.bias"]

Arrays = dict[str, np.ndarray[Any, Any]]


def arrays() -> Arrays:
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal(shape).astype("float32") for name, shape in WANTED.items()}


def renamed() -> Arrays:
    """As PyTorch has them, with the counter that no layer uses."""
    theirs = dict(zip(PYTORCH, arrays().values(), strict=True))
    entries = list(theirs.items())
    return dict([*entries[:5], ("1.num_batches_tracked", np.array(7)), *entries[5:]])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "w.npz"


def findings(path: Path, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        read_weights(str(path), WANTED, **options)
    assert all(finding.fix or finding.message.startswith("and ") for finding in caught.value.diagnostics)
    return [(finding.code, finding.message) for finding in caught.value.diagnostics]


def unreadable(path: Path, wanted: dict[str, tuple[int, ...]] = WANTED) -> str:
    with pytest.raises(Unreadable) as caught:
        read_weights(str(path), wanted)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    return told.removeprefix(f"{path}: ")


# What fits


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_by_our_names(path: Path, write: Any, dtype: str) -> None:
    given = arrays()
    write(path, **given)
    loaded = read_weights(str(path), WANTED, dtype=dtype)
    assert list(loaded.weights) == ["conv_1", "batch_norm_1", "stage2/3/linear_1"]
    assert loaded.matches[0] == Match("conv_1.weight", "conv_1.weight", (4, 3, 3, 3))
    for name, array in flat(loaded.weights).items():
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, given[name].astype(dtype))


def test_what_was_saved_is_read_again_to_the_bit(path: Path) -> None:
    given = arrays()
    save(str(path), given)
    first = path.read_bytes()
    loaded = flat(read_weights(str(path), WANTED).weights)
    assert list(loaded) == list(given)
    assert all(np.array_equal(loaded[name], given[name]) for name in given)
    save(str(path), loaded)
    assert path.read_bytes() == first


def test_other_dtypes_and_orders_in_memory(path: Path) -> None:
    given = arrays()
    given["conv_1.weight"] = np.asfortranarray(given["conv_1.weight"].astype(">f8"))
    given["batch_norm_1.bias"] = np.array([1, -2, 3, 4], dtype="int8")
    given["batch_norm_1.weight"] = given["batch_norm_1.weight"].astype("float16")
    np.savez(path, **given)
    loaded = flat(read_weights(str(path), WANTED).weights)
    assert all(np.array_equal(loaded[name], given[name].astype("float32")) for name in given)
    assert {array.dtype.str for array in loaded.values()} == {"<f4"}


def test_by_order(path: Path) -> None:
    np.savez(path, **renamed())
    loaded = read_weights(str(path), WANTED, by="order")
    assert [match.theirs for match in loaded.matches] == PYTORCH
    assert all(np.array_equal(flat(loaded.weights)[name], array) for name, array in arrays().items())
    assert match_text(loaded.matches).splitlines()[:2] == [
        "conv_1.weight              0.weight        4x3x3x3",
        "batch_norm_1.weight        1.weight        4",
    ]


def test_order_that_cannot_be_matched(path: Path) -> None:
    given = renamed()
    del given["4.bias"]
    np.savez(path, **given)
    ((code, message),) = findings(path, by="order")
    assert code == "weights-order"
    assert message.startswith("the net has 1 layer like stage2/3/linear_1 (weight 2x4, bias 2), the file 0")


def test_by_a_map(path: Path, tmp_path: Path) -> None:
    np.savez(path, **renamed())
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "conv_1: 0          # a layer\n"
        "batch_norm_1: 1\n"
        "batch_norm_1.bias: 1.bias\n"
        'stage2/3/linear_1.weight: "4.weight"\nstage2/3/linear_1.bias: 4.bias\n'
    )
    loaded = read_weights(str(path), WANTED, mapping=str(mapping))
    assert [match.theirs for match in loaded.matches] == PYTORCH


def test_names_that_look_like_numbers_are_names(path: Path, tmp_path: Path) -> None:
    np.savez(path, **{"1.10.weight": np.ones((2, 2)), "1.1.weight": np.zeros((2, 2)), "1_0": np.ones(1)})
    mapping = tmp_path / "map.yaml"
    mapping.write_text("linear_1: 1.10\nlinear_2: 1.1\nprelu_1.weight: 1_0\n")
    wanted = {"linear_1.weight": (2, 2), "linear_2.weight": (2, 2), "prelu_1.weight": (1,)}
    loaded = read_weights(str(path), wanted, mapping=str(mapping))
    assert [match.theirs for match in loaded.matches] == ["1.10.weight", "1.1.weight", "1_0"]


def test_what_the_map_leaves_out_goes_by_our_names(path: Path, tmp_path: Path) -> None:
    given = arrays()
    given["stem"] = given.pop("conv_1.weight")
    np.savez(path, **given)
    mapping = tmp_path / "map.yaml"
    mapping.write_text("{conv_1.weight: stem}")
    assert read_weights(str(path), WANTED, mapping=str(mapping)).matches[0].theirs == "stem"


def test_mistakes_in_a_map_have_places(path: Path, tmp_path: Path) -> None:
    np.savez(path, **renamed())
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "conv_1.weight: 0.wieght\nconv_2: 1\nbatch_norm_1: 2\nbatch_norm_1.bais: 1.bias\n"
        "stage2/3/linear_1: [4]\nstage2/3/linear_1.bias:\n"
    )
    with pytest.raises(SpecError) as caught:
        read_weights(str(path), WANTED, mapping=str(mapping))
    found = [(d.span and tuple(d.span[:2]), d.code, d.message, d.fix) for d in caught.value.diagnostics]
    assert found == [
        ((1, 16), "unknown-name", "the file has no '0.wieght'", "did you mean '0.weight'?"),
        ((2, 1), "unknown-parameter", "there is no parameter or layer 'conv_2'", "did you mean 'conv_1'?"),
        ((3, 15), "unknown-name", "the file has no parameter of a layer '2'", "one of 0, 1, 4"),
        (
            (4, 1), "unknown-parameter", "there is no parameter or layer 'batch_norm_1.bais'",
            "did you mean 'batch_norm_1.bias'?",
        ),
        (
            (5, 20), "not-a-name", "'stage2/3/linear_1' leads to a list",
            "write the file's name, as in `conv_1.weight: features.0.weight`",
        ),
        (
            (6, 24), "not-a-name", "'stage2/3/linear_1.bias' leads to nothing",
            "write the file's name, as in `conv_1.weight: features.0.weight`",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "[a, b]", "a: b: c", "a: b\na: c", "a: *b"])
def test_a_map_that_is_none(path: Path, tmp_path: Path, text: str) -> None:
    np.savez(path, **renamed())
    mapping = tmp_path / "map.yaml"
    mapping.write_text(text)
    assert findings(path, mapping=str(mapping))


# What does not fit


def test_every_difference_is_told_in_one_message(path: Path) -> None:
    given = arrays()
    given["conv_1.weight"] = np.zeros((3, 3, 3, 4), dtype="float32")
    given["stage2/3/linear_1.weight"] = np.zeros((2, 5), dtype="float32")
    given["batch_norm_1.bais"] = given.pop("batch_norm_1.bias")
    given["aux.weight"] = np.zeros(3)
    given["batch_norm_1.running_var"] = np.zeros(4, dtype="complex64")
    given["batch_norm_1.running_mean"] = np.ones(4, dtype=bool)
    np.savez(path, **given)
    with pytest.raises(SpecError) as caught:
        read_weights(str(path), WANTED)
    assert [(d.code, d.message, d.fix) for d in caught.value.diagnostics] == [
        (
            "missing-weight", "there is no 'batch_norm_1.bias'",
            "did you mean 'batch_norm_1.bais'? Then rename it, or write a map from our names to the file's and give "
            "it as --weights-map",
        ),
        (
            "weight-shape", "'conv_1.weight' is 3x3x3x4, the net needs 4x3x3x3",
            "transpose it: PyTorch's order of axes is meant, outputs, inputs, then space",
        ),
        (
            "weight-shape", "'stage2/3/linear_1.weight' is 2x5, the net needs 2x4", "change the net or the file",
        ),
        (
            "weight-dtype", "'batch_norm_1.running_mean' holds true and false, which are no weights",
            "save it as float32",
        ),
        (
            "weight-dtype", "'batch_norm_1.running_var' holds complex64, which are not real numbers",
            "save it as float32",
        ),
        ("unused-weight", "'batch_norm_1.bais' is of no layer of the net", "did you mean 'batch_norm_1.bias'?"),
        ("unused-weight", "'aux.weight' is of no layer of the net", "one of batch_norm_1.bias"),
    ]  # fmt: skip
    assert {d.source and d.source.path for d in caught.value.diagnostics} == {str(path)}


def test_unused_arrays_may_be_allowed(path: Path) -> None:
    np.savez(path, **arrays(), extra=np.zeros(3))
    assert findings(path) == [("unused-weight", "'extra' is of no layer of the net")]
    assert len(read_weights(str(path), WANTED, allow_unused=True).matches) == len(WANTED)


def test_of_many_differences_the_first_are_told(path: Path) -> None:
    np.savez(path, **arrays(), **{f"extra{place}": np.zeros(1) for place in range(30)})
    found = findings(path)
    assert len(found) == 11
    assert found[-1] == ("unused-weight", "and 20 more like these")


@pytest.mark.parametrize("by", ["name", "order"])
@pytest.mark.parametrize("held", [{}, {"bn.num_batches_tracked": np.int64(7)}])
def test_a_file_without_any_array(path: Path, by: str, held: dict[str, Any]) -> None:
    np.savez(path, **held)
    with pytest.raises(Unreadable, match="there is no array in it, the net needs "):
        read_weights(str(path), WANTED, by=by)


def test_names_of_another_world_are_one_finding(path: Path) -> None:
    np.savez(path, **renamed())
    with pytest.raises(SpecError) as caught:
        read_weights(str(path), WANTED)
    (finding,) = caught.value.diagnostics
    assert finding.message == (
        "no array is named like a parameter of the net: they are 0.weight, 1.weight, 1.bias ... (7 in all)"
    )
    assert "--weights-by order" in finding.fix
    assert "--weights-map" in finding.fix


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_are_finite(path: Path, value: float) -> None:
    given = arrays()
    given["conv_1.weight"][1, 2, 0, 1] = value
    given["batch_norm_1.bias"][3] = value
    np.savez(path, **given)
    assert findings(path) == [
        ("not-finite", f"'conv_1.weight' is {value:g} at [1, 2, 0, 1]"),
        ("not-finite", f"'batch_norm_1.bias' is {value:g} at [3]"),
    ]


def test_weights_fit_in_the_run_s_dtype(path: Path) -> None:
    given = arrays()
    given["batch_norm_1.bias"] = np.array([1, 2, 1e300, 4])
    np.savez(path, **given)
    assert findings(path) == [("not-finite", "'batch_norm_1.bias' is 1e+300 at [2], which does not fit in float32")]
    assert flat(read_weights(str(path), WANTED, dtype="float64").weights)["batch_norm_1.bias"][2] == 1e300


def test_requests_that_make_no_sense(path: Path) -> None:
    with pytest.raises(Misuse, match="by name or by order, not by 'shape'"):
        read_weights(str(path), WANTED, by="shape")
    with pytest.raises(Misuse, match="not by both"):
        read_weights(str(path), WANTED, by="order", mapping="map.yaml")


def test_a_net_without_weights_wants_none(path: Path) -> None:
    np.savez(path)
    assert read_weights(str(path), {}).weights == {}
    assert read_weights(str(path), {}, by="order").weights == {}


# Files that cannot be used


def test_no_file_a_folder_a_device_another_format(tmp_path: Path) -> None:
    assert unreadable(tmp_path / "none.npz") == "no such file or directory"
    assert unreadable(tmp_path) == "a directory, not a file"
    with pytest.raises(Unreadable, match="/dev/null: a device or a pipe, not a file"):
        read_weights("/dev/null", WANTED)
    with pytest.raises(Unreadable, match="null"):
        read_weights("a\0b", WANTED)
    for name, data, told in [
        ("a.npz", b"", "an empty file"),
        ("b.npz", b"hello", "not an .npz or .safetensors file"),
        ("c.npz", b"\x89HDF\r\n\x1a\n....", "an HDF5 file, not an .npz or .safetensors file"),
        ("d.npz", b"\x93NUMPY\x01\x00....", "an npy file, not an .npz or .safetensors file"),
        ("e.npz", b"\x89PNG....", "a png file, not an .npz or .safetensors file"),
    ]:
        (tmp_path / name).write_bytes(data)
        assert unreadable(tmp_path / name) == told


class Trap:
    """Fails the test if it is ever unpickled."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was loaded",))


def test_no_pickle_ever(tmp_path: Path, path: Path) -> None:
    advice = "safetensors.torch.save_file(net.state_dict(), 'net.safetensors')"
    (tmp_path / "w.pt").write_bytes(pickle.dumps({"conv_1.weight": Trap()}))
    assert advice in unreadable(tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "zip.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Trap()))
        archive.writestr("archive/data/0", b"....")
    told = unreadable(tmp_path / "zip.pt")
    assert told.startswith("written by torch.save")
    assert advice in told
    np.savez(path, **{**arrays(), "conv_1.weight": np.array([Trap()], dtype=object)})
    message = "'conv_1.weight' holds an array of Python objects, which only a pickle can hold"
    assert findings(path) == [("weight-dtype", message)]
    with pytest.raises(Unreadable, match="which only a pickle can hold"):
        read_arrays(str(path))


def npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode()
    width = "<H" if version[0] == 1 else "<I"
    return b"\x93NUMPY" + version + struct.pack(width, len(text)) + text + body


def zipped(path: Path, entries: dict[str, bytes], **options: Any) -> None:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (npy(GOOD, bytes(15)), "'a' is damaged: 82 bytes, and its header speaks of 83"),
        (npy(GOOD, bytes(17)), "'a' is damaged: 84 bytes, and its header speaks of 83"),
        (npy(GOOD.replace("(4,)", "(-4,)")), "'a' is damaged: its header is damaged"),
        (npy(GOOD.replace("(4,)", "4")), "'a' is damaged: its header is damaged"),
        (npy(GOOD.replace("(4,)", "(" * 3000 + "4" + ")" * 3000)), "'a' is damaged: its header is damaged"),
        (npy(GOOD.replace("(4,)", "-" * 9000 + "4")), "'a' is damaged: its header is damaged"),
        (npy(GOOD.replace("(4,)", "__import__('os').abort()")), "'a' is damaged: its header is damaged"),
        (npy(GOOD.replace("<f4", "<f5")), "'a' is damaged: its header is damaged"),
        (npy(GOOD + " " * 20_000), "'a' is damaged: its header claims 20,057 bytes"),
        (npy(GOOD)[:30], "'a' is damaged: its header is damaged"),
        (npy(GOOD, version=b"\x09\x00"), "'a' is damaged: version 9.0 of the format is not known"),
        (npy(GOOD, version=b"\2\0")[:8] + b"\xff" * 4, "'a' is damaged: its header claims 4,294,967,295 bytes"),
        (b"text", "'a' is damaged: it is no array"),
        (b"", "'a' is damaged: it is no array"),
    ],
)  # fmt: skip
def test_damaged_arrays(path: Path, entry: bytes, told: str) -> None:
    zipped(path, {"a.npy": entry})
    assert unreadable(path, {"a": (4,)}) == told


def test_second_version_headers_and_structured_arrays(path: Path) -> None:
    zipped(path, {"a.npy": npy(GOOD, np.arange(4, dtype="<f4").tobytes(), version=b"\x02\x00")})
    assert read_arrays(str(path))["a"].tolist() == [0, 1, 2, 3]
    np.savez(path, a=np.zeros(3, dtype=[("x", "f4")]), b=np.array(["text"]), c=np.array(["2020-01-01"], dtype="M8[D]"))
    with pytest.raises(SpecError) as caught:
        read_weights(str(path), {"a": (3,), "b": (1,), "c": (1,)})
    assert [d.code for d in caught.value.diagnostics] == ["weight-dtype"] * 3


def test_truncated_and_garbled_archives_at_every_byte(path: Path) -> None:
    """Cut anywhere it is unreadable; with any byte changed it is either told or the numbers are the same."""
    given = {"a": np.arange(4, dtype="f4")}
    wanted = {"a": (4,)}
    for write in (np.savez, np.savez_compressed):
        write(path, **given)
        whole = path.read_bytes()
        for cut in range(len(whole)):
            path.write_bytes(whole[:cut])
            unreadable(path, wanted)
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
            try:
                loaded = read_weights(str(path), wanted, dtype="float64").matches
                read = read_arrays(str(path))
            except (Unreadable, SpecError):
                continue
            assert len(loaded) == 1
            assert all(np.array_equal(read[name], given[name]) for name in given), place


def test_a_wrong_checksum(path: Path) -> None:
    np.savez(path, a=np.arange(4, dtype="f4"))
    data = path.read_bytes()
    place = data.index(np.float32(3).tobytes())
    path.write_bytes(data[: place + 1] + b"\x01" + data[place + 2 :])
    assert unreadable(path, {"a": (4,)}) == "'a' is damaged: bad CRC-32 for file 'a.npy'"


def test_a_bomb_is_not_decompressed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (16, 1048576), }"
    zipped(path, {"a.npy": npy(header, bytes(4 << 24))}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000

    def body(*_: Any) -> None:
        pytest.fail("it was decompressed")

    with monkeypatch.context() as patch:
        patch.setattr(npz_module, "read_body", body)
        with pytest.raises(SpecError, match="'a' is 16x1048576, the net needs 4"):
            read_weights(str(path), {"a": (4,)})
        with pytest.raises(SpecError):
            read_weights(str(path), {"a": (4,)}, by="order")
    # Where nothing says how large it may be, the ratio does.
    monkeypatch.setattr(npz_module, "LARGE", 1 << 20)
    with pytest.raises(Unreadable, match="bytes claim to hold 67,10"):
        read_arrays(str(path))


def test_sizes_that_lie(path: Path) -> None:
    """The directory says that a bomb is small: no more is decompressed than it says."""
    small = npy(GOOD, np.arange(4, dtype="<f4").tobytes())
    zipped(path, {"a.npy": small + bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x01\x02")
    data[end + 24 : end + 28] = struct.pack("<I", len(small))
    path.write_bytes(data)
    assert unreadable(path, {"a": (4,)}).startswith("'a' is damaged: bad CRC-32")
    # And where the header claims more than there is in all, no room is made for it.
    zipped(path, {"a.npy": npy(GOOD.replace("(4,)", "(4, 1000000000000)"))})
    assert "its header speaks of 16,000,000,000," in unreadable(path, {"a": (4, 10**12)})


def test_archives_that_numpy_does_not_write(path: Path, recwarn: pytest.WarningsRecorder) -> None:
    good = npy(GOOD, bytes(16))
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        zipped(path, {"a.npy": good}, compression=method)
        assert unreadable(path, {"a": (4,)}) == "'a' is damaged: it is compressed in another way than NumPy does"
    zipped(path, {"a.npy": good, "a": good})
    assert unreadable(path, {"a": (4,)}) == "holds 'a' twice"
    zipped(path, {"a.npy": good})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    assert "encrypted" in unreadable(path, {"a": (4,)})


def test_names_with_folders_are_names(path: Path, tmp_path: Path) -> None:
    zipped(path, {"folder/": b"", "../up.npy": npy(GOOD, bytes(16)), "/etc/x.npy": npy(GOOD, bytes(16))})
    assert sorted(read_arrays(str(path))) == ["../up", "/etc/x"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.npz"]


# .safetensors


def safetensors_bytes(header: dict[str, Any] | bytes, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def test_safetensors(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "w.safetensors"
    numpy.save_file(arrays(), path)
    loaded = flat(read_weights(str(path), WANTED).weights)
    assert all(np.array_equal(loaded[name], array) for name, array in arrays().items())
    # The names, not the place in the file, have an order: all of this net's are numbers.
    numpy.save_file(renamed(), path)
    found = flat(read_weights(str(path), WANTED, by="order").weights)
    assert all(np.array_equal(found[name], array) for name, array in arrays().items())
    assert list(read_arrays(str(path))) == ["1.num_batches_tracked", *sorted(PYTORCH)]


def test_safetensors_by_a_writer_that_keeps_the_order(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "w.safetensors"
    header = {name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i, name in enumerate("zyx")}
    path.write_bytes(safetensors_bytes(header, np.arange(3, dtype="<f4").tobytes()))
    wanted = {"prelu_1.weight": (1,), "prelu_2.weight": (1,), "prelu_3.weight": (1,)}
    assert [match.theirs for match in read_weights(str(path), wanted, by="order").matches] == ["z", "y", "x"]


def test_safetensors_dtypes(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "w.safetensors"
    values = np.array([1.5, -2, 3e38], dtype="<f4")
    halves = (values.view("<u4") >> 16).astype("<u2")
    header = {"a": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    path.write_bytes(safetensors_bytes(header, halves.tobytes()))
    read = read_weights(str(path), {"a": (3,)}, dtype="float64").weights[""]["a"]
    assert read.tolist()[:2] == [1.5, -2]
    assert read[2] == pytest.approx(3e38, rel=0.01)
    header = {"a": {"dtype": "F8_E4M3", "shape": [3], "data_offsets": [0, 3]}}
    path.write_bytes(safetensors_bytes(header, bytes(3)))
    with pytest.raises(SpecError, match="'a' holds F8_E4M3, which is not read here"):
        read_weights(str(path), {"a": (3,)})


def entry(start: int, stop: int, **other: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [4], "data_offsets": [start, stop], **other}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        safetensors_bytes({"a": entry(0, 16)}, bytes(15)),
        safetensors_bytes({"a": entry(0, 16)}, bytes(17)),
        safetensors_bytes({"a": entry(0, 16)}, bytes(16), length=10**9),
        safetensors_bytes({"a": entry(0, 16)}, bytes(16), length=2**63),
        safetensors_bytes({"a": entry(0, 16)}, bytes(16), length=5),
        safetensors_bytes({"a": entry(0, 16), "b": entry(8, 24)}, bytes(24)),
        safetensors_bytes({"a": entry(0, 16), "b": entry(20, 36)}, bytes(36)),
        safetensors_bytes({"a": entry(16, 0)}, bytes(16)),
        safetensors_bytes({"a": entry(0, 16, shape=[2**62, 4])}, bytes(16)),
        safetensors_bytes({"a": entry(0, 16, shape=[-4])}, bytes(16)),
        safetensors_bytes({"a": entry(0, 16, dtype="PYOBJECT")}, bytes(16)),
        safetensors_bytes(b"[" * 100_000),
        safetensors_bytes(b"{nothing}"),
    ],
)
def test_hostile_safetensors(tmp_path: Path, data: bytes) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    assert unreadable(path, {"a": (4,)}).startswith("not a whole .safetensors file: ")


def test_safetensors_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    (tmp_path / "w.safetensors").write_bytes(safetensors_bytes({}))
    with pytest.raises(Misuse, match=r"needs the package safetensors: pip install 'convcalc\[weights\]'"):
        read_weights(str(tmp_path / "w.safetensors"), WANTED)


# Saving


def test_saving_keeps_what_was_there_when_it_fails(path: Path, tmp_path: Path) -> None:
    save(str(path), arrays())
    before = path.read_bytes()
    with pytest.raises(Misuse, match="'b' holds Python objects"):
        save(str(path), {"a": np.ones(3), "b": np.array([Trap()], dtype=object)})
    assert path.read_bytes() == before
    with pytest.raises(Misuse, match=r"saved as \.npz"):
        save(str(tmp_path / "out.npy"), arrays())
    with pytest.raises(OSError, match="No such file") as caught:
        save(str(tmp_path / "none" / "out.npz"), arrays())
    assert caught.value.filename == str(tmp_path / "none" / "out.npz")
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.npz"]


def test_saving_through_a_link_and_with_odd_names(path: Path, tmp_path: Path) -> None:
    (tmp_path / "real.npz").write_bytes(b"old")
    (tmp_path / "real.npz").chmod(0o640)
    path.symlink_to("real.npz")
    given = {"file": np.ones(2), "stage2/3/conv_1": np.zeros((0, 3)), "allow_pickle": np.array(3), "ü": np.arange(3).T}
    save(str(path), given)
    assert path.is_symlink()
    assert (tmp_path / "real.npz").stat().st_mode & 0o777 == 0o640
    with np.load(path, allow_pickle=False) as read:
        assert list(read) == list(given)
        assert all(np.array_equal(read[name], given[name]) for name in given)


FULL = """\
import resource, sys
import numpy as np
from convcalc.tensors import save
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    save(sys.argv[1], {"a": np.ones(300_000), "b": np.ones(10)})
except OSError as error:
    print(error.filename, error.strerror, sep="|")
"""


@pytest.mark.parametrize("room", [0, 100, 1 << 16, 2_400_300])
def test_a_disk_that_fills_leaves_nothing_half_written(path: Path, tmp_path: Path, room: int) -> None:
    pytest.importorskip("resource")
    path.write_bytes(b"what was there")
    ran = subprocess.run([sys.executable, "-c", FULL, str(path), str(room)], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{path}|File too large\n"
    assert ran.stderr == ""
    assert path.read_bytes() == b"what was there"
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.npz"]


def test_saving_to_what_is_no_file() -> None:
    script = "import numpy as np; from convcalc.tensors import save; save('/dev/stdout', {'a': np.ones(3)})"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    with np.load(io.BytesIO(ran.stdout)) as read:
        assert read["a"].tolist() == [1, 1, 1]
