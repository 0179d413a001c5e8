public import FoundationEssentials
import Identity
public import PKI
import SwiftASN1
public import X509

/// Whether certificates hang together, and for how long.
public enum CertificateChecks {
    /// Checks that an identity's certificate chains to the root that it pins, for its principal and use, and its
    /// times.
    ///
    /// - Parameters:
    ///   - identity: as loaded from its directory, which has checked that key, leaf and principal belong together.
    ///   - now: the time that certificates are checked at: the later of the clock and the last time known.
    public static func identity(_ identity: StoredIdentity, now: Date) async -> [DoctorFinding] {
        let what = "the certificate of \(identity.principal)"
        let chain: [Certificate]
        let roots: [Certificate]
        do {
            chain = try Certificates.parse(pem: identity.chainPEM)
            roots = try Certificates.parse(pem: identity.rootPEM)
        } catch {
            return [unreadable("certificate.chain", what, error)]
        }
        return [
            await self.chain(
                "certificate.chain", what: what, chain: chain, roots: roots,
                trustDomain: identity.trustDomain,
                usage: .client),
            times("certificate.times", what: what, chain: chain, renewTime: identity.renewTime, now: now),
        ]
    }

    /// Checks a chain against the authorities that it is to lead to. Times do not count here: it is checked at a time
    /// at which the leaf is valid.
    public static func chain(
        _ check: String, what: String, chain: [Certificate], roots: [Certificate], trustDomain: String,
        usage: PeerVerifier.Usage
    ) async -> DoctorFinding {
        let middle = chain.first.map { leaf in
            leaf.notValidBefore.addingTimeInterval(
                leaf.notValidAfter.timeIntervalSince(leaf.notValidBefore) / 2)
        }
        let verifier = PeerVerifier(
            roots: roots, trustDomain: trustDomain, usage: usage, now: { middle ?? .distantPast })
        switch await verifier.verify(chain: chain) {
        case .success(let peer):
            return .good(check, "\(what) names \(peer.spiffeID) and leads to the authority that is trusted")
        case .failure(let refusal):
            return .failure(
                check, "\(what) would be refused: \(refusal)", advice: "enrol again with a new token")
        }
    }

    /// Checks when certificates of a chain begin and end.
    ///
    /// - Parameters:
    ///   - renewTime: when the leaf is renewed at the latest; nil for two thirds of its validity.
    public static func times(
        _ check: String, what: String, chain: [Certificate], renewTime: Date?, now: Date,
        remedy: String = "enrol again with a new token"
    ) -> DoctorFinding {
        guard let leaf = chain.first else { return .skipped(check, "there is no certificate") }
        for certificate in chain {
            let name = certificate == leaf ? what : "the authority above \(what)"
            if certificate.notValidAfter < now {
                return .failure(
                    check,
                    "\(name) expired \(Spans.text(from: certificate.notValidAfter, to: now)) ago, at "
                        + text(certificate.notValidAfter),
                    advice: "\(remedy), or set the clock where it is wrong")
            }
            if certificate.notValidBefore > now {
                return .failure(
                    check,
                    "\(name) is valid only from \(text(certificate.notValidBefore)), in "
                        + Spans.text(from: now, to: certificate.notValidBefore),
                    advice: "set the clock: certificates begin an hour before they are made")
            }
        }
        let end = chain.map(\.notValidAfter).min() ?? leaf.notValidAfter
        let left = "\(what) is valid for another \(Spans.text(from: now, to: end)), until \(text(end))"
        if (renewTime ?? leaf.renewTime) < now {
            return .warning(
                check, "\(left), and past two thirds of its time without having been renewed",
                advice: "let the program reach its cloud: it renews by itself then")
        }
        return .good(check, left)
    }

    /// Checks that a server's certificate names the addresses that it is reached at.
    public static func names(
        _ check: String, what: String, leaf: Certificate, hosts: [String]
    ) -> DoctorFinding {
        var names: Set<String> = []
        if let alternatives = try? leaf.extensions.subjectAlternativeNames {
            for name in alternatives {
                switch name {
                case .dnsName(let name): names.insert(name.lowercased())
                case .ipAddress(let bytes): names.insert(literal(Array(bytes.bytes)))
                default: break
                }
            }
        }
        let missing = hosts.filter { host in
            guard let address = AddressChecks.literalBytes(host) else {
                return !names.contains(host.lowercased())
            }
            return !names.contains(literal(address))
        }
        if missing.isEmpty {
            return .good(check, "\(what) names every address that is reported (\(hosts.count))")
        }
        return .warning(
            check, "\(what) does not name \(missing.prefix(5).joined(separator: ", "))",
            advice:
                "nothing of ours needs that (names are checked by SPIFFE ID); other clients do: a running core asks for "
                + "a new one by itself")
    }

    /// Until when an identity's certificate is valid; nil where it cannot be read.
    public static func expireTime(of identity: StoredIdentity) -> Date? {
        (try? Certificates.parse(pem: identity.chainPEM))?.first?.notValidAfter
    }

    /// Says that a certificate cannot be read.
    public static func unreadable(_ check: String, _ what: String, _ error: any Error) -> DoctorFinding {
        .failure(
            check, "\(what) cannot be read: \(error)",
            advice: "restore it from a backup, or move its directory away and enrol with a new token")
    }

    private static func text(_ date: Date) -> String { date.formatted(.iso8601) }

    private static func literal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0) }.joined(separator: ".")
    }
}
