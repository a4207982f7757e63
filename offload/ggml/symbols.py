"""ggml's functions, found in the copy of the library that llama.cpp itself runs on.

llama_cpp ships several *copies* of each library; opening another one by path gives a second device registry that
llama.cpp never sees. So symbols are resolved through the library handle the binding has loaded.
"""

import ctypes as C
import functools
import sys
from typing import Any

from offload.errors import AbiError
from offload.ggml.abi import INT, PTR, SIZE, BufferInterface, InitParams
from offload.llama.kernels import load_kernels

CPU_FEATURES = ("avx2", "avx512", "neon", "matmul_int8", "dotprod", "sve", "vxe", "riscv_v")
"""What ggml asks before it chooses an interleaving (repack.cpp, `ggml_repack_get_optimal_repack_type`)."""

PROTOTYPES: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    # void ggml_backend_register(ggml_backend_reg_t reg)
    ("ggml_backend_register", None, (PTR,)),
    # ggml_backend_buffer_t ggml_backend_buffer_init(buft, struct ggml_backend_buffer_i iface, void * context, size_t)
    ("ggml_backend_buffer_init", PTR, (PTR, BufferInterface, PTR, SIZE)),
    # size_t ggml_nbytes(const struct ggml_tensor *)
    ("ggml_nbytes", SIZE, (PTR,)),
    # bool ggml_backend_buft_is_host(ggml_backend_buffer_type_t)
    ("ggml_backend_buft_is_host", C.c_bool, (PTR,)),
    # const char * ggml_op_name(enum ggml_op)
    ("ggml_op_name", C.c_char_p, (INT,)),
    # const char * ggml_type_name(enum ggml_type)
    ("ggml_type_name", C.c_char_p, (INT,)),
    # size_t ggml_row_size(enum ggml_type, int64_t ne)
    ("ggml_row_size", SIZE, (INT, C.c_int64)),
    # size_t ggml_type_size(enum ggml_type)
    ("ggml_type_size", SIZE, (INT,)),
    # int64_t ggml_blck_size(enum ggml_type)
    ("ggml_blck_size", C.c_int64, (INT,)),
    # ggml_backend_t ggml_backend_cpu_init(void)
    ("ggml_backend_cpu_init", PTR, ()),
    # void ggml_backend_free(ggml_backend_t)
    ("ggml_backend_free", None, (PTR,)),
    # ggml_backend_buffer_type_t ggml_backend_cpu_buffer_type(void)
    ("ggml_backend_cpu_buffer_type", PTR, ()),
    # ggml_backend_reg_t ggml_backend_cpu_reg(void)
    ("ggml_backend_cpu_reg", PTR, ()),
    # void * ggml_backend_reg_get_proc_address(ggml_backend_reg_t, const char * name)
    ("ggml_backend_reg_get_proc_address", PTR, (PTR, C.c_char_p)),
    # ggml_backend_dev_t ggml_backend_reg_dev_get(ggml_backend_reg_t, size_t index)
    ("ggml_backend_reg_dev_get", PTR, (PTR, SIZE)),
    # const char * ggml_backend_buft_name(ggml_backend_buffer_type_t)
    ("ggml_backend_buft_name", C.c_char_p, (PTR,)),
    # ggml_backend_buffer_t ggml_backend_buft_alloc_buffer(ggml_backend_buffer_type_t, size_t)
    ("ggml_backend_buft_alloc_buffer", PTR, (PTR, SIZE)),
    # void ggml_backend_buffer_free(ggml_backend_buffer_t)
    ("ggml_backend_buffer_free", None, (PTR,)),
    # struct ggml_context * ggml_init(struct ggml_init_params)
    ("ggml_init", PTR, (InitParams,)),
    # void ggml_free(struct ggml_context *)
    ("ggml_free", None, (PTR,)),
    # struct ggml_tensor * ggml_new_tensor_3d(ctx, enum ggml_type, int64_t ne0, int64_t ne1, int64_t ne2)
    ("ggml_new_tensor_3d", PTR, (PTR, INT, C.c_int64, C.c_int64, C.c_int64)),
    # struct ggml_tensor * ggml_cont(ctx, struct ggml_tensor *)
    ("ggml_cont", PTR, (PTR, PTR)),
    # struct ggml_tensor * ggml_mul_mat(ctx, struct ggml_tensor * weights, struct ggml_tensor * vectors)
    ("ggml_mul_mat", PTR, (PTR, PTR, PTR)),
    # struct ggml_tensor * ggml_mul_mat_id(ctx, struct ggml_tensor * experts, struct ggml_tensor * vectors, ids)
    ("ggml_mul_mat_id", PTR, (PTR, PTR, PTR, PTR)),
    # void ggml_backend_cpu_set_n_threads(ggml_backend_t, int)
    ("ggml_backend_cpu_set_n_threads", None, (PTR, INT)),
    # struct ggml_cgraph * ggml_new_graph_custom(ctx, size_t size, bool grads)
    ("ggml_new_graph_custom", PTR, (PTR, SIZE, C.c_bool)),
    # void ggml_build_forward_expand(struct ggml_cgraph *, struct ggml_tensor *)
    ("ggml_build_forward_expand", None, (PTR, PTR)),
    # struct ggml_tensor * ggml_set_name(struct ggml_tensor *, const char *)
    ("ggml_set_name", PTR, (PTR, C.c_char_p)),
    # int ggml_cpu_has_<feature>(void)
    *((f"ggml_cpu_has_{feature}", INT, ()) for feature in CPU_FEATURES),
    # void ggml_backend_buffer_clear(ggml_backend_buffer_t, uint8_t value)
    ("ggml_backend_buffer_clear", None, (PTR, C.c_uint8)),
    # void * ggml_backend_buffer_get_base(ggml_backend_buffer_t)
    ("ggml_backend_buffer_get_base", PTR, (PTR,)),
    # void ggml_backend_buffer_set_usage(ggml_backend_buffer_t, enum ggml_backend_buffer_usage)
    ("ggml_backend_buffer_set_usage", None, (PTR, INT)),
    # size_t ggml_backend_buft_get_alignment(ggml_backend_buffer_type_t)
    ("ggml_backend_buft_get_alignment", SIZE, (PTR,)),
    # size_t ggml_backend_buft_get_max_size(ggml_backend_buffer_type_t)
    ("ggml_backend_buft_get_max_size", SIZE, (PTR,)),
    # void ggml_backend_tensor_set(struct ggml_tensor *, const void * data, size_t offset, size_t size)
    ("ggml_backend_tensor_set", None, (PTR, PTR, SIZE, SIZE)),
    # void ggml_backend_tensor_get(const struct ggml_tensor *, void * data, size_t offset, size_t size)
    ("ggml_backend_tensor_get", None, (PTR, PTR, SIZE, SIZE)),
    # void ggml_backend_tensor_copy(const struct ggml_tensor * src, struct ggml_tensor * dst)
    ("ggml_backend_tensor_copy", None, (PTR, PTR)),
    # void ggml_backend_synchronize(ggml_backend_t)
    ("ggml_backend_synchronize", None, (PTR,)),
    # ggml_backend_buffer_type_t ggml_backend_dev_buffer_type(ggml_backend_dev_t)
    ("ggml_backend_dev_buffer_type", PTR, (PTR,)),
    # size_t ggml_backend_dev_count(void)
    ("ggml_backend_dev_count", SIZE, ()),
    # ggml_backend_dev_t ggml_backend_dev_by_name(const char *)
    ("ggml_backend_dev_by_name", PTR, (C.c_char_p,)),
    # ggml_backend_dev_t ggml_backend_dev_get(size_t index)
    ("ggml_backend_dev_get", PTR, (SIZE,)),
    # ggml_backend_buffer_type_t ggml_backend_dev_host_buffer_type(ggml_backend_dev_t)
    ("ggml_backend_dev_host_buffer_type", PTR, (PTR,)),
    # const char * ggml_backend_dev_name(ggml_backend_dev_t)
    ("ggml_backend_dev_name", C.c_char_p, (PTR,)),
    # const char * ggml_backend_dev_description(ggml_backend_dev_t)
    ("ggml_backend_dev_description", C.c_char_p, (PTR,)),
    # enum ggml_backend_dev_type ggml_backend_dev_type(ggml_backend_dev_t)
    ("ggml_backend_dev_type", INT, (PTR,)),
    # void ggml_backend_dev_memory(ggml_backend_dev_t, size_t * free, size_t * total)
    ("ggml_backend_dev_memory", None, (PTR, C.POINTER(SIZE), C.POINTER(SIZE))),
)


