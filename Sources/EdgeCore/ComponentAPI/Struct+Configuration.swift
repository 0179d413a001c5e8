import Components
import SwiftProtobuf

extension Google_Protobuf_Struct {
    /// A configuration as it goes to a program. Whole numbers beyond 2^53 lose their last digits, as they do in JSON.
    init(_ configuration: [String: ConfigurationValue]) {
        self.init(fields: configuration.mapValues(Google_Protobuf_Value.init))
    }
}

extension Google_Protobuf_Value {
    fileprivate init(_ value: ConfigurationValue) {
        switch value {
        case .null:
            self.init()
            nullValue = .nullValue
        case .bool(let truth): self.init(boolValue: truth)
        case .int(let number): self.init(numberValue: Double(number))
        case .double(let number): self.init(numberValue: number)
        case .string(let text): self.init(stringValue: text)
        case .list(let values):
            self.init(listValue: .init(values: values.map(Google_Protobuf_Value.init)))
        case .object(let members): self.init(structValue: .init(members))
        }
    }
}
