"""The structs, each read through a live object of the native library and compared with the library's own answer."""

import ctypes
from collections.abc import Iterator

import pytest

from offload.ggml import abi
from offload.ggml.abi import (
    Backend,
    Buffer,
    BufferInterface,
    BufferType,
    Device,
    DeviceProperties,
    InitParams,
    Registry,
    Tensor,
    bind,
)
from offload.ggml.symbols import Symbols, symbols
from offload.llama.library import load

CPU_DEVICE_TYPE = 0


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    """The native library itself, for functions that the program does not use."""
    native = load()
    found: ctypes.CDLL = native.llama_cpp._lib
    return found


@pytest.fixture(scope="module")
def ggml() -> Symbols:
    load()
    return symbols()


def ask(library: ctypes.CDLL, name: str, result: object, *arguments: object) -> object:
    """Call a function of the library that takes pointers."""
    function = getattr(library, name)
    function.restype, function.argtypes = result, [ctypes.c_void_p] * len(arguments)
    return function(*arguments)


@pytest.fixture
def buffer(ggml: Symbols) -> Iterator[int]:
    address = ggml.ggml_backend_buft_alloc_buffer(ggml.ggml_backend_cpu_buffer_type(), 12_345)
    yield address
    ggml.ggml_backend_buffer_free(address)


def test_a_tensor_is_as_large_as_ggmls(ggml: Symbols, library: ctypes.CDLL) -> None:
    ggml_object = 32  # struct ggml_object, which stands before each tensor
    assert ctypes.sizeof(Tensor) == ask(library, "ggml_tensor_overhead", ctypes.c_size_t) - ggml_object  # type: ignore[operator]


def test_the_source_of_an_operation_is_where_the_struct_says(ggml: Symbols, library: ctypes.CDLL) -> None:
    context = ggml.ggml_init(InitParams(1 << 16, None, True))
    try:
        one, other, ids = (
            ggml.ggml_new_tensor_3d(context, kind, *ne)
            for kind, ne in ((0, (8, 4, 5)), (0, (8, 1, 3)), (26, (2, 3, 1)))
        )
        node = Tensor.from_address(ask(library, "ggml_mul_mat_id", ctypes.c_void_p, context, one, other, ids))  # type: ignore[arg-type]
    finally:
        ggml.ggml_free(context)
    assert node.op == ggml.mul_mat_id
    assert tuple(node.src[:4]) == (one, other, ids, None)
    assert tuple(node.ne) == (4, 2, 3, 1)


def test_a_view_names_its_source_and_offset(ggml: Symbols, library: ctypes.CDLL) -> None:
    context = ggml.ggml_init(InitParams(1 << 16, None, False))
    try:
        whole = ggml.ggml_new_tensor_3d(context, 0, 16, 2, 1)
        function = library.ggml_view_1d
        function.restype, function.argtypes = (
            ctypes.c_void_p,
            [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_size_t],
        )
        view = Tensor.from_address(function(context, whole, 8, 32))
        assert (view.view_src, view.view_offs) == (whole, 32)
        assert view.data == Tensor.from_address(whole).data + 32
    finally:
        ggml.ggml_free(context)


def test_a_buffer(ggml: Symbols, library: ctypes.CDLL, buffer: int) -> None:
    seen = Buffer.from_address(buffer)
    assert seen.buft == ggml.ggml_backend_cpu_buffer_type()
    assert seen.size == ask(library, "ggml_backend_buffer_get_size", ctypes.c_size_t, buffer)
    assert seen.iface.get_base(buffer) == ask(library, "ggml_backend_buffer_get_base", ctypes.c_void_p, buffer)
    assert seen.usage == ask(library, "ggml_backend_buffer_get_usage", ctypes.c_int, buffer)


def test_what_a_buffer_does(ggml: Symbols, buffer: int) -> None:
    seen = Buffer.from_address(buffer)
    base = seen.iface.get_base(buffer)
    seen.iface.clear(buffer, 7)
    assert ctypes.string_at(base, 12_345) == b"\x07" * 12_345
    tensor = Tensor(type=0, buffer=buffer, data=base)
    seen.iface.set_tensor(buffer, ctypes.addressof(tensor), b"four", 2, 4)
    assert ctypes.string_at(base, 7) == b"\x07\x07four\x07"


