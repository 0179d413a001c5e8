import TestSupport
import Testing

@testable import EdgeCore

/// Waiting for the attachment.
@Suite(.timeLimit(.minutes(1))) struct AttachmentStatusTests {
    @Test func whoeverWaitsGoesOnWhenTheCoreIsAttached() async throws {
        let status = AttachmentStatus()
        let waited = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await status.waitUntilAttached()
                    waited.set()
                }
            }
            status.update { $0.lastError = "the cloud is away" }
            #expect(!waited.isSet)
            status.update { $0.isAttached = true }
            try await group.waitForAll()
        }
        #expect(waited.isSet)
        // At once, where it is.
        try await status.waitUntilAttached()
    }

    @Test func waitingEndsWithItsTask() async throws {
        let status = AttachmentStatus()
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await status.waitUntilAttached()
                    return false
                } catch {
                    return error is CancellationError
                }
            }
            group.cancelAll()
            #expect(await group.next() == true)
        }
        // Nobody waits any more: this resumes no one twice.
        status.update { $0.isAttached = true }
    }
}
