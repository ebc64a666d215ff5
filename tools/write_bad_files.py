#!/usr/bin/env python3
"""Writes the hostile and broken weight files of tests/bad/weights, and their README table.

    python3 tools/write_bad_files.py

Needs only Python. Nothing here loads what it writes: pickles are put together byte by byte.
Every file comes with the words that its error must contain.
"""

import io
import json
import pickle
import random
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "tests/bad/weights"
FILES = {}


def bad(name, data, says, why):
    FILES[name] = (data, says, why)


# --- Pickles ------------------------------------------------------------------------------------

def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    if 0 <= value < 256:
        return b"K" + bytes([value])
    length = (value.bit_length() + 8) // 8
    return b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def tuple_of(*items):
    return b"(" + b"".join(items) + b"t"


def storage(key="0", count=6, kind="FloatStorage"):
    return tuple_of(text("storage"), glob("torch", kind), text(key), text("cpu"), number(count)) + b"Q"


def tensor(shape=(2, 3), stride=(3, 1), offset=0, **of):
    return (
        glob("torch._utils", "_rebuild_tensor_v2")
        + tuple_of(
            storage(**of), number(offset), tuple_of(*map(number, shape)),
            tuple_of(*map(number, stride)), b"\x89", glob("collections", "OrderedDict") + b")R",
        )
        + b"R"
    )


def state_dict(entries):
    items = b"".join(text(name) + value for name, value in entries.items())
    return b"\x80\x02" + glob("collections", "OrderedDict") + b")R(" + items + b"u."


def call(module, name, *arguments):
    return glob(module, name) + tuple_of(*arguments) + b"R"


# --- Containers ---------------------------------------------------------------------------------

VALUES = struct.pack("<6f", 1, 2, 3, 4, 5, 6)


def archive(data_pkl, storages=None, root="archive/", deflate=(), twice=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        def add(name, data):
            info = zipfile.ZipInfo(root + name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if name in deflate else zipfile.ZIP_STORED
            file.writestr(info, data)
        if data_pkl is not None:
            add("data.pkl", data_pkl)
        for key, data in ({"0": VALUES} if storages is None else storages).items():
            add(f"data/{key}", data)
        add("version", b"3\n")
        for name in twice:
            add(name, data_pkl)
    return out.getvalue()


def torch_archive(data_pkl, root):
    """An archive with the exact bytes of torch.save: padded to 64 bytes, and always with a wide
    record of its directory before the narrow one."""
    out, directory = b"", b""
    entries = [("data.pkl", data_pkl), (".format_version", b"1"), (".storage_alignment", b"64"),
               ("byteorder", b"little"), ("data/0", VALUES), ("version", b"3\n")]
    for name, data in entries:
        full = f"{root}/{name}".encode()
        pad = -(len(out) + 34 + len(full)) % 64
        sums = struct.pack("<III", zlib.crc32(data), len(data), len(data))
        directory += (b"PK\x01\x02" + struct.pack("<HHHHHH", 0, 0, 0x808, 0, 0, 0) + sums
                      + struct.pack("<HHHHHII", len(full), 0, 0, 0, 0, 0, len(out)) + full)
        out += (b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 0, 0x808, 0, 0, 0, 0, 0, 0, len(full), pad + 4)
                + full + b"FB" + struct.pack("<H", pad) + b"Z" * pad + data + b"PK\x07\x08" + sums)
    count, size, start = len(entries), len(directory), len(out)
    wide = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 798, 45, 0, 0, count, count, size, start)
    return (out + directory + wide + b"PK\x06\x07" + struct.pack("<IQI", 0, start + size, 1)
            + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, start, 0))


def stream(root, keys=("0",), storages=None, system=None):
    system = {"protocol_version": 1001, "little_endian": True} if system is None else system
    head = [0x1950A86A20F9469CFC6C, 1001, system]
    out = b"".join(pickle.dumps(part, protocol=2) for part in head)
    out += root + pickle.dumps(list(keys), protocol=2)
    for data in [struct.pack("<q", 6) + VALUES] if storages is None else storages:
        out += data
    return out


