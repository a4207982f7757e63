"""ggml's plug-in interface in ctypes: the structs, the symbols, and the device the pager is to llama.cpp."""
