"""The ABI guard: refuses to run on a native library whose structs are not those `abi` describes."""

import ctypes as C
from importlib.metadata import PackageNotFoundError, version

from offload.errors import AbiError
from offload.ggml import abi
from offload.ggml.abi import Backend, BufferType, Device, Graph, InitParams, Registry, Tensor
from offload.ggml.symbols import symbols

_HINT = f"Install llama-cpp-python == {abi.RELEASE}: this release of offload is written for it."


def check_abi() -> list[str]:
    """Compare release, interface version and live objects with `abi`; return what was checked, a line each.

    Raises:
        AbiError: anything differs; the message says what, expected and found.
    """
    checked = [
        _same("llama-cpp-python release", abi.RELEASE, _release()),
        _same("backend interface version", abi.API_VERSION, _interface_version()),
    ]
    checked += _check_buffer_type()
    checked += _check_tensor()
    checked += _check_graph()
    checked += _check_backend()
    return checked


def _same(what: str, expected: object, found: object) -> str:
    if expected != found:
        raise AbiError(f"{what}: expected {expected!r}, found {found!r}.", hint=_HINT)
    return f"{what}: {found}"


def _release() -> str:
    try:
        return version("llama-cpp-python")
    except PackageNotFoundError:
        return "not installed"


def _interface_version() -> int:
    registry = Registry.from_address(symbols().ggml_backend_cpu_reg())
    return int(registry.api_version)


def _check_buffer_type() -> list[str]:
    """Read the CPU's buffer type and device through our structs and through ggml's own functions."""
    ggml = symbols()
    address = ggml.ggml_backend_cpu_buffer_type()
    buffer_type = BufferType.from_address(address)
    name = C.string_at(buffer_type.iface.get_name(address))
    device_address = ggml.ggml_backend_reg_dev_get(ggml.ggml_backend_cpu_reg(), 0)
    device = Device.from_address(device_address)
    return [
        _same("CPU buffer type name", ggml.ggml_backend_buft_name(address), name),
        _same("CPU buffer is host memory", True, buffer_type.iface.is_host(address)),
        _same("CPU device name", b"CPU", C.string_at(device.iface.get_name(device_address))),
        _same("CPU device registry", ggml.ggml_backend_cpu_reg(), device.reg),
    ]


def _check_tensor() -> list[str]:
    """Make a tensor with ggml and read it back through our struct."""
    ggml = symbols()
    f32, ne = 0, (96, 5, 3)
    context = ggml.ggml_init(InitParams(1 << 16, None, True))
    try:
        address = ggml.ggml_new_tensor_3d(context, f32, *ne)
        ggml.ggml_set_name(address, b"offload-abi-guard")
        tensor = Tensor.from_address(address)
        return [
            _same("tensor name", b"offload-abi-guard", tensor.name),
            _same("tensor type", f32, tensor.type),
            _same("tensor shape", (*ne, 1), tuple(tensor.ne)),
            _same("tensor strides", (4, 4 * 96, 4 * 96 * 5, 4 * 96 * 5 * 3), tuple(tensor.nb)),
            _same("tensor bytes", 4 * 96 * 5 * 3, ggml.ggml_nbytes(address)),
            _same("tensor operation, data, extra", (0, None, None), (tensor.op, tensor.data, tensor.extra)),
        ]
    finally:
        ggml.ggml_free(context)


def _check_graph() -> list[str]:
    """Make a graph of one node with ggml and read it back through our struct."""
    ggml = symbols()
    context = ggml.ggml_init(InitParams(1 << 16, None, True))
    try:
        node = ggml.ggml_cont(context, ggml.ggml_new_tensor_3d(context, 0, 8, 1, 1))
        address = ggml.ggml_new_graph_custom(context, 8, False)
        ggml.ggml_build_forward_expand(address, node)
        graph = Graph.from_address(address)
        return [
            _same("graph size, nodes and leafs", (8, 1, 1), (graph.size, graph.n_nodes, graph.n_leafs)),
            _same("graph node", node, C.c_void_p.from_address(graph.nodes).value),
            _same("graph order", 0, graph.order),
        ]
    finally:
        ggml.ggml_free(context)


def _check_backend() -> list[str]:
    """Make a CPU backend and read its device and interface through our struct."""
    ggml = symbols()
    address = ggml.ggml_backend_cpu_init()
    try:
        backend = Backend.from_address(address)
        return [
            _same("CPU backend name", b"CPU", C.string_at(backend.iface.get_name(address))),
            _same("CPU backend device", ggml.ggml_backend_reg_dev_get(ggml.ggml_backend_cpu_reg(), 0), backend.device),
            _same("CPU backend computes graphs", True, bool(backend.iface.graph_compute)),
        ]
    finally:
        ggml.ggml_backend_free(address)