def safetensors(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def patched(data, at, fmt, value):
    changed = bytearray(data)
    struct.pack_into(fmt, changed, at, value)
    return bytes(changed)


# --- No weights at all --------------------------------------------------------------------------

GOOD = {"weight": tensor()}
random.seed(2)

bad("empty.pth", b"", "an empty file", "Nothing.")
bad("text.pth", b"these are no weights\n", "begins with", "Plain text.")
bad("page.pth", b"<!DOCTYPE html>\n<html><body>Not Found</body></html>\n", "a web page",
    "What a wrong address gives.")
bad("lfs_pointer.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "Git LFS pointer", "A pointer in place of the file.")
bad("noise.pth", b"\xf1" + random.randbytes(4095), "begins with", "Random bytes.")
bad("zeros.safetensors", bytes(4096), "begins with", "Zeros.")
bad("plain_pickle.pth", pickle.dumps({"a": 1}, protocol=2), "a Python pickle", "A pickle, no checkpoint.")
bad("gzip.pth", b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + bytes(20), "a gzip file (unpack it first)", "Packed with gzip.")
bad("xz.pth", b"\xfd7zXZ\0\0\x04" + bytes(20), "an xz file (unpack it first)", "Packed with xz.")
bad("tar.pth", b"\0" * 257 + b"ustar" + b"\0" * 250, "a tar archive", "PyTorch's oldest container.")
bad("other_network_zip.pth", archive(state_dict(GOOD)), "no known network",
    "A sound archive of another network.")
bad("name_of_21_letters.pth", torch_archive(state_dict(GOOD), "n" * 21), "no known network",
    "Sound, of another network; its end leads readers past the directory's first entry.")
bad("other_network_stream.pth", stream(state_dict(GOOD)), "no known network",
    "A sound stream of another network.")
bad("no_tensors.pth", archive(state_dict({})), "no known network", "A sound archive of nothing.")
ROOTS = {
    "list": b"]", "tuple": b"N\x85", "set": b"\x8f", "single tensor": tensor(), "text": text("weights"),
    "class": glob("torch", "FloatStorage"), "single value": b"N",
}
for what, root in ROOTS.items():
    for container, wrap in [("", archive), ("_stream", stream)]:
        bad("list.pth" if what + container == "list" else f"root_{what.replace(' ', '_')}{container}.pth", wrap(b"\x80\x02" + root + b"."),
            f"holds a {what}, expected a state dict", f"A {what} where a state dict should be.")

# --- Pickles that call something ------------------------------------------------------------------

SYSTEM = call("posix", "system", text("echo hostile > hostile"))
for container, wrap in [("zip", archive), ("stream", stream)]:
    bad(f"calls_system_{container}.pth", wrap(state_dict(GOOD | {"x": SYSTEM})), "posix.system",
        "Runs a command.")
    bad(f"calls_eval_{container}.pth",
        wrap(state_dict(GOOD | {"x": call("builtins", "eval", text("1"))})), "builtins.eval",
        "Evaluates an expression.")
bad("calls_and_forgets.pth", archive(b"\x80\x02" + SYSTEM + b"0" + state_dict(GOOD)[2:]),
    "posix.system", "Runs a command and throws its result away.")
bad("calls_by_stack.pth",
    archive(b"\x80\x04" + b"\x8c\x02os\x8c\x06system\x93" + text("x") + b"\x85R."), "os.system",
    "Names what it calls by texts on the stack.")
bad("calls_by_memo.pth",
    archive(b"\x80\x02" + text("os") + b"q\x00" + text("system") + b"q\x01" + b"00h\x00h\x01\x93"
            + text("x") + b"\x85R."), "os.system", "Names what it calls by texts from the memo.")
bad("calls_old_way.pth", archive(b"(S'x'\nios\nsystem\n."), "is damaged",
    "A call of the first protocol, behind a text of the first protocol.")
bad("constructs_old_way.pth", archive(b"(" + text("x") + b"ios\nsystem\n."), "os.system",
    "The INST opcode.")
bad("constructs_by_object.pth", archive(b"(" + glob("os", "system") + text("x") + b"o."), "os.system",
    "The OBJ opcode.")
bad("constructs_new.pth", archive(b"\x80\x02" + glob("subprocess", "Popen") + b")\x81."),
    "subprocess.Popen", "The NEWOBJ opcode.")
bad("constructs_dict.pth",
    archive(b"\x80\x02" + glob("collections", "OrderedDict") + b")\x81."),
    "construct collections.OrderedDict", "The NEWOBJ opcode on a harmless class.")
bad("sets_state.pth",
    archive(b"\x80\x02" + glob("collections", "OrderedDict") + b"}b."), "is damaged",
    "The BUILD opcode on a class.")
bad("calls_storage.pth", archive(state_dict(GOOD | {"x": call("torch", "FloatStorage", number(9))})),
    "call torch.FloatStorage", "Calls a class that may only be named.")
bad("calls_value.pth", archive(b"\x80\x02" + text("os.system") + b")R."), "no function",
    "Calls a text.")
bad("uses_extension.pth", archive(b"\x80\x02\x82\x01."), "extension registry", "Python's extension registry.")
bad("uses_module.pth",
    archive(b"\x80\x02" + glob("__main__", "Net") + b")\x81}(" + text("_modules") + b"}u" + b"b."),
    "__main__.Net", "A whole pickled model in place of its state dict.")
bad("uses_numpy.pth",
    archive(state_dict(GOOD | {"x": call("numpy.core.multiarray", "scalar", text("f8"))})),
    "numpy.core.multiarray.scalar", "A number of numpy's beside the tensors.")
bad("long_name.pth", archive(b"\x80\x02" + glob("a" * 5000, "\x1b[31m") + b"."), "asks to use aaaa",
    "A class with a name of 5000 letters and control characters.")

# --- Pickles that cost -----------------------------------------------------------------------------

bomb = b"\x80\x02]q\x00" + b"h\x00h\x00\x86q\x00" * 40 + b"."
bad("memo_bomb.pth", archive(bomb), "memo bomb", "Doubles a value forty times.")
bad("memo_bomb_stream.pth", stream(bomb), "memo bomb", "Doubles a value forty times.")
bad("memo_bomb_text.pth",
    archive(b"\x80\x02X" + struct.pack("<I", 20000) + b"a" * 20000 + b"q\x00" + b"h\x000" * 5000 + b"."),
    "memo bomb", "Recalls a long text 5000 times.")
bad("deep.pth", archive(b"\x80\x02]" + b"\x85" * 20000 + b"."), "nesting", "20,000 tuples in one another.")
bad("marks.pth", archive(b"\x80\x02" + b"(" * 20000 + b"."), "is damaged", "20,000 open marks.")
bad("long_text.pth", archive(b"\x80\x02X\xff\xff\xff\xff."), "ends too early", "A text of 4 GB that is not there.")
bad("long_bytes.pth", archive(b"\x80\x04\x8e" + b"\xff" * 8 + b"."), "is damaged", "A text of 2^64 bytes that is not there.")
bad("long_number.pth", archive(b"\x80\x02\x8b\xff\xff\xff\x7f."), "ends too early", "A number of 2 GB that is not there.")
bad("no_stop.pth", archive(b"\x80\x02N"), "ends too early", "A pickle without an end.")
bad("no_opcode.pth", archive(b"\x80\x02\xff."), "0xff", "A byte without meaning.")
bad("empty_stack.pth", archive(b"\x80\x02."), "empty stack", "Takes from an empty stack.")
bad("memo_missing.pth", archive(b"\x80\x02h\x07."), "recalls value 7", "Recalls what it never kept.")

# --- Tensors that do not fit ------------------------------------------------------------------------

WEIGHTS = {
    "shape_huge": (dict(shape=(2**31, 2**31), stride=(2**31, 1)), "is damaged", "2^62 elements."),
    "shape_overflow": (dict(shape=(2**62, 2**62), stride=(1, 1)), "is damaged", "2^124 elements."),
    "shape_negative": (dict(shape=(-2, 3)), "is damaged", "A negative extent."),
    "stride_zero": (dict(shape=(30000, 30000), stride=(0, 0)), "larger than the file",
                    "One value, claimed to be 900 million."),
    "stride_huge": (dict(shape=(2, 3), stride=(2**61, 1)), "is damaged", "A stride of 2^61."),
    "offset_huge": (dict(offset=2**62), "is damaged", "Begins 2^62 elements into its storage."),
    "offset_beyond": (dict(offset=4), "is damaged", "Ends behind its storage."),
    "count_negative": (dict(count=-6), "is damaged", "A storage of -6 elements."),
    "rank": (dict(shape=(2, 3), stride=(1,)), "is damaged", "Two extents, one stride."),
    "storage_kind": (dict(kind="QInt8Storage"), "torch.QInt8Storage", "A quantised storage."),
}
for name, (options, says, why) in WEIGHTS.items():
    for container, wrap in [("zip", archive), ("stream", stream)]:
        bad(f"{name}_{container}.pth", wrap(state_dict({"weight": tensor(**options)})), says, why)
bad("count_huge_stream.pth", stream(state_dict({"weight": tensor(count=2**60)})), "is damaged",
    "A storage of 2^60 elements.")
bad("deep_shape.pth",
    archive(state_dict({"weight": tensor(shape=(1,) * 3000, stride=(1,) * 3000)})), "no known network",
    "3000 extents of 1.")

# --- Streams ----------------------------------------------------------------------------------------

sound = stream(state_dict(GOOD))
bad("stream_protocol.pth", sound.replace(b"M\xe9\x03", b"M\xea\x03", 1), "protocol version", "Version 1002.")
bad("stream_big_endian.pth", stream(state_dict(GOOD), system={"little_endian": False}), "ig-endian",
    "Written on a big-endian machine.")
bad("stream_unknown_key.pth", stream(state_dict(GOOD), keys=("0", "7")), "'7'", "Lists a storage that no tensor has.")
bad("stream_keys_missing.pth", stream(state_dict(GOOD), keys=()), "no known network", "Lists no storages.")
bad("stream_short.pth", sound[:-4], "is damaged", "Lacks its last four bytes.")

# --- Archives ---------------------------------------------------------------------------------------

good = archive(state_dict(GOOD))
end = good.rindex(b"PK\x05\x06")
directory = good.index(b"PK\x01\x02")
second = good.index(b"PK\x01\x02", directory + 4)
bad("bomb_pickle.pth", archive(b"\x80\x02" + b"N" * 50_000_000 + b".", deflate={"data.pkl"}),
    "compressed", "A pickle of 50 MB in 50 KB.")
bad("bomb_storage.pth", archive(state_dict(GOOD), {"0": bytes(50_000_000)}, deflate={"data/0"}),
    "compressed", "A storage of 50 MB in 50 KB.")
bad("zip_no_pickle.pth", archive(None), "no data.pkl", "No pickle.")
bad("zip_of_checkpoint.pth",
    archive(None, {"plain.pth": archive(state_dict(GOOD)), "notes.txt": b"x"}, root="", deflate={"data/plain.pth"}),
    "holds data/plain.pth: unpack it first", "A checkpoint packed into a zip archive.")
bad("zip_of_checkpoint_stored.pth", archive(None, {"plain.PT": archive(state_dict(GOOD))}, root="\x1b[2J/"),
    "holds \\u{1b}[2J/data/plain.PT: unpack it first",
    "A checkpoint put into a zip archive whose folder would clear a terminal.")
bad("zip_two_checkpoints.pth", archive(state_dict(GOOD), twice=["other/data.pkl"]), "two checkpoints",
    "Two pickles.")
bad("zip_no_directory.pth", good[:end], "no directory", "Cut off before the directory's end.")
bad("zip_trailing.pth", good + bytes(100), "no directory", "Something behind the end.")
bad("zip_entries.pth", patched(patched(good, end + 8, "<H", 60000), end + 10, "<H", 60000), "absurd",
    "A directory of 60,000 entries.")
bad("zip_directory_size.pth", patched(good, end + 12, "<I", 0xFFFFFFF0), "absurd", "A directory of 4 GB.")
bad("zip_directory_offset.pth", patched(good, end + 16, "<I", 0xFFFFFFF0), "is damaged", "A directory 4 GB away.")
bad("zip_wide.pth",
    good[:end] + b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 2**40, 2**40, 2**46, 0)
    + b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1) + patched(good[end:], 10, "<H", 0xFFFF), "absurd",
    "A wide directory of 2^40 entries.")
