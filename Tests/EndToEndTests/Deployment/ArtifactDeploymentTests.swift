import Foundation
import HedgerowAPI
import TestSupport
import Testing

/// Deployments whose components have files, through real programs and over mTLS.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ArtifactDeploymentTests {
    private static let mebibyte = 1 << 20

    @Test(
        "from the command line to the core's disk; what came before stays until there is no room for it"
    )
    func wholeWay() async throws {
        try await ArtifactLane.with { lane in
            // Room for three files of 1 MiB.
            var contents = [try await lane.begin(Self.mebibyte, "--artifacts-maximum", "3584KiB")]
            var digests: [String] { contents.map(ArtifactLane.digest) }
            #expect(lane.stored == Set(digests))
            #expect(lane.stored(digests[0]) == contents[0])
            try await lane.judgeFlow(1)

            for revision in UInt64(2)...4 {
                contents.append(try await lane.push(revision, Self.mebibyte))
                let isWatched = revision == 4
                let id = try await lane.start(settling: isWatched ? 6 : 0)
                if isWatched {
                    // While it settles, what the core would go back to is whole.
                    try await eventually(
                        "\(revision) settles", within: .seconds(60),
                        holds: { try await lane.deployment(id).stage == .settle })
                    #expect(lane.stored.isSuperset(of: digests.suffix(2)))
                }
                try await lane.waitForSuccess(id)
                #expect(lane.stored == Set(digests.suffix(3)))
                #expect(lane.stored(digests[Int(revision) - 1]) == contents[Int(revision) - 1])
            }

            let kept = lane.stored
            try await lane.push(5, 2 * Self.mebibyte)
            try await lane.hedgerow("deploy", ArtifactLane.group, "--wait", code: 6)
            let failed = try await lane.deployment()
            #expect(failed.status == .failed)
            #expect(failed.reason.contains("artifacts.maximum"), "\(failed.reason)")
            #expect(lane.stored == kept, "nothing was removed for it")
            try await lane.judgeFlow(4)
        }
    }

    @Test("a file that the cloud's disk damaged fails with both digests, and runs once it is pushed again")
    func corrupt() async throws {
        try await ArtifactLane.with { lane in
            try await lane.begin(Self.mebibyte)
            let right = try await lane.push(2, 2 * Self.mebibyte)
            let digest = ArtifactLane.digest(right)
            var damaged = right
            damaged[Self.mebibyte] ^= 1
            try damaged.write(to: URL(fileURLWithPath: lane.cloudPath(digest)))

            try await lane.hedgerow("deploy", ArtifactLane.group, "--wait", code: 6)
            let failed = try await lane.deployment()
            #expect(failed.status == .failed)
            for word in [
                ArtifactLane.artifact, digest, ArtifactLane.digest(damaged),
                "hedgerow artifacts push FILE --verify",
            ] {
                #expect(failed.reason.contains(word), "\(word) in \(failed.reason)")
            }
            #expect(lane.stored.count == 1, "nothing of it stays: \(lane.stored)")
            try await lane.judgeFlow(1)

            try await lane.hedgerow("artifacts", "push", lane.artifactPath(2), "--verify")
            try await lane.hedgerow("deploy", ArtifactLane.group, "--wait")
            #expect(lane.stored(digest) == right)
            try await lane.judgeFlow(2)
        }
    }

    @Test("cloud and core killed in mid-download: it goes on from what is there, by itself")
    func killedInMidDownload() async throws {
        try await ArtifactLane.with { lane in
            try await lane.begin(64 << 10)
            let size = 40 * Self.mebibyte

            // The cloud.
            let second = try await lane.push(2, size)
            var id = try await download(20 * Self.mebibyte, of: second, lane)
            try await lane.fleet.process("cloud").kill9()
            lane.link.release()
            var held = try await eventually("what came is kept", within: .seconds(60)) {
                let held = lane.held(ArtifactLane.digest(second))
                return held >= 20 * Self.mebibyte ? held : nil
            }
            #expect(try lane.fleet.process(ArtifactLane.core).exit == nil)
            var before = lane.link.carriedBytes
            try await lane.fleet.startCloud()
            try await finish(id, second, beyond: held, since: before, lane)
            try await lane.judgeFlow(2)

            // The core.
            let third = try await lane.push(3, size)
            id = try await download(20 * Self.mebibyte, of: third, lane)
            try await lane.fleet.process(ArtifactLane.core).kill9()
            lane.link.release()
            held = lane.held(ArtifactLane.digest(third))
            #expect(held >= 16 * Self.mebibyte, "every 16 MiB are synced")
            // It serves from its disk first, without a cloud.
            lane.link.update { $0.isRefusing = true }
            try await lane.fleet.startCore(ArtifactLane.core)
            before = lane.link.carriedBytes
            lane.link.update { $0.isRefusing = false }
            try await finish(id, third, beyond: held, since: before, lane)
            try await lane.judgeFlow(3)
        }
    }

    /// Deploys, and returns when so many bytes have come through; the rest does not come before the line is released.
    ///
    /// - Returns: the deployment's id.
    private func download(_ bytes: Int, of content: Data, _ lane: ArtifactLane) async throws -> String {
        lane.link.hold(after: bytes + Self.mebibyte)
        let id = try await lane.start()
        try await eventually(
            "\(bytes) bytes are there", within: .seconds(120),
            holds: { lane.partialSize(ArtifactLane.digest(content)) >= bytes })
        return id
    }

    /// The deployment comes to its end, and what was there did not come again.
    private func finish(
        _ id: String, _ content: Data, beyond held: UInt64, since before: UInt64, _ lane: ArtifactLane
    ) async throws {
        try await lane.waitForSuccess(id)
        let came = lane.link.carriedBytes - before
        let rest = UInt64(content.count) - held
        print("artifact: \(held) of \(content.count) bytes were kept, \(came) came for the rest of \(rest)")
        #expect(came >= rest && came < rest + UInt64(4 * Self.mebibyte))
        let digest = ArtifactLane.digest(content)
        #expect(lane.stored(digest) == content)
        #expect(lane.partialSize(digest) == 0)
    }

    @Test("a disk without room, or that fills up in mid-download, fails it cleanly; with room it goes well")
    func fullDisk() async throws {
        guard SmallDisk.isAllowed else {
            print("full disk test: skipped: no disk can be mounted here")
            return
        }
        try await ArtifactLane.with { lane in
            let path = lane.fleet.statePath(ArtifactLane.core)
            let disk = try await SmallDisk(at: path, mebibytes: 64)
            do {
                try await Self.fail(on: disk, lane)
                try await SmallDisk.unmount(path)
            } catch {
                try? await SmallDisk.keepFiles(of: path)
                throw error
            }
        }
    }

    private static func fail(on disk: SmallDisk, _ lane: ArtifactLane) async throws {
        let first = ArtifactLane.digest(try await lane.begin(mebibyte))
        try await lane.push(2, 50 * mebibyte)
        let known = try await lane.waitForFailure(try await lane.start())
        #expect(known.contains("are free on the disk"), "\(known)")
        #expect(lane.stored == [first])

        let third = try await lane.push(3, 8 * mebibyte)
        lane.link.hold(after: 4 * mebibyte)
        let id = try await lane.start()
        try await eventually(
            "a part is there", within: .seconds(60),
            holds: { lane.partialSize(ArtifactLane.digest(third)) >= 2 * mebibyte })
        try disk.fill()
        lane.link.release()
        let found = try await lane.waitForFailure(id)
        // The file meets it, or what the core writes beside it.
        #expect(
            found.contains("disk of this core is full") || found.contains("the core's disk is full"),
            "\(found)")
        try await eventually("the room is the streams' again", holds: { lane.stored == [first] })
        #expect(try lane.fleet.process(ArtifactLane.core).exit == nil)

        disk.free()
        try await lane.judgeFlow(1)
        try await lane.waitForSuccess(try await lane.start())
        #expect(lane.stored(ArtifactLane.digest(third)) == third)
        try await lane.judgeFlow(3)
        try await lane.fleet.process(ArtifactLane.core).kill9()
    }
}
