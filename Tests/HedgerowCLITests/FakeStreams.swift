import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// Streams of two cores, one of them away.
struct FakeStreams: Hedgerow_Stream_V1_StreamService.SimpleServiceProtocol {
    static let streams: [Hedgerow_Stream_V1_StreamStatus] = ["pi-1", "pi-2"].map { core in
        .with {
            $0.core = core
            $0.stream = "default"
            $0.connected = core == "pi-1"
            $0.reportTime = Google_Protobuf_Timestamp(seconds: 1_777_890_600)
            $0.messages = 1_234
            $0.bytes = 5 << 20
            $0.maxBytes = 256 << 20
            $0.priority = 5
            $0.oldestReceiveTime = Google_Protobuf_Timestamp(seconds: 1_777_890_000)
            $0.appendedMessages = 5_000
            $0.appended.messagesPerSecond = 12.34
            $0.forwarded.messagesPerSecond = 250.6
            $0.lost = [
                .with {
                    $0.reason = .overwritten
                    $0.count = 3
                }
            ]
            $0.epochs = [
                .with {
                    $0.epoch = Data(repeating: 0xAB, count: 16)
                    $0.oldestSequence = 7
                    $0.newestSequence = 1_240
                    $0.current = true
                }
            ]
            $0.exports = [
                .with {
                    $0.name = "cloud"
                    $0.kind = "cloud"
                    $0.paused = core == "pi-2"
                    $0.messages = 1_234
                },
                .with {
                    $0.name = "archive"
                    $0.kind = "directory"
                    $0.lastError = "the disk is full"
                },
            ]
        }
    }

    let cloud: FakeCloud

    func listStreams(
        request: Hedgerow_Stream_V1_ListStreamsRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_ListStreamsResponse {
        .with { $0.streams = Self.streams.filter { request.core.isEmpty || $0.core == request.core } }
    }

    func getStream(
        request: Hedgerow_Stream_V1_GetStreamRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_GetStreamResponse {
        guard
            let stream = Self.streams.first(where: { $0.core == request.core && $0.stream == request.stream })
        else { throw HedgerowError(.notFound, .notFound, "the core has not reported a stream") }
        return .with { $0.stream = stream }
    }

    /// Ten messages, each page at most three.
    func readStream(
        request: Hedgerow_Stream_V1_ReadStreamRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_ReadStreamResponse {
        guard request.core == "pi-1" else {
            throw HedgerowError(.unavailable, .coreAway, "the core \"pi-2\" has been away since yesterday")
        }
        cloud.state.withLock { $0.reads.append(request) }
        let first = request.newest ? 8 : max(1, request.position.sequence)
        let last = min(10, first + min(2, UInt64(request.pageSize) - 1))
        return .with { page in
            page.messages = (first <= last ? Array(first...last) : []).map { number in
                .with {
                    $0.position.sequence = number
                    if number == 5 {
                        $0.lost.reason = .overwritten
                        $0.lost.sequences = 1
                        $0.lost.things = ["t"]
                    } else {
                        $0.record.message.topic = "a/b"
                        $0.record.message.payload.data = Data("number \(number)".utf8)
                        $0.record.origin.thing = "t"
                    }
                }
            }
            page.next.sequence = last + 1
            page.end = last >= 10
        }
    }

    func deleteStreamMessages(
        request: Hedgerow_Stream_V1_DeleteStreamMessagesRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_DeleteStreamMessagesResponse {
        .with { $0.messages = 12 }
    }

    func pauseExport(
        request: Hedgerow_Stream_V1_PauseExportRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_PauseExportResponse {
        .with {
            $0.export.name = request.export
            $0.export.paused = true
            $0.export.messages = 1
        }
    }

    func resumeExport(
        request: Hedgerow_Stream_V1_ResumeExportRequest, context: ServerContext
    ) async throws -> Hedgerow_Stream_V1_ResumeExportResponse {
        .with { $0.export.name = request.export }
    }
}
