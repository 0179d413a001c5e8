import HedgerowAPI
import Messaging
import RPCSupport
import ShadowStore
import Shadows
import StreamStore

// What messages do to shadows, inside the transaction that stores the messages: so that a report is there exactly once
// when the message is acknowledged, whatever ends when.
//
// What shadows answer, and what they say of a change, goes to whoever a subscription `from: shadow` leads to, at QoS 0:
// it says how a document is that can be asked for at any time, and nobody needs old news of it.

extension CoreIngestTransaction {
    /// What a thing's own batch does to shadows.
    func shadowEffects(of batch: Batch, topic: Topic, route: Route) -> [ShadowEffect] {
        guard route.shadow else { return [] }
        return ShadowEffect.of(batch, topic: topic, thing: thing, author: "thing:\(thing)") { other in
            other == thing
                ? nil : "thing \"\(thing)\" may use only its own shadows, and not those of \"\(other)\""
        }
    }

    /// Does it, in order. One that cannot be done is answered, or counted at its component, and the others go on.
    func apply(_ effects: [ShadowEffect], into result: inout Result) throws {
        for effect in effects {
            do {
                try apply(effect, into: &result)
            } catch let error as ShadowError {
                reject(effect, error, into: &result)
            } catch let error as HedgerowError {
                reject(effect, ShadowError(.forbidden, error.message), into: &result)
            }
        }
    }

    private func apply(_ effect: ShadowEffect, into result: inout Result) throws {
        if case .refused(let reason) = effect.action { throw ShadowError(.forbidden, reason) }
        // What a shadow is, its home core says; a copy of another core's would reach nobody.
        try table.shadows.requireHome(of: effect.thing, core: core)
        let key = try ShadowKey(thing: effect.thing, name: effect.name)
        let shadows = shadows.transaction(db, author: effect.author, now: now, plan: table.shadows)
        switch effect.action {
        case .refused: return
        case .change(let reported, let desired):
            try shadows.update(
                key, try ShadowUpdate(desired: desired, reported: reported, limits: shadows.limits))
        case .request(let operation, let payload):
            switch operation {
            case .update:
                try shadows.update(key, try ShadowUpdate(parsing: payload, limits: shadows.limits))
            case .delete:
                let request = try ShadowRequest(parsing: payload)
                try shadows.delete(key, version: request.version, clientToken: request.clientToken)
            case .get:
                let request = try ShadowRequest(parsing: payload)
                let text = try shadows.get(key).getResponse(clientToken: request.clientToken)
                answer(key, .get, .accepted, text, into: &result)
            }
        }
        if !shadows.applied.isEmpty { host.forget() }
        tell(shadows.applied, into: &result)
    }

    /// Tells those who follow of what was changed.
    private func tell(_ applied: [AppliedShadow], into result: inout Result) {
        result.shadows.append(contentsOf: applied)
        news.send(applied, by: table, into: &result)
    }

    private func reject(_ effect: ShadowEffect, _ error: ShadowError, into result: inout Result) {
        if case .request(let operation, let payload) = effect.action,
            let key = try? ShadowKey(thing: effect.thing, name: effect.name)
        {
            var error = error
            if error.clientToken == nil {
                error.clientToken = (try? ShadowRequest(parsing: payload))?.clientToken
            }
            let text = error.rejectedText(now: now)
            answer(key, operation, .rejected, text, into: &result)
            result.rejectedShadows.append((key, text))
        }
        result.shadowFailures += 1
        let cause = "the shadow of \"\(effect.thing)\": \(error.message)"
        guard let component = effect.component else {
            result.shadowProblem = cause
            return
        }
        var tally = ComponentTally(component, generation: table.generation)
        tally.failures[cause] = 1
        result.tallies.append(tally)
    }

    private func answer(
        _ key: ShadowKey, _ operation: ShadowTopic.Operation, _ outcome: ShadowTopic.Outcome, _ text: String,
        into result: inout Result
    ) {
        news.send(text, on: ShadowTopic(key, operation, outcome), by: table, into: &result)
    }

    private var news: ShadowNews {
        ShadowNews(core: core, epoch: session.epoch, now: now, isClockDoubtful: isClockDoubtful)
    }
}
