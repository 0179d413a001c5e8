extension CoreConfiguration.Timing {
    /// How long a stage of a deployment may take.
    func limit(of stage: DeploymentProgress.Stage, settlingTime: Duration) -> Duration {
        switch stage {
        case .fetch: fetch
        case .verify: verify
        case .stage: self.stage
        case .switch: switchOver
        case .settle: settlingTime + settleMargin
        case .back: back
        }
    }
}
