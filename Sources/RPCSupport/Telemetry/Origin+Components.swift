public import HedgerowAPI
import Identity

/// What an origin says about components (see the comments of `Origin`).
extension Hedgerow_Type_V1_Origin {
    /// The output that a component's dead letters have.
    public static var deadLetterOutput: UInt32 { 65_535 }
    /// Most components that a message passes (architecture, section 2).
    public static var maximumChain: Int { 8 }

    /// Whether a component derived the messages.
    public var isDerived: Bool { !componentInstance.isEmpty }

    /// The instance that derived the messages: the last of a chain; nil for a thing's own.
    public var lastInstance: String? {
        isDerived
            ? componentInstance.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init)
            : nil
    }

    /// The instance whose dead letters these are; nil where they are none.
    public var deadLetterInstance: String? {
        outputIndex == Self.deadLetterOutput ? lastInstance : nil
    }

    /// What is wrong with the component and its output; nil where nothing is.
    public var componentProblem: String? {
        guard isDerived else {
            return outputIndex == 0 ? nil : "output_index is \(outputIndex) and no component is named"
        }
        let parts = componentInstance.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= Self.maximumChain else {
            return
                "component_instance names \(parts.count) components; at most \(Self.maximumChain) are allowed"
        }
        for part in parts.dropLast() {
            let pair = part.split(separator: "#", omittingEmptySubsequences: false)
            guard pair.count == 2, EntityName.isValid(String(pair[0])),
                let output = UInt32(pair[1]), output <= Self.deadLetterOutput, "\(output)" == pair[1]
            else { return "component_instance is not of the form NAME#OUTPUT/NAME" }
        }
        guard let last = parts.last, EntityName.isValid(String(last)) else {
            return "component_instance is not of the form NAME#OUTPUT/NAME"
        }
        guard outputIndex <= Self.deadLetterOutput else {
            return "output_index is \(outputIndex); at most \(Self.deadLetterOutput) is allowed"
        }
        return nil
    }
}
