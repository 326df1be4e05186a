"""The four kinds of target that Acre has, and the compiler flags of each."""

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Werror",
]

_MACHINE = select({
    # Processors since 2009: the tagged pointers of the lock-free stacks are swapped 16 bytes at a time
    # (CMPXCHG16B), bits are counted by POPCNT.
    "@platforms//cpu:x86_64": ["-march=x86-64-v2"],
    "//conditions:default": [],
})

_COMPILER = select({
    "//bazel:clang": [],
    # Names of GCC's "unique" binding cannot be made local when the layers are merged.
    "//conditions:default": ["-fno-gnu-unique"],
})

# A frame larger than a guard touches each of its pages, so that it cannot jump over one into a neighbour's stack.
# And without -fno-plt the first call of each function of libc would take 3 KiB of stack to look it up, which on
# a fiber's is most of what Acre may take.
_FRAMES = select({
    "@platforms//cpu:x86_64": [
        "-fstack-clash-protection",
        "-fno-plt",
    ],
    "//conditions:default": [],
})

# The core must run in a process that has no C++ runtime: whatever would call into one is off
# here, and what gets through is an undefined symbol when //:acre is linked.
_CORE = _WARNINGS + [
    "-g",
    "-DACRE_BUILDING_LIBRARY=1",  # acre.h then marks what the shared library exports
    "-fno-exceptions",
    "-fno-rtti",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
]

_HOSTED = _WARNINGS + ["-g"]

def _visibility(label):
    """A package's label stands for the package; any other visibility is taken as it is."""
    return label if ":" in label else label + ":__pkg__"

def acre_layer(name, srcs = [], hdrs = [], deps = [], visible_to = []):
    """A layer of runtime/ or gc/.

    Args:
      visible_to: the packages that may use it, which are those of layers above; tests and
        benchmarks may always.
    """
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = _CORE + _MACHINE + _COMPILER + _FRAMES,
        linkstatic = True,
        visibility = [_visibility(label) for label in visible_to] + [
            "//bench:__subpackages__",
            "//test:__subpackages__",
        ],
        deps = deps,
    )

def acre_catching_layer(name, srcs = [], hdrs = [], deps = [], visible_to = []):
    """As acre_layer, for what has to catch exceptions of an embedder's."""
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        # (Without RTTI the types that are caught would be made here, of parts of the C++ runtime.)
        copts = [flag for flag in _CORE if flag not in ["-fno-exceptions", "-fno-rtti"]] +
                _MACHINE + _COMPILER + _FRAMES,
        linkstatic = True,
        visibility = [_visibility(label) for label in visible_to] + [
            "//bench:__subpackages__",
            "//test:__subpackages__",
        ],
        deps = deps,
    )

def acre_test(name, srcs, deps = [], data = [], size = "small", env = {}, args = [], tags = [], linkopts = []):
    """A program of Boost.Test suites. main() is in //bazel:boost_test_main."""
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = args,
        copts = _HOSTED + _MACHINE,
        data = data,
        env = env,
        linkopts = linkopts,
        linkstatic = True,
        tags = tags,
        deps = deps + ["//bazel:boost_test_main"],
    )

def acre_program(name, srcs, hdrs = [], deps = [], linkopts = [], **kwargs):
    """A program of bench/ or examples/."""
    native.cc_binary(
        name = name,
        srcs = srcs + hdrs,
        copts = _HOSTED + _MACHINE,
        linkopts = linkopts + ["-lpthread"],
        deps = deps,
        **kwargs
    )

def acre_microbench(name, srcs, deps = []):
    """A program of Google Benchmark functions; main() comes with the library."""
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = _HOSTED + _MACHINE,
        tags = ["microbench"],
        deps = deps + ["//bazel:google_benchmark"],
    )
