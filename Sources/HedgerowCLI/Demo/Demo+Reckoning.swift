import Foundation

extension Demo {
    /// Compares what the thing knows with what the cloud has, and shows the result.
    func reckon(
        thing: DemoProcess, secondsCutOff: Double, isSameCore: Bool, isTraceShown: Bool
    ) async throws -> DemoSummary {
        screen.step("Comparing what the thing knows to be acknowledged with what the cloud has.")
        if !keep {
            thing.send(SIGTERM)
            try await wait("the thing to flush and end", for: nil) { thing.ended != nil }
        }
        let deadline = ContinuousClock.now + Self.patience
        // Read once, before the history: with --keep the thing goes on publishing.
        let acknowledgements = files.text("acknowledged.log")
        var verdict = try await verdict(on: acknowledgements)
        while !verdict.lost.isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(300))
            verdict = try await self.verdict(on: acknowledgements)
        }
        let statistics = files.json("thing.json") ?? [:]
        let ledger = try await object(["ledger", DemoGroup.thing, "--output", "json"])
        let days = ledger["days"] as? [[String: Any]] ?? []
        let (seconds, fraction) = screen.elapsed.components
        let summary = DemoSummary(
            // The thing writes its counts once a second: what is acknowledged was sent.
            sent: max(Self.number(statistics["published"]), UInt64(verdict.acknowledged.count)),
            acknowledged: verdict.acknowledged.count, storedRaw: verdict.raw.count,
            storedCorrected: verdict.corrected.count, duplicates: verdict.duplicates.count,
            lost: verdict.lost.count, wrong: verdict.wrong.count, versions: verdict.versions,
            tookOverCleanly: isSameCore && verdict.changedOnce,
            ledgerReceived: Self.number(ledger["received"]), ledgerLost: Self.number(ledger["lost"]),
            ledgerMissing: Self.number(ledger["missing"]),
            copiesDropped: days.reduce(0) { $0 + Self.number($1["duplicates"]) },
            commandActedOn: files.text(thing.log).contains("sampling every"),
            traceComplete: isTraceShown, secondsCutOff: secondsCutOff,
            seconds: Double(seconds) + Double(fraction) / 1e18)
        show(summary)
        if keep { sayHowToLookAround() }
        return summary
    }

    private func show(_ summary: DemoSummary) {
        screen.step("Summary")
        screen.note(
            "sent          \(summary.sent)   by the thing, \(Int(summary.secondsCutOff)) s of it without a cloud"
        )
        screen.note("acknowledged  \(summary.acknowledged)   by the core, each on its disk before")
        screen.note("stored        \(summary.storedRaw)   in the cloud's history, as the sensor gave them")
        let versions = summary.versions.sorted { $0.key < $1.key }.map { "\($0.value) by \($0.key)" }
        screen.note(
            "corrected     \(summary.storedCorrected)   in the cloud's history, \(versions.joined(separator: ", "))"
        )
        screen.note("duplicates    \(summary.duplicates)   in the cloud's history")
        screen.note("lost          \(summary.lost)   acknowledged and not stored, raw and corrected")
        screen.note(
            "wrong         \(summary.wrong)   corrected values that are not 2·T − CPU of their reading")
        screen.dim(
            "The cloud's own ledger: received \(summary.ledgerReceived), lost \(summary.ledgerLost), missing "
                + "\(summary.ledgerMissing), copies dropped \(summary.copiesDropped).")
        if summary.isClean {
            screen.good("Nothing acknowledged was lost or doubled, and every correction is right.")
        } else {
            screen.bad(
                "Something acknowledged was lost, doubled or wrong, or the command or the new version had no effect, or "
                    + "no trace was complete."
            )
        }
    }

    private func sayHowToLookAround() {
        screen.step("Everything goes on running. To look around:")
        screen.note("export HEDGEROW_HOME=\(files.file("home")) PATH=\(Self.binaries):$PATH")
        for line in [
            "hedgerow tail '#'", "hedgerow history --thing \(DemoGroup.thing) --limit 10",
            "hedgerow ledger \(DemoGroup.thing)", "hedgerow groups show \(DemoGroup.name)",
            "hedgerow components show \(DemoGroup.component)",
            "hedgerow publish commands/\(DemoGroup.thing)/set --value interval=2",
        ] { screen.note(line) }
        screen.note("Logs: \(files.path)/*.log")
        screen.note("To stop: kill $(cat \(files.path)/*.pid) && rm -r \(files.path)")
    }

    private func verdict(on acknowledgements: String) async throws -> DemoVerdict {
        // The corrected ones first: of what is stored between the two calls, the raw one is there as well.
        let corrected = try await rows(DemoGroup.correctedTopic)
        return DemoVerdict(
            acknowledgements: acknowledgements, raw: try await rows(DemoGroup.rawTopic), corrected: corrected)
    }

    private func rows(_ topic: String) async throws -> [DemoVerdict.Row] {
        let output = try await output([
            "history", "--thing", DemoGroup.thing, "--topic", topic, "--output", "json",
        ])
        let rows = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]] ?? []
        return rows.map { row in
            let values = row["values"] as? [String: Any] ?? [:]
            let units = row["units"] as? [String: Any] ?? [:]
            let source = row["source"] as? [String: Any] ?? [:]
            return DemoVerdict.Row(
                identity: .init(epoch: row["epoch"] as? String ?? "", sequence: Self.number(row["sequence"])),
                temperature: (values["temperature"] as? NSNumber)?.doubleValue ?? .nan,
                cpuTemperature: (values["cpu_temperature"] as? NSNumber)?.doubleValue,
                unit: units["temperature"] as? String ?? "", version: source["version"] as? String ?? "",
                revision: Self.number(source["revision"]))
        }
    }

    static func number(_ value: Any?) -> UInt64 { (value as? NSNumber)?.uint64Value ?? 0 }
}
