import StreamStore

/// Where an export other than the cloud brings a stream's messages.
protocol StreamExporter: Sendable {
    /// Brings there what it can of a section, at least one entry or one message of it, and moves the checkpoint.
    ///
    /// - Throws: What keeps it from that; it is tried again.
    func take(_ section: ExportSection) async throws

    /// Nothing is there to be taken; called now and then.
    func idle(_ state: StreamExportState) async throws
}

extension StreamExporter {
    func idle(_ state: StreamExportState) async throws {}
}
