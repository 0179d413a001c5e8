import Foundation
import TestSupport
import Testing

/// The small disk of the soak is full when it says so.
@Suite struct SmallDiskTests {
    @Test("a filled disk takes not one byte, and a freed one does", .enabled(if: SmallDisk.isAllowed))
    func fillsAndFrees() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/disk"
            let disk = try await SmallDisk(at: path, mebibytes: 2)
            let file = URL(fileURLWithPath: "\(path)/file")
            try Data("before".utf8).write(to: file)
            try disk.fill()
            #expect(throws: (any Error).self) { try Data(repeating: 1, count: 1 << 14).write(to: file) }
            disk.free()
            try Data(repeating: 2, count: 1 << 14).write(to: file)

            // The files outlive the disk where a run failed.
            try await SmallDisk.keepFiles(of: path)
            #expect(try Data(contentsOf: file) == Data(repeating: 2, count: 1 << 14))
            try await SmallDisk.unmount(path)
        }
    }
}
