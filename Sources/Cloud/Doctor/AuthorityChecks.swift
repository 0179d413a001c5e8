import FoundationEssentials
import GRDB
import PKI
import RPCSupport
import X509

/// Whether the cloud's certificate authorities can be used: certificates in the database, keys in files.
struct AuthorityChecks {
    /// What the database says.
    struct Records {
        /// An authority that signs.
        struct Authority {
            let kind: AuthorityKind
            let group: String?
            let fingerprint: String
            let certificatePEM: String
        }

        let authorities: [Authority]
        let trustDomain: String?

        init(_ db: Database) throws {
            guard try db.tableExists("authority"), try db.tableExists("fixed_setting") else {
                authorities = []
                trustDomain = nil
                return
            }
            trustDomain = try String.fetchOne(
                db, sql: "SELECT value FROM fixed_setting WHERE key = 'trust-domain'")
            authorities = try Row.fetchAll(
                db, sql: "SELECT kind, fleet_group, fingerprint, certificate FROM authority WHERE signing = 1"
            ).compactMap { row in
                guard let kind = AuthorityKind(rawValue: row[0]) else { return nil }
                return Authority(kind: kind, group: row[1], fingerprint: row[2], certificatePEM: row[3])
            }
        }
    }

    let records: Records
    /// The directory of the keys.
    let keys: String
    /// The configured one.
    let trustDomain: String
    let now: Date

    func findings() -> [DoctorFinding] {
        if records.authorities.isEmpty {
            return [
                .skipped(
                    "authority.keys",
                    "the cloud has no certificate authorities yet: it makes them at its first start")
            ]
        }
        return [keyFiles(), domain()] + cloudAuthorities() + [groups()]
    }

    private func name(_ authority: Records.Authority) -> String {
        authority.group.map { "the authority of group \($0)" } ?? "the \(authority.kind.rawValue) authority"
    }

    private func certificate(_ authority: Records.Authority) -> Certificate? {
        try? Certificates.parse(pem: authority.certificatePEM).first
    }

    private func keyFiles() -> DoctorFinding {
        let check = "authority.keys"
        for authority in records.authorities {
            let file =
                authority.group == nil
                ? KeyDirectory.fileName(of: authority.kind)
                : KeyDirectory.fileName(ofGroupAuthority: authority.fingerprint)
            let path = "\(keys)/\(file)"
            do {
                guard let key = try DurableFile.read(path) else {
                    return .failure(
                        check, "the key of \(name(authority)) is missing (\(path))",
                        advice: "restore it from a backup: it is never made anew")
                }
                _ = try CertificateAuthority(
                    certificatePEM: authority.certificatePEM, keyPEM: String(decoding: key, as: UTF8.self))
            } catch {
                return .failure(
                    check, "\(name(authority)) cannot be used: \(error)",
                    advice: "restore \(path) from a backup, and check that it is this user's")
            }
        }
        let count = records.authorities.count
        return .good(
            check, "\(count) certificate \(count == 1 ? "authority" : "authorities"), each with its key")
    }

    private func domain() -> DoctorFinding {
        let check = "authority.trustDomain"
        guard let stored = records.trustDomain else {
            return .skipped(check, "the trust domain is not fixed yet")
        }
        if stored != trustDomain {
            return .failure(
                check,
                "the trust domain is set to \"\(trustDomain)\", but this state belongs to \"\(stored)\"",
                advice: "set --trust-domain \(stored)")
        }
        return .good(check, "the trust domain is \(stored), as set")
    }

    private func cloudAuthorities() -> [DoctorFinding] {
        let root = records.authorities.first { $0.kind == .root }.flatMap(certificate)
        let issuing = records.authorities.first { $0.kind == .issuing }.flatMap(certificate)
        guard let root, let issuing else {
            return [
                .failure(
                    "certificate.root", "the database lacks the root or the issuing authority",
                    advice: "restore the state directory from a backup")
            ]
        }
        let remedy = "move to a new cloud state in time: everything has to enrol anew under another root"
        var findings = [
            CertificateChecks.times(
                "certificate.root", what: "the root", chain: [root], renewTime: nil, now: now, remedy: remedy),
            CertificateChecks.times(
                "certificate.issuing", what: "the issuing authority", chain: [issuing], renewTime: nil,
                now: now,
                remedy: remedy),
        ]
        findings.append(
            root.publicKey.isValidSignature(issuing.signature, for: issuing)
                ? .good("certificate.chain", "the issuing authority is signed by the root")
                : .failure(
                    "certificate.chain", "the issuing authority is not signed by the root",
                    advice: "restore the state directory from a backup"))
        return findings
    }

    private func groups() -> DoctorFinding {
        let check = "certificate.groups"
        let groups = records.authorities.filter { $0.kind == .group }
        if groups.isEmpty { return .skipped(check, "there are no groups yet") }
        for group in groups {
            guard let certificate = certificate(group) else {
                return .failure(
                    check, "the certificate of \(name(group)) cannot be read",
                    advice: "replace it: hedgerow groups rotate-ca \(group.group ?? "")")
            }
            let finding = CertificateChecks.times(
                check, what: name(group), chain: [certificate], renewTime: nil, now: now,
                remedy: "replace it: hedgerow groups rotate-ca \(group.group ?? "")")
            if finding.verdict != .good { return finding }
        }
        return .good(check, "the authority of each group is valid (\(groups.count))")
    }
}
