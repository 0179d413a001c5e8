import HedgerowCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

exit(await HedgerowProgram.run(Array(CommandLine.arguments.dropFirst())))
