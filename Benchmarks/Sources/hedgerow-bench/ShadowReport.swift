/// What things report in the load: a document of about 300 bytes, of which every round changes some values.
enum ShadowReport {
    /// An update that sets all of `reported`, the round among it.
    static func update(round: Int) -> String {
        let step = Double(round % 64) / 64
        return """
            {"state":{"reported":{"round":\(round),"temperature":\(21.375 + step),"humidity":\(48.25 + step),\
            "pressure":1013.25,"gas_resistance":120034.5,"battery":{"level":0.87,"charging":false},\
            "firmware":{"version":"1.4.2","slot":"a"},"place":{"building":"north","hall":3,"press":12},\
            "units":{"temperature":"C","humidity":"%RH","pressure":"hPa"}}}}
            """
    }
}
