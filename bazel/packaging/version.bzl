"""The release, once: file names, acre.pc and the CMake package are made from it."""

VERSION = "0.1.0"

# Of the binary interface: the soname's. It grows when a client must be compiled again.
ABI = "0"
