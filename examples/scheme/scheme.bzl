"""How the parts of the example are compiled."""

def scheme_part(name, visible_to, **kwargs):
    """A layer: `visible_to` names the folders above it that may use it ("" is the program's)."""
    native.cc_library(
        name = name,
        copts = [
            "-Wall",
            "-Wextra",
            "-Wshadow",
            "-Werror",
            "-g",
        ],
        linkstatic = True,
        visibility = [
            "//examples/scheme" + ("/" + folder if folder else "") + ":__pkg__"
            for folder in visible_to
        ] + ["//test/examples/scheme:__pkg__"],
        **kwargs
    )
