"""Reading: what is a text, what is refused, and that nothing large or endless is ever read to its end."""

from __future__ import annotations

import io
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from convcalc.diagnostics import Unreadable
from convcalc.source import Source
from convcalc.spec import text
from convcalc.spec.text import MAX_BYTES, read

ROOT = Path(__file__).parent.parent
SPEC = "input: [3, 8, 8]\nlayers: [relu]\n"


def written(folder: Path, data: bytes) -> str:
    path = folder / "net.yaml"
    path.write_bytes(data)
    return str(path)


def refusal(argument: str) -> str:
    start = time.process_time()
    with pytest.raises(Unreadable) as caught:
        read(argument)
    assert time.process_time() - start < 1
    message = str(caught.value)
    assert "\n" not in message and len(message) < len(argument) + 100
    return message


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    path = written(tmp_path, SPEC.encode())
    assert read(path) == Source(path, SPEC)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa: 1\nb: 2\n", b"a: 1\r\nb: 2\r\n", b"a: 1\rb: 2\r", b"a: 1\nb: 2\n"])
def test_byte_order_marks_and_line_ends_do_not_matter(tmp_path: Path, data: bytes) -> None:
    assert read(written(tmp_path, data)).text == "a: 1\nb: 2\n"


def test_text_beyond_ascii_is_kept(tmp_path: Path) -> None:
    assert read(written(tmp_path, "source: Müller ×2 网\t🙂\n".encode())).text == "source: Müller ×2 网\t🙂\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a: 1\nb: \xff\n", "not UTF-8 at byte 8, line 2"),
        (b"\xef\xbb\xbfa: \xff\n", "not UTF-8 at byte 6, line 1"),
        (b"a: 1\nb: \xed\xa0\x80\n", "not UTF-8 at byte 8, line 2"),
        ("a: 1\n".encode("utf-16"), "UTF-16; save it as UTF-8"),
        (b"a: 1\n\nb: \0\n", "a NUL byte in line 3, so this is not a text"),
        (b"a: \x1b[31m\n", "the control character U+001B in line 1, so this is not a text"),
        ("a: 1\nb: \u2028\n".encode(), "the control character U+2028 in line 2, so this is not a text"),
        ("a: \x85\n".encode(), "the control character U+0085 in line 1, so this is not a text"),
        (b"#" * (MAX_BYTES + 1), "larger than 4 MiB, which no spec is"),
    ],
)
def test_what_is_not_a_text_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    path = written(tmp_path, data)
    assert refusal(path) == f"{path}: {reason}"


def test_the_largest_text_is_read(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, b"#" * MAX_BYTES)).text) == MAX_BYTES


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    assert refusal(str(path)).endswith("larger than 4 MiB, which no spec is")


def test_not_a_byte_more_than_needed_is_asked_for() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            # In small pieces, as a pipe delivers.
            count = min(len(buffer), 1000)
            buffer[:count] = b"a" * count
            self.given += count
            return count

    endless = Endless()
    assert len(text._at_most(endless)) == endless.given == MAX_BYTES + 1  # type: ignore[arg-type]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == f"{tmp_path}: a directory, not a file"
    assert refusal("/dev/zero") == "/dev/zero: a device, not a file"
    assert refusal(str(tmp_path / "absent.yaml")) == f"{tmp_path}/absent.yaml: no such file or directory"
    assert refusal("") == ": no such file or directory"
    assert refusal("a\0b") == "'a\\x00b': embedded null byte"
    assert refusal("a\nb") == "'a\\nb': no such file or directory"
    assert refusal("x" * 5000).endswith(": file name too long")


def test_a_socket_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        assert refusal(path) == f"{path}: a socket, not a file"


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.symlink_to(path)
    assert refusal(str(path)).startswith(f"{path}: too many levels of symbolic links")


def test_without_permission_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, SPEC.encode())
    os.chmod(path, 0)
    if os.geteuid() == 0:  # whom no mode keeps out

        def denied(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", path)

        monkeypatch.setattr("builtins.open", denied)
    assert refusal(path) == f"{path}: permission denied"


def test_a_pipe_is_read(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)

    def write() -> None:
        with open(path, "w") as pipe:
            for line in SPEC.splitlines(keepends=True):
                pipe.write(line)
                pipe.flush()

    writer = threading.Thread(target=write)
    writer.start()
    assert read(path).text == SPEC
    writer.join()


READ_STDIN = "from convcalc.spec import read; source = read('-'); print(source.path, len(source.text))"


def run(code: str, **how: object) -> subprocess.CompletedProcess[str]:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))

    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, preexec_fn=small, cwd=ROOT, **how
    )


def test_standard_input_is_read() -> None:
    assert run(READ_STDIN, input=SPEC).stdout == f"<stdin> {len(SPEC)}\n"


def test_endless_standard_input_is_refused_in_little_memory() -> None:
    with open("/dev/zero", "rb") as zero:
        done = run(READ_STDIN, stdin=zero)
    assert done.stderr.endswith("Unreadable: <stdin>: larger than 4 MiB, which no spec is\n")


def test_a_directory_as_standard_input_is_refused(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        done = run(READ_STDIN, stdin=folder)
    finally:
        os.close(folder)
    # Python itself may refuse to start on such a standard input; either way it ends at once.
    assert done.returncode != 0 and "is a directory" in done.stderr.lower()


def test_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert refusal("-") == "<stdin>: standard input is closed"
