import Foundation
import HedgerowAPI
import PKI
import SwiftProtobuf

/// The last discovery answer on disk, so that a thing starts with the cloud away. It holds nothing secret, and
/// losing it costs one question to the cloud: a damaged one is said and ignored.
enum DiscoveryFile {
    typealias Answer = Hedgerow_Discovery_V1_DiscoverResponse

    static func path(in directory: String) -> String { directory + "/discovery.json" }

    static func read(in directory: String, report: @Sendable (ThingEvent) -> Void) async -> Answer? {
        do {
            let bytes = try await BlockingIO.run { try DurableFile.read(path(in: directory)) }
            guard let bytes else { return nil }
            var options = JSONDecodingOptions()
            options.ignoreUnknownFields = true
            return try Answer(jsonUTF8Data: Data(bytes), options: options)
        } catch {
            report(.problem("The last discovery answer in \(directory) is not used: \(error)"))
            return nil
        }
    }

    static func write(
        _ answer: Answer, in directory: String, report: @Sendable (ThingEvent) -> Void
    ) async {
        do {
            let bytes = Array(try answer.jsonUTF8Data())
            try await BlockingIO.run {
                guard try DurableFile.read(path(in: directory)) != bytes else { return }
                try DurableFile.write(bytes, to: path(in: directory))
            }
        } catch {
            report(.problem("The discovery answer was not kept in \(directory): \(error)"))
        }
    }
}