bad("zip_wide_lost.pth",
    good[:end] + b"PK\x06\x07" + struct.pack("<IQI", 0, 2**60, 1) + good[end:], "is damaged",
    "A wide directory 2^60 bytes away.")
bad("zip_entry_size.pth",
    patched(patched(good, second + 20, "<I", 0xFFFFFF00), second + 24, "<I", 0xFFFFFF00),
    "larger than the file", "A storage of 4 GB.")
bad("zip_entry_offset.pth", patched(good, directory + 42, "<I", 0x7FFFFFFF), "is damaged", "An entry 2 GB away.")
bad("zip_encrypted.pth", patched(good, directory + 8, "<H", 1), "is damaged", "An entry that says it is encrypted.")
# The narrow record leads to a directory of a harmless pickle, the wide one to that of another; the
# second entry of the first lies where a reader finds it that goes back from the end.
other = archive(state_dict(GOOD | {"x": SYSTEM}), root="n" * 21 + "/")
two = torch_archive(state_dict(GOOD), "n" * 21)
two_wide = two.rindex(b"PK\x06\x06")
two_size, two_start = struct.unpack_from("<QQ", two, two_wide + 40)
shift = len(other)
moved = bytearray(other + two)
for at in range(shift + two_start, shift + two_wide):
    if moved[at:at + 4] == b"PK\x01\x02":
        struct.pack_into("<I", moved, at + 42, struct.unpack_from("<I", moved, at + 42)[0] + shift)
