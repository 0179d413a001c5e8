import FoundationEssentials
import HedgerowAPI
import PKI
import RPCSupport
import X509

extension CoreDoctor {
    /// Where the core listens, what it tells others of that, and whether its certificate says the same.
    func addresses(_ identity: StoredIdentity?, running: Int32?, time: Date) async -> [DoctorFinding] {
        let addresses: ReportedAddresses
        do throws(InvalidAddress) {
            addresses = try ReportedAddresses(
                listenHost: configuration.listenHost, advertise: configuration.advertise)
        } catch {
            return [
                .failure(
                    "address.listen", error.description, advice: "correct --listen-host or --advertise")
            ]
        }
        let listener = AddressChecks.Listener(
            host: addresses.bindHost, port: configuration.listenPort, name: "listen")
        let hosts = addresses.endpoints(port: configuration.listenPort).map(\.host)
        return [
            await AddressChecks.listening(listener, running: running), await AddressChecks.advertised(hosts),
        ] + (await certificate(identity, hosts: hosts, time: time))
    }

    /// The certificate that the core shows to things.
    private func certificate(_ identity: StoredIdentity?, hosts: [String], time: Date) async
        -> [DoctorFinding]
    {
        let check = "certificate.server"
        let what = "the certificate that things see"
        let path = state.serverCertificatePath
        let chain: [Certificate]
        do {
            guard let pem = try await BlockingIO.run({ try ServerCertificate.chainPEM(in: path) }) else {
                return [
                    .skipped(
                        check,
                        "there is no server certificate yet: the cloud gives one with the first deployment")
                ]
            }
            chain = try Certificates.parse(pem: pem)
        } catch {
            return [
                .failure(
                    check, "\(path) cannot be read: \(error)",
                    advice: "delete it while the core is stopped: the core asks the cloud for another one")
            ]
        }
        var findings = [
            CertificateChecks.times(
                check, what: what, chain: chain, renewTime: nil, now: time,
                remedy: "let the core reach its cloud, which gives another one")
        ]
        if let leaf = chain.first {
            findings.append(
                CertificateChecks.names("certificate.server.names", what: what, leaf: leaf, hosts: hosts))
        }
        // The group's authority changes with its rotation: things learn it by discovery, and the core sends it along.
        if let identity, chain.count > 1, let authority = chain.last {
            findings.append(
                await CertificateChecks.chain(
                    "certificate.server.chain", what: what, chain: chain, roots: [authority],
                    trustDomain: identity.trustDomain, usage: .server))
        }
        return findings
    }
}