def test_a_buffer_of_ours_is_seen_by_ggml_as_we_made_it(ggml: Symbols, library: ctypes.CDLL) -> None:
    memory = ctypes.create_string_buffer(256)
    freed: list[int] = []
    interface = BufferInterface()
    interface.free_buffer = free = bind(BufferInterface, "free_buffer", freed.append)
    interface.get_base = base = bind(BufferInterface, "get_base", lambda buffer: Buffer.from_address(buffer).context)
    buffer_type = ggml.ggml_backend_cpu_buffer_type()
    made = ggml.ggml_backend_buffer_init(buffer_type, interface, ctypes.addressof(memory), 256)
    assert ask(library, "ggml_backend_buffer_get_base", ctypes.c_void_p, made) == ctypes.addressof(memory)
    assert ask(library, "ggml_backend_buffer_get_size", ctypes.c_size_t, made) == 256
    ggml.ggml_backend_buffer_free(made)
    assert freed == [made]
    assert free is not None
    assert base is not None


def test_a_buffer_type(ggml: Symbols, library: ctypes.CDLL) -> None:
    address = ggml.ggml_backend_cpu_buffer_type()
    seen = BufferType.from_address(address)
    assert ctypes.string_at(seen.iface.get_name(address)) == b"CPU"
    assert seen.iface.get_alignment(address) == ask(
        library, "ggml_backend_buft_get_alignment", ctypes.c_size_t, address
    )
    assert seen.iface.is_host(address)
    assert seen.device == ask(library, "ggml_backend_buft_get_device", ctypes.c_void_p, address)


def test_a_backend(ggml: Symbols, library: ctypes.CDLL) -> None:
    address = ggml.ggml_backend_cpu_init()
    try:
        seen = Backend.from_address(address)
        assert ctypes.string_at(seen.iface.get_name(address)) == b"CPU"
        assert seen.device == ask(library, "ggml_backend_get_device", ctypes.c_void_p, address)
        assert seen.guid == ask(library, "ggml_backend_guid", ctypes.c_void_p, address)
    finally:
        ggml.ggml_backend_free(address)


def test_a_device_and_its_properties(ggml: Symbols, library: ctypes.CDLL) -> None:
    address = ggml.ggml_backend_reg_dev_get(ggml.ggml_backend_cpu_reg(), 0)
    seen = Device.from_address(address)
    properties = DeviceProperties()
    seen.iface.get_props(address, ctypes.byref(properties))
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    seen.iface.get_memory(address, ctypes.byref(free), ctypes.byref(total))
    assert seen.iface.get_type(address) == properties.type == CPU_DEVICE_TYPE
    assert ctypes.string_at(properties.name) == b"CPU"
    assert properties.memory_total == total.value > 0
    assert tuple(properties.caps) == (False, False, True, False, True)  # takes host memory and mapped files
    assert seen.iface.get_buffer_type(address) == ggml.ggml_backend_cpu_buffer_type()
    assert seen.iface.supports_buft(address, ggml.ggml_backend_cpu_buffer_type())


def test_a_registry(ggml: Symbols) -> None:
    address = ggml.ggml_backend_cpu_reg()
    seen = Registry.from_address(address)
    assert seen.api_version == abi.API_VERSION
    assert ctypes.string_at(seen.iface.get_name(address)) == b"CPU"
    assert seen.iface.get_device_count(address) == 1
    assert seen.iface.get_device(address, 0) == ggml.ggml_backend_reg_dev_get(address, 0)
    assert seen.iface.get_proc_address(address, b"no such function") is None


def test_the_statuses_are_ggmls(library: ctypes.CDLL) -> None:
    function = library.ggml_status_to_string
    function.restype, function.argtypes = ctypes.c_char_p, [ctypes.c_int]
    said = [function(status) for status in (abi.STATUS_SUCCESS, abi.STATUS_ABORTED, abi.STATUS_FAILED)]
    assert [b"success" in said[0], b"abort" in said[1], b"error" in said[2]] == [True, True, True]


def test_an_unknown_field_cannot_be_bound() -> None:
    with pytest.raises(KeyError):
        bind(BufferInterface, "no_such_field", lambda: None)