struct.pack_into("<I", moved, len(moved) - 6, shift + two_start)
struct.pack_into("<Q", moved, len(moved) - 34, shift + two_wide)
other_end = other.rindex(b"PK\x05\x06")
other_count, other_size, other_start = struct.unpack_from("<HII", other, other_end + 10)
struct.pack_into("<QQQQ", moved, shift + two_wide + 24, other_count, other_count, other_size, other_start)
bad("zip_two_directories.pth", bytes(moved), "posix.system",
    "Two directories: the one that a check might look at is harmless, the other runs a command.")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    bad("zip_duplicate.pth", archive(state_dict(GOOD), twice=["data.pkl"]), "two entries of one name",
        "Two entries of one name.")
flipped = bytearray(good)
flipped[good.index(b"weight")] ^= 1
bad("zip_checksum.pth", bytes(flipped), "hecksum", "One bit of the pickle is wrong.")
overlap = io.BytesIO()
entry = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, zlib.crc32(VALUES), 24, 24, 1, 0) + b"0" + VALUES
records = b"".join(
    b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 33, zlib.crc32(VALUES), 24, 24,
                                4, 0, 0, 0, 0, 0, 0) + f"{index:04}".encode()
    for index in range(3000))
bad("zip_overlap.pth",
    entry + records + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 3000, 3000, len(records), len(entry), 0),
    "no data.pkl", "3000 entries that share their bytes.")

