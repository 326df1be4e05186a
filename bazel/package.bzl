"""The files that `./dev install` copies, made from the layers."""

load("//bazel/packaging:version.bzl", "ABI", "VERSION")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _acre_package_impl(ctx):
    cc = find_cpp_toolchain(ctx)
    linking = cc_common.merge_cc_infos(
        cc_infos = [dep[CcInfo] for dep in ctx.attr.deps],
    ).linking_context

    layers = []
    flags = []
    for input in linking.linker_inputs.to_list():
        flags += input.user_link_flags
        for library in input.libraries:
            archive = library.pic_static_library or library.static_library
            if archive:
                layers.append(archive)

    archive = ctx.actions.declare_file("libacre.a")
    shared = ctx.actions.declare_file("libacre.so." + VERSION)
    arguments = ctx.actions.args()
    arguments.add_all([archive, shared, "libacre.so." + ABI, ctx.file.map, "--"])
    arguments.add_all(layers)
    arguments.add("--")
    arguments.add_all(flags)
    ctx.actions.run(
        executable = ctx.executable._merge,
        arguments = [arguments],
        inputs = depset(layers + [ctx.file.map], transitive = [cc.all_files]),
        outputs = [archive, shared],
        env = {
            "AR": cc.ar_executable,
            "CC": cc.compiler_executable,
            "LD": cc.ld_executable,
            "OBJCOPY": cc.objcopy_executable,
            "PATH": "/usr/bin:/bin",
        },
        mnemonic = "AcreMerge",
        progress_message = "Merging the layers into libacre",
    )

    major, minor, _ = VERSION.split(".")
    described = []
    for template in ctx.files.templates:
        described.append(ctx.actions.declare_file(template.basename[:-len(".in")]))
        ctx.actions.expand_template(
            template = template,
            output = described[-1],
            substitutions = {
                "@ABI@": ABI,
                "@MAJOR@": major,
                "@MINOR@": minor,
                "@VERSION@": VERSION,
            },
        )

    headers = []
    for dep in ctx.attr.hdrs:
        compiling = dep[CcInfo].compilation_context
        headers += compiling.direct_public_headers + compiling.direct_textual_headers

    files = depset([archive, shared] + described + [h for h in headers if h.is_source])
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

acre_package = rule(
    implementation = _acre_package_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "hdrs": attr.label_list(providers = [CcInfo]),
        "map": attr.label(allow_single_file = True),
        "templates": attr.label_list(allow_files = [".in"]),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_merge": attr.label(
            default = "//bazel/packaging:merge.sh",
            allow_single_file = True,
            executable = True,
            cfg = "host",
        ),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
