"""ggml's plug-in structs, as laid out in llama-cpp-python 0.3.36 (GGML_BACKEND_API_VERSION 2).

Source: ggml/src/ggml-backend-impl.h and ggml/include/ggml.h of that release. Field order and types are theirs;
`guard.check_abi` proves them against live objects before the pager is used. Structs only: nothing is loaded here.
"""

import ctypes as C
from typing import Any

RELEASE = "0.3.36"
"""The release of llama-cpp-python these layouts are of."""
API_VERSION = 2
DEVICE_TYPE_ACCEL = 3
STATUS_SUCCESS = 0
STATUS_FAILED = -1
STATUS_ABORTED = 1

PTR, SIZE, INT = C.c_void_p, C.c_size_t, C.c_int


def function(result: Any, *arguments: Any) -> Any:
    """Return the ctypes type of a C function pointer."""
    return C.CFUNCTYPE(result, *arguments)


class Tensor(C.Structure):
    """`struct ggml_tensor` (ggml.h)."""

    _fields_ = (
        ("type", INT),
        ("buffer", PTR),
        ("ne", C.c_int64 * 4),
        ("nb", SIZE * 4),
        ("op", INT),
        ("op_params", C.c_int32 * 16),
        ("flags", C.c_int32),
        ("src", PTR * 10),
        ("view_src", PTR),
        ("view_offs", SIZE),
        ("data", PTR),
        ("name", C.c_char * 64),
        ("extra", PTR),
        ("padding", C.c_char * 8),
    )


class BufferTypeInterface(C.Structure):
    """`struct ggml_backend_buffer_type_i`."""

    _fields_ = (
        ("get_name", function(PTR, PTR)),
        ("alloc_buffer", function(PTR, PTR, SIZE)),
        ("get_alignment", function(SIZE, PTR)),
        ("get_max_size", PTR),
        ("get_alloc_size", function(SIZE, PTR, PTR)),
        ("is_host", function(C.c_bool, PTR)),
    )


class BufferType(C.Structure):
    """`struct ggml_backend_buffer_type`."""

    _fields_ = (("iface", BufferTypeInterface), ("device", PTR), ("context", PTR))


class BufferInterface(C.Structure):
    """`struct ggml_backend_buffer_i`."""

    _fields_ = (
        ("free_buffer", function(None, PTR)),
        ("get_base", function(PTR, PTR)),
        ("init_tensor", function(INT, PTR, PTR)),
        ("memset_tensor", PTR),
        ("set_tensor", function(None, PTR, PTR, PTR, SIZE, SIZE)),
        ("get_tensor", PTR),
        ("set_tensor_2d", PTR),
        ("get_tensor_2d", PTR),
        ("cpy_tensor", PTR),
        ("clear", function(None, PTR, C.c_uint8)),
        ("reset", PTR),
    )


class Buffer(C.Structure):
    """`struct ggml_backend_buffer`."""

    _fields_ = (("iface", BufferInterface), ("buft", PTR), ("context", PTR), ("size", SIZE), ("usage", INT))


class BackendInterface(C.Structure):
    """`struct ggml_backend_i`."""

    _fields_ = (
        ("get_name", function(PTR, PTR)),
        ("free", function(None, PTR)),
        ("set_tensor_async", PTR),
        ("get_tensor_async", PTR),
        ("set_tensor_2d_async", PTR),
        ("get_tensor_2d_async", PTR),
        ("cpy_tensor_async", PTR),
        ("synchronize", PTR),
        ("graph_plan_create", PTR),
        ("graph_plan_free", PTR),
        ("graph_plan_update", PTR),
        ("graph_plan_compute", PTR),
        ("graph_compute", function(INT, PTR, PTR)),
        ("event_record", PTR),
        ("event_wait", PTR),
        ("graph_optimize", PTR),
    )


class Backend(C.Structure):
    """`struct ggml_backend`."""

    _fields_ = (("guid", PTR), ("iface", BackendInterface), ("device", PTR), ("context", PTR))


class DeviceProperties(C.Structure):
    """`struct ggml_backend_dev_props`; `caps`: async, host_buffer, buffer_from_host_ptr, events, mmap_support."""

    _fields_ = (
        ("name", PTR),
        ("description", PTR),
        ("memory_free", SIZE),
        ("memory_total", SIZE),
        ("type", INT),
        ("device_id", PTR),
        ("caps", C.c_bool * 5),
    )


class DeviceInterface(C.Structure):
    """`struct ggml_backend_device_i`."""

    _fields_ = (
        ("get_name", function(PTR, PTR)),
        ("get_description", function(PTR, PTR)),
        ("get_memory", function(None, PTR, C.POINTER(SIZE), C.POINTER(SIZE))),
        ("get_type", function(INT, PTR)),
        ("get_props", function(None, PTR, C.POINTER(DeviceProperties))),
        ("init_backend", function(PTR, PTR, PTR)),
        ("get_buffer_type", function(PTR, PTR)),
        ("get_host_buffer_type", PTR),
        ("buffer_from_host_ptr", PTR),
        ("supports_op", function(C.c_bool, PTR, PTR)),
        ("supports_buft", function(C.c_bool, PTR, PTR)),
        ("offload_op", PTR),
        ("event_new", PTR),
        ("event_free", PTR),
        ("event_synchronize", PTR),
    )


class Device(C.Structure):
    """`struct ggml_backend_device`."""

    _fields_ = (("iface", DeviceInterface), ("reg", PTR), ("context", PTR))


class RegistryInterface(C.Structure):
    """`struct ggml_backend_reg_i`."""

    _fields_ = (
        ("get_name", function(PTR, PTR)),
        ("get_device_count", function(SIZE, PTR)),
        ("get_device", function(PTR, PTR, SIZE)),
        ("get_proc_address", function(PTR, PTR, PTR)),
    )


class Registry(C.Structure):
    """`struct ggml_backend_reg`."""

    _fields_ = (("api_version", INT), ("iface", RegistryInterface), ("context", PTR))


class HashSet(C.Structure):
    """`struct ggml_hash_set` (ggml-impl.h)."""

    _fields_ = (("size", SIZE), ("used", PTR), ("keys", PTR))


class Graph(C.Structure):
    """`struct ggml_cgraph` (ggml-impl.h)."""

    _fields_ = (
        ("size", INT),
        ("n_nodes", INT),
        ("n_leafs", INT),
        ("nodes", PTR),
        ("grads", PTR),
        ("grad_accs", PTR),
        ("leafs", PTR),
        ("use_counts", PTR),
        ("visited_hash_set", HashSet),
        ("order", INT),
        ("uid", C.c_uint64),
    )


class InitParams(C.Structure):
    """`struct ggml_init_params` (ggml.h)."""

    _fields_ = (("mem_size", SIZE), ("mem_buffer", PTR), ("no_alloc", C.c_bool))


def field_type(struct: type[C.Structure], field: str) -> Any:
    """Return the ctypes type of a field."""
    return {name: kind for name, kind, *_ in struct._fields_}[field]


def bind(struct: type[C.Structure], field: str, callback: Any) -> Any:
    """Return `callback` as the C function pointer `struct.field` wants. The caller keeps it referenced."""
    return field_type(struct, field)(callback)