# --- safetensors ------------------------------------------------------------------------------------

NAME = "feature_extractor.stage2.0.branches.0.0.conv1.weight"


def one(shape=(2, 3), offsets=(0, 24), dtype="F32", **metadata):
    header = {"weight": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}
    return header | ({"__metadata__": metadata} if metadata else {})


bad("other_network.safetensors", safetensors(one(), VALUES), "no known network", "A sound file of another network.")
bad("header_huge.safetensors", safetensors(b"{}", length=2**63), "claims 9223372036854775808 bytes", "A header of 2^63 bytes.")
bad("header_long.safetensors", safetensors(b"{}", length=4000000), "ends too early", "A header of 4 MB that is not there.")
bad("header_short.safetensors", safetensors(one(), VALUES, length=5), "makes no sense", "A header cut off by its own length.")
bad("header_text.safetensors", safetensors(b"{not json}"), "makes no sense", "A header that is no JSON.")
bad("header_list.safetensors", safetensors(b"{\"weight\":[1]}"), "makes no sense", "A tensor that is a list.")
bad("header_deep.safetensors", safetensors(b'{"a":' + b"[" * 20000), "makes no sense", "20,000 lists in one another.")
bad("header_utf8.safetensors", safetensors(b'{"\xff":1}'), "makes no sense", "A name that is no text.")
bad("offsets_beyond.safetensors", safetensors(one(), VALUES[:20]), "describes", "Values that are not all there.")
bad("offsets_trailing.safetensors", safetensors(one(), VALUES + b"more"), "describes", "More bytes than described.")
bad("offsets_hole.safetensors", safetensors(one(offsets=(8, 32)), VALUES + bytes(8)), "makes no sense", "Values that begin too late.")
bad("offsets_backwards.safetensors", safetensors(one(offsets=(24, 0)), VALUES), "makes no sense", "Values that end before they begin.")
bad("offsets_huge.safetensors", safetensors(one(offsets=(0, 2**64 - 1)), VALUES), "makes no sense", "Values of 2^64 bytes.")
bad("offsets_negative.safetensors", safetensors(one(offsets=(-24, 0)), VALUES), "makes no sense", "Negative places.")
bad("shape_overflow.safetensors", safetensors(one(shape=(2**40, 2**40)), VALUES), "makes no sense", "2^80 elements.")
bad("shape_other.safetensors", safetensors(one(shape=(2, 4)), VALUES), "makes no sense", "A shape that its bytes do not fill.")
bad("dtype_unknown.safetensors", safetensors(one(dtype="F31"), VALUES), "makes no sense", "An unknown type.")
bad("version_newer.safetensors", safetensors(one(fbrs_format="3"), VALUES), "newer fbrs", "A format of the future.")
bad("version_text.safetensors", safetensors(one(fbrs_format="\x1b[2J"), VALUES), "newer fbrs", "A version that is no number.")
bad("radius_zero.safetensors", safetensors(one(norm_radius="0"), VALUES), "norm_radius", "A radius of zero.")
bad("radius_nan.safetensors", safetensors(one(norm_radius="NaN"), VALUES), "norm_radius", "A radius that is no number.")
bad("width_huge.safetensors",
    safetensors({NAME: {"dtype": "F32", "shape": [10**12, 0], "data_offsets": [0, 0]}}), "rows",
    "A network 10^12 channels wide.")