class Symbols:
    """ggml's functions with argument and result types set. Obtain it from `symbols()`. Any thread may call them."""

    def __init__(self, libraries: list[C.CDLL]) -> None:
        for name, result, arguments in PROTOTYPES:
            found = next((getattr(library, name) for library in libraries if hasattr(library, name)), None)
            if found is None:
                raise AbiError(
                    f"The native library has no function {name}.",
                    hint="Install llama-cpp-python == 0.3.36: this release of offload is written for it.",
                )
            found.restype, found.argtypes = result, list(arguments)
            setattr(self, name, found)
        self.mul_mat_id: int = self._op(b"MUL_MAT_ID")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def _op(self, name: bytes) -> int:
        for number in range(256):
            if self.ggml_op_name(number) == name:
                return number
        raise AbiError(f"The native library knows no operation {name.decode()}.", hint="Run: offload doctor")

    def type_name(self, ggml_type: int) -> str:
        """Return ggml's own name of a tensor type, as `q4_K`."""
        name: bytes = self.ggml_type_name(ggml_type)
        return name.decode()


@functools.cache
def symbols() -> Symbols:
    """Return the functions, loading the native library on first use.

    Raises:
        AbiError: a function is missing.
    """
    load_kernels()
    import llama_cpp.llama_cpp as binding

    libraries = [binding._lib]
    if sys.platform == "win32":  # GetProcAddress does not look into the libraries a library depends on
        libraries += [C.CDLL(name) for name in ("ggml-base.dll", "ggml-cpu.dll", "ggml.dll")]
    return Symbols(libraries)
