import FoundationEssentials
import HedgerowAPI
import SwiftProtobuf

/// What reflection can tell: the services of a server, and the files of the protos that describe them.
///
/// It holds the files of the services that it was made for and what these import, no others. Symbols are found by
/// their full names, without a dot in front. The protos have no extensions.
struct ProtoCatalog: Sendable {
    private struct File: Sendable {
        let data: Data
        let imports: [String]
    }

    /// Full names of the services, sorted.
    let services: [String]
    private var files: [String: File] = [:]
    /// Name of the file by full name of a symbol.
    private var symbols: [String: String] = [:]
    private var messages: Set<String> = []

    /// Makes the catalogue of some services.
    ///
    /// - Parameters:
    ///   - services: full names. One that no file declares is listed and not described.
    ///   - encoded: descriptors in base64 by name of the file, as ``ProtoDescriptors/files`` has them.
    /// - Throws: where a descriptor cannot be read.
    init(services: some Sequence<String>, encoded: [String: String] = ProtoDescriptors.files) throws {
        self.services = Set(services).sorted()
        let wanted = Set(self.services)
        var descriptors: [String: (descriptor: Google_Protobuf_FileDescriptorProto, data: Data)] = [:]
        for (name, text) in encoded {
            guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters) else {
                throw UnreadableDescriptor(file: name)
            }
            descriptors[name] = (try Google_Protobuf_FileDescriptorProto(serializedBytes: data), data)
        }
        var open = descriptors.values.compactMap { entry in
            let declared = entry.descriptor.service.map { "\(entry.descriptor.package).\($0.name)" }
            return declared.contains(where: wanted.contains) ? entry.descriptor.name : nil
        }
        while let name = open.popLast() {
            guard files[name] == nil, let (descriptor, data) = descriptors[name] else { continue }
            files[name] = File(data: data, imports: descriptor.dependency)
            enter(descriptor)
            open += descriptor.dependency
        }
    }

    /// The file that declares a symbol.
    func file(containing symbol: String) -> String? { symbols[symbol] }

    /// Whether there is a message type of that full name.
    func hasMessage(_ name: String) -> Bool { messages.contains(name) }

    /// A file, and what it imports, directly and indirectly, without what was sent before; empty where there is no
    /// such file.
    ///
    /// - Parameter sent: names of files that were sent before; what is returned is added.
    func closure(of name: String, sent: inout Set<String>) -> [Data] {
        guard let file = files[name] else { return [] }
        // The file that was asked for is sent in any case.
        sent.insert(name)
        var found = [file.data]
        var open = file.imports
        while let next = open.popLast() {
            guard let imported = files[next], sent.insert(next).inserted else { continue }
            found.append(imported.data)
            open += imported.imports
        }
        return found
    }

    // MARK: Symbols

    private mutating func enter(_ file: Google_Protobuf_FileDescriptorProto) {
        for message in file.messageType { enter(message, in: file.package, of: file.name) }
        for type in file.enumType { enter(type, in: file.package, of: file.name) }
        for service in file.service {
            let name = "\(file.package).\(service.name)"
            symbols[name] = file.name
            for method in service.method { symbols["\(name).\(method.name)"] = file.name }
        }
    }

    private mutating func enter(
        _ message: Google_Protobuf_DescriptorProto, in scope: String, of file: String
    ) {
        let name = "\(scope).\(message.name)"
        symbols[name] = file
        messages.insert(name)
        for field in message.field { symbols["\(name).\(field.name)"] = file }
        for oneof in message.oneofDecl { symbols["\(name).\(oneof.name)"] = file }
        for nested in message.nestedType { enter(nested, in: name, of: file) }
        for type in message.enumType { enter(type, in: name, of: file) }
    }

    private mutating func enter(
        _ type: Google_Protobuf_EnumDescriptorProto, in scope: String, of file: String
    ) {
        symbols["\(scope).\(type.name)"] = file
        // A value is a neighbour of its type, as in C++.
        for value in type.value { symbols["\(scope).\(value.name)"] = file }
    }
}

/// A descriptor that is no base64.
struct UnreadableDescriptor: Error, Hashable, CustomStringConvertible {
    let file: String

    var description: String {
        "the descriptor of \(file) cannot be read; regenerate the protos (make protos) and build again"
    }
}