bad("width_zero.safetensors",
    safetensors({NAME: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}), "rows",
    "A network without channels.")
bad("width_missing.safetensors",
    safetensors({NAME: {"dtype": "F32", "shape": [2, 0], "data_offsets": [0, 0]}}), "is missing",
    "A network that does not say how wide its attention is.")
bad("nearly_nothing.safetensors",
    safetensors({
        NAME: {"dtype": "F32", "shape": [4096, 0], "data_offsets": [0, 0]},
        "feature_extractor.ocr_distri_head.object_context_block.f_down.1.0.bias":
            {"dtype": "F32", "shape": [4096, 0], "data_offsets": [0, 0]},
    }), "differs from it", "The widest network believed, without any values.")

bad("control_characters.safetensors",
    safetensors({"\x1b[2J\x07": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
    "\\u{1b}[2J", "A name that would clear a terminal.")


# --- Configurations of RITM's checkpoints -------------------------------------------------------

def value(of):
    """A plain value, as a pickle has it."""
    if of is None:
        return b"N"
    if isinstance(of, bool):
        return b"\x88" if of else b"\x89"
    if isinstance(of, int):
        return number(of)
    if isinstance(of, float):
        return b"G" + struct.pack(">d", of)
    if isinstance(of, str):
        return text(of)
    if isinstance(of, tuple):
        return tuple_of(*map(value, of))
    if isinstance(of, list):
        return b"](" + b"".join(map(value, of)) + b"e"
    return b"}(" + b"".join(value(item) for pair in of.items() for item in pair) + b"u"


# What tells a network of RITM's kind, of width 2, from others.
GUIDED = {name: tensor() for name in [
    "maps_transform.0.weight",
    "feature_extractor.stage2.0.branches.0.0.conv1.weight",
    "feature_extractor.ocr_distri_head.object_context_block.f_down.1.0.bias",
]}
RITM = {
    "width": 2, "ocr_width": 2, "small": True, "with_prev_mask": True, "use_leaky_relu": True,
    "use_rgb_conv": False, "use_disks": True, "norm_radius": 5,
    "norm_mean_std": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
}


def ritm(changes=None, kind="isegm.model.is_hrnet_model.HRNetModel"):
    parameters = {name: {"type": "builtin", "value": of, "specified": True}
                  for name, of in (RITM | (changes or {})).items()}
    config = {"class": kind, "params": parameters}
    weights = state_dict(GUIDED)[2:-1]
    return (b"\x80\x02}(" + text("state_dict") + weights + text("config") + value(config) + b"u.")


for what, changes, says, why in [
    ("unknown_option", {"some_later_option": 1}, "sets some_later_option",
     "Sets an option that this program does not know."),
    ("width_of_a_million", {"width": 1_000_000}, "width = 1000000", "A width of a million."),
    ("width_negative", {"width": -18}, "width = -18", "A width below 0."),
    ("width_true", {"width": True}, "width = true", "A width that is no number."),
    ("radius_huge", {"norm_radius": 10**30}, "norm_radius", "A radius of 10^30."),
    ("radius_nan", {"norm_radius": float("nan")}, "norm_radius", "A radius that is no number."),
    ("deviation_zero", {"norm_mean_std": ([0.5] * 3, [1.0, 0.0, 1.0])}, "norm_mean_std",
     "Divides the photo by 0."),
    ("mean_of_two", {"norm_mean_std": ([0.5] * 2, [1.0] * 3)}, "norm_mean_std",
     "A mean of two colors."),
    ("click_groups", {"clicks_groups": [3, 5]}, "clicks_groups", "Clicks in groups."),
    ("option_with_escape", {"\x1b[2J": 1}, "\\u{1b}[2J", "An option that would clear a terminal."),
    ("contradicts_shapes", {"width": 18}, "its tensors say hrnet2s_ocr2_itermask", "A network that its shapes deny."),
]:
    for container, wrap in (("zip", archive), ("stream", stream)):
        bad(f"ritm_{what}_{container}.pth", wrap(ritm(changes)), says, why)
bad("ritm_class_of_something_else.pth", archive(ritm(kind="os.system")), "of class os.system",
    "A class path of something else.")
bad("ritm_config_deep.pth",
    archive(b"\x80\x02}(" + text("state_dict") + state_dict(GUIDED)[2:-1] + text("config")
            + b"]" + b"\x85" * 200_000 + b"u."),
    "nesting", "A configuration of 200,000 tuples in one another.")
bad("ritm_list_of_networks.pth",
    archive(b"\x80\x02](" + ritm()[2:-1] + ritm()[2:-1] + b"e."), "a list",
    "Two networks in a list.")
bad("ritm_networks_in_config.pth",
    archive(b"\x80\x02}(" + text("state_dict") + b"](" + 2 * state_dict(GUIDED)[2:-1] + b"e"
            + text("config") + value([RITM, RITM]) + b"u."),
    "differs from it", "Two networks in a list, beside their configurations.")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    lines = ["# What the error about each file must say; written by tools/write_bad_files.py.", ""]
    table = ["| file | what is wrong with it |", "|---|---|"]
    for name, (data, says, why) in sorted(FILES.items()):
        (FOLDER / name).write_bytes(data)
        lines.append(f"{json.dumps(name)} = {json.dumps(says)}")
        table.append(f"| `{name}` | {why} |")
    (FOLDER / "expected.toml").write_text("\n".join(lines) + "\n")
    (FOLDER / "README.md").write_text(
        "# Hostile and broken weight files\n\n"
        "Written by `tools/write_bad_files.py`, byte by byte. Each must be refused with an error "
        "that contains the words in `expected.toml`, within a second, without a panic and without "
        "memory to speak of: `crates/fbrs-weights/tests/hostile.rs` holds the reader to that, and "
        "to refusing every one of them cut short at every length.\n\n" + "\n".join(table) + "\n")
    print(f"{len(FILES)} files, {sum(len(data) for data, _, _ in FILES.values())} bytes")


if __name__ == "__main__":
    main()
