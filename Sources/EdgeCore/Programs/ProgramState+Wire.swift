import HedgerowAPI
import Supervision

extension Hedgerow_Type_V1_ProgramState {
    /// The state of a program, for the cloud.
    init(_ state: Supervision.ProgramState) {
        self =
            switch state {
            case .new: .new
            case .installed: .installed
            case .starting: .starting
            case .running: .running
            case .stopping: .stopping
            case .errored: .errored
            case .broken: .broken
            case .finished: .finished
            }
    }
}
