import Testing

@testable import Observability

@Suite struct StartupMemoryTests {
    @Test func onlyUnwritableTextOfFilesIsGivenBack() {
        let maps = """
            5558609b8000-555863ebf000 r-xp 00000000 fe:00 1835                       /usr/bin/hedgerow core
            555863ebf000-555864000000 r--p 03506000 fe:00 1835 /usr/bin/hedgerow core
            555864000000-5558665e5000 rw-p 03666000 fe:00 1835 /usr/bin/hedgerow core
            7f0000000000-7f0000021000 rw-p 00000000 00:00 0
            7f0000021000-7f0000022000 rwxp 00000000 fe:00 99 /usr/lib/odd.so
            7f1000000000-7f1000156000 r-xp 00026000 fe:00 77                        /usr/lib/libc.so.6
            7ffc9776c000-7ffc9776e000 r-xp 00000000 00:00 0 [vdso]
            garbage
            """
        #expect(
            StartupMemory.programText(maps: maps) == [
                0x5558_609b_8000..<0x5558_63eb_f000, 0x7f10_0000_0000..<0x7f10_0015_6000,
            ])
    }

    @Test func aDebuggerIsNoticed() {
        #expect(!StartupMemory.isDebugged(status: "Name:\ta\nPid:\t7\nPPid:\t1\nTracerPid:\t0\nUid:\t0\n"))
        #expect(StartupMemory.isDebugged(status: "Name:\ta\nTracerPid:\t4711\nUid:\t0\n"))
        #expect(!StartupMemory.isDebugged(status: ""))
    }

    @Test func theProgramGoesOnWithoutWhatItGaveBack() {
        #if os(Linux)
            #expect(StartupMemory.release() > 1 << 20, "the text of the program itself")
        #endif
        #expect((1...100).map { $0 * $0 }.reduce(0, +) == 338_350)
    }
}
